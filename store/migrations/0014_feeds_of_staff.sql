-- What staff may see and do of the feeds (0009 says how): webhooks all of whose grids are theirs, what
-- became of events there, and signals that concern their grids. Which of them may keep webhooks is
-- decided where they ask; which webhooks there are for them is decided here.

ALTER TABLE subscriber ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_grids ON subscriber TO doorstep_staff
    USING (kind = 'webhook' AND grid_nos <@ (SELECT staff_grids())::int[]);
GRANT SELECT, INSERT, UPDATE, DELETE ON subscriber TO doorstep_staff;

ALTER TABLE delivery ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_grids ON delivery TO doorstep_staff
    USING (EXISTS (SELECT FROM subscriber s WHERE s.subscriber_no = delivery.subscriber_no));
GRANT SELECT, INSERT, UPDATE ON delivery TO doorstep_staff;

-- A secret is written and never read again, but by the service.
ALTER TABLE subscriber_secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_grids ON subscriber_secret TO doorstep_staff
    USING (EXISTS (SELECT FROM subscriber s WHERE s.subscriber_no = subscriber_secret.subscriber_no));
GRANT SELECT (subscriber_no, until), INSERT, UPDATE (until), DELETE ON subscriber_secret
    TO doorstep_staff;

ALTER TABLE signal ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_grids ON signal FOR SELECT TO doorstep_staff
    USING (grid_nos IS NULL OR grid_nos && (SELECT staff_grids())::int[]);
