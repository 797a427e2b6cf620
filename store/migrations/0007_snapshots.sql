-- The state of the rules, written down in pages, so that a starting process need not judge all
-- readings anew: it reads the newest of each wearer and judges what the journal has had since.

CREATE TABLE snapshot (
    shard     int NOT NULL REFERENCES shard,
    epoch     bigint NOT NULL,               -- of the worker that wrote it: each has pages of its own
    page      bigint NOT NULL,               -- below 0: wearers whose history was judged anew in a step
    batch     bigint NOT NULL,               -- the state is that after this step of the journal
    rules     bytea NOT NULL,                -- rules.snapshots
    sequences bytea,                         -- ingest.sequences.Sequences.kept; NULL: as before
    PRIMARY KEY (shard, epoch, page)
);
-- Compressing costs more time than it saves room.
ALTER TABLE snapshot ALTER COLUMN rules SET STORAGE EXTERNAL;
ALTER TABLE snapshot ALTER COLUMN sequences SET STORAGE EXTERNAL;

-- What a step stored lies beside each other, so that an index of ranges finds it and costs nothing.
CREATE INDEX reading_by_batch ON reading USING brin (batch) WITH (pages_per_range = 32);
CREATE INDEX rejection_by_batch ON rejection (batch);
