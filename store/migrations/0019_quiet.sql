-- How contacts of staff have been written to, so that a robot's limit holds over a restart and for
-- every process, and the rounds at which staff are told of what is routine (docs/decisions/0025).

CREATE TABLE contact_use (
    contact_sha256 bytea PRIMARY KEY,        -- of the robot; an address is a secret and stays in `staff`
    sent           timestamptz[] NOT NULL,   -- messages of the last minute, at most 100
    rest_until     timestamptz,              -- it has said that it was too much: nothing before
    used_at        timestamptz NOT NULL
);
CREATE INDEX contact_use_by_age ON contact_use (used_at);
