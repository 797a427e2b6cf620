-- How contacts of staff have been written to, so that a robot's limit holds over a restart and for
-- every process, and the rounds at which staff are told of what is routine (docs/decisions/0022).

CREATE TABLE contact_use (
    contact_sha256 bytea PRIMARY KEY,        -- of the robot; an address is a secret and stays in `staff`
    sent           timestamptz[] NOT NULL,   -- messages of the last minute, at most 100
    rest_until     timestamptz,              -- it has said that it was too much: nothing before
    used_at        timestamptz NOT NULL
);
CREATE INDEX contact_use_by_age ON contact_use (used_at);

-- Times of the local day, 'HH:MM', at which somebody wants to be told of what calls nobody.
ALTER TABLE staff ADD COLUMN digest text[] NOT NULL DEFAULT '{}';

CREATE TABLE digest (
    staff_no       int NOT NULL REFERENCES staff,
    due_at         timestamptz NOT NULL,     -- the round's time, on the service's clock
    state          text NOT NULL CHECK (state IN (
        'waiting',                           -- -> told, nothing, missed
        'told',
        'nothing',                           -- there was nothing new
        'missed'                             -- the next round came first, or it is not wanted any more
    )),
    up_to_event    bigint NOT NULL DEFAULT 0, -- of a told one: alerts raised after this event are new
    next_try_at    timestamptz NOT NULL,     -- of a waiting one; from here on real time
    attempts       int NOT NULL DEFAULT 0,
    first_tried_at timestamptz,
    status         text NOT NULL DEFAULT '', -- what came of the last try, in a word
    PRIMARY KEY (staff_no, due_at)
);
CREATE UNIQUE INDEX digest_one_waiting ON digest (staff_no) WHERE state = 'waiting';
CREATE INDEX digest_by_age ON digest (due_at);
