-- Consumers outside that alert events are handed to, and what became of each event at each of them.
-- The log itself (`alert_event`) is the queue: ids are gap-free in the order of commits, so that a
-- consumer's cursor misses nothing (docs/decisions/0019).

CREATE TABLE subscriber (
    subscriber_no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            text NOT NULL UNIQUE,
    kind          text NOT NULL CHECK (kind IN ('webhook', 'mqtt', 'notify')),
    name          text NOT NULL DEFAULT '',
    grid_nos      int[],                     -- NULL: every grid; the service's own feeds only
    config        jsonb NOT NULL,            -- of its kind; nothing secret
    created_by    text,                      -- a staff id; NULL the service
    created_at    timestamptz NOT NULL,
    -- Every event up to this one, of these grids, has a row in `delivery`.
    cursor        bigint NOT NULL,
    -- Nothing is sent while it is stopped; its cursor stands still, and it goes on from there.
    stopped_at    timestamptz,
    stopped_why   text CHECK (stopped_why IN (
        'person',
        'gone'                               -- the consumer said that it is gone for good
    )),
    failures      int NOT NULL DEFAULT 0,    -- since the last success, of whatever event
    rest_until    timestamptz,               -- nothing is tried before
    version       int NOT NULL DEFAULT 1,
    CONSTRAINT stopped_says_why CHECK ((stopped_at IS NULL) = (stopped_why IS NULL))
);

-- Apart, so that who may list subscribers need not be able to read these.
CREATE TABLE subscriber_secret (
    subscriber_no int NOT NULL REFERENCES subscriber ON DELETE CASCADE,
    secret        text NOT NULL,
    made_at       timestamptz NOT NULL,
    until         timestamptz,               -- NULL the one that counts; else valid until then, beside it
    PRIMARY KEY (subscriber_no, secret)
);

CREATE TABLE delivery (
    subscriber_no  int NOT NULL REFERENCES subscriber ON DELETE CASCADE,
    event_id       bigint NOT NULL REFERENCES alert_event ON DELETE CASCADE,
    alert_id       text NOT NULL,
    state          text NOT NULL CHECK (state IN (
        'waiting',                           -- -> delivered, undeliverable
        'delivered',                         -- -> waiting: a person has it sent again
        'undeliverable'                      -- -> waiting: the same
    )),
    attempts       int NOT NULL DEFAULT 0,
    first_tried_at timestamptz,
    tried_at       timestamptz,
    due_at         timestamptz NOT NULL,     -- of a waiting one: not before
    delivered_at   timestamptz,
    status         text NOT NULL DEFAULT '', -- what came of the last attempt, in a word; never a body
    PRIMARY KEY (subscriber_no, event_id),
    CONSTRAINT delivered_says_when CHECK (state <> 'delivered' OR delivered_at IS NOT NULL)
);
-- At most 100 of a subscriber are waiting.
CREATE INDEX delivery_waiting ON delivery (subscriber_no, due_at) WHERE state = 'waiting';
CREATE INDEX delivery_not_made ON delivery (subscriber_no, first_tried_at)
    WHERE state <> 'delivered';
CREATE INDEX delivery_of_event ON delivery (event_id);
CREATE INDEX delivery_by_age ON delivery (tried_at) WHERE state <> 'waiting';

-- A signal may be about one thing of several, and then it is for those grids only.
ALTER TABLE signal ADD COLUMN subject text NOT NULL DEFAULT '', ADD COLUMN grid_nos int[];
DROP INDEX signal_one_standing;
CREATE UNIQUE INDEX signal_one_standing ON signal (kind, subject) WHERE ended_at IS NULL;
