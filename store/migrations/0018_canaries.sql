-- Messages of our own, which prove each minute that the way from the broker to the feeds is open
-- (docs/decisions/0024). The newest of each grid, and nothing else of them anywhere.

CREATE TABLE canary (
    grid_no   int PRIMARY KEY REFERENCES grid ON DELETE CASCADE,
    mark      text NOT NULL,                 -- how its sender knows it again
    sent_at   timestamptz NOT NULL,
    stored_at timestamptz NOT NULL,
    event_id  bigint NOT NULL                -- of event_counter; alert_event has no row with it
);
CREATE INDEX canary_by_event ON canary (event_id);
