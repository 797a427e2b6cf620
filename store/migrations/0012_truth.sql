-- For what comes back from the door: the daily report and the record of devices and rules.

-- A day's events of a grid. Without it a report reads the whole log: six seconds at 900,000 events.
CREATE INDEX alert_event_by_time ON alert_event (grid_no, at);

-- The alerts of the last weeks that somebody gave an outcome, without a look at the rows: asked for
-- with every list of alerts, and with every alert.
CREATE INDEX alert_judged ON alert (grid_no, raised_at) INCLUDE (rule, outcome, device_no)
    WHERE outcome IS NOT NULL;

-- How long the service could hear on a day is no secret; what it took in is not told.
GRANT SELECT (shard, batch, now_at, receive_clock_us) ON journal TO doorstep_staff;
