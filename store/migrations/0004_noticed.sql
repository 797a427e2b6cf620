-- What we noticed that we do not have: numbers a device has counted past, and times we were blind.

-- Sequence numbers of one (device, boot) below its highest that are neither stored nor rejected.
-- The open ones only: a gap that is filled has no row. At most 16 rows a (device, boot); a row may
-- name more numbers than are missing (never fewer), as a receipt does.
CREATE TABLE gap (
    device_no  int NOT NULL,
    boot_key   bigint NOT NULL,              -- 0: the device names no boot
    from_seq   bigint NOT NULL,
    to_seq     bigint NOT NULL,              -- inclusive
    noticed_at timestamptz NOT NULL,
    PRIMARY KEY (device_no, boot_key, from_seq),
    CONSTRAINT gap_in_order CHECK (0 <= from_seq AND from_seq <= to_seq)
);

-- Written by ingestion. What needs no row is not here: `gap` above, and being blind, which the age
-- of `shard.heartbeat_at` says.
CREATE TABLE signal (
    signal_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind      text NOT NULL CHECK (kind IN (
        'gap', 'session_lost', 'blind', 'stalled', 'undeliverable', 'rejections'
    )),
    began_at  timestamptz NOT NULL,
    ended_at  timestamptz,                   -- NULL: still so. Of an event, how long it is to be shown
    detail    text NOT NULL
);
CREATE INDEX signal_by_time ON signal (began_at);
CREATE UNIQUE INDEX signal_one_standing ON signal (kind) WHERE ended_at IS NULL;

-- Which number a reading had that was rejected whole, so that it counts as committed for receipts.
ALTER TABLE rejection ADD COLUMN boot_key bigint, ADD COLUMN seq bigint;
