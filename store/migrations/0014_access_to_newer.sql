-- What staff may see and do of what came with 0010 and 0011: webhooks and signals of their own grids,
-- an alert whom it asked, and for the daily report when we could hear.

GRANT SELECT ON journal TO doorstep_staff;
GRANT UPDATE (told) ON alert TO doorstep_carer;

ALTER TABLE subscriber ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_grids ON subscriber TO doorstep_staff
    USING (kind = 'webhook' AND grid_nos <@ (SELECT staff_grids())::int[]);
ALTER TABLE subscriber_secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_grids ON subscriber_secret TO doorstep_staff USING (
    EXISTS (SELECT FROM subscriber s WHERE s.subscriber_no = subscriber_secret.subscriber_no)
);
ALTER TABLE delivery ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_grids ON delivery TO doorstep_staff USING (
    EXISTS (SELECT FROM subscriber s WHERE s.subscriber_no = delivery.subscriber_no)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON subscriber TO doorstep_staff;
-- A secret is written and never read again, but by the service.
GRANT SELECT (subscriber_no, until), INSERT, UPDATE (until), DELETE ON subscriber_secret
    TO doorstep_staff;
GRANT SELECT, INSERT, UPDATE ON delivery TO doorstep_staff;

ALTER TABLE signal ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_grids ON signal FOR SELECT TO doorstep_staff
    USING (grid_nos IS NULL OR grid_nos && (SELECT staff_grids())::int[]);
