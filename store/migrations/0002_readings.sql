-- What the devices sent. `reading` is a hypertable where TimescaleDB is, else partitioned by day;
-- its columns and its key are the same on every tier, and so is every query.

CREATE TABLE shard (
    shard            int PRIMARY KEY,
    epoch            bigint NOT NULL,        -- counted up by each worker that takes the shard: fencing
    last_batch       bigint NOT NULL,
    receive_clock_us bigint NOT NULL,        -- how long ingestion has been hearing, in all
    heartbeat_at     timestamptz
);
INSERT INTO shard VALUES (0, 0, 0, 0, NULL);

CREATE TABLE journal (
    shard            int NOT NULL REFERENCES shard,
    batch            bigint NOT NULL,
    epoch            bigint NOT NULL,
    kind             text NOT NULL CHECK (kind IN ('batch', 'tick', 'late')),
    now_at           timestamptz NOT NULL,
    receive_clock_us bigint NOT NULL,
    roster_version   bigint NOT NULL,
    rulebook_version text NOT NULL,
    readings         int NOT NULL,
    duplicates       int NOT NULL,
    rejections       int NOT NULL,
    PRIMARY KEY (shard, batch)
);

CREATE TABLE boot (
    device_no int NOT NULL,
    boot_key  bigint NOT NULL,
    boot      text NOT NULL,
    PRIMARY KEY (device_no, boot_key)
);

DO $$
DECLARE
    tail text := ' PARTITION BY RANGE (measured_at)';
BEGIN
    IF (SELECT tier FROM storage_profile) <> 'plain' THEN
        tail := '';
    END IF;
    EXECUTE $table$
        CREATE TABLE reading (
            device_no      int NOT NULL,
            measured_at    timestamptz NOT NULL,
            digest         bigint NOT NULL,
            episode_no     int NOT NULL,
            received_at    timestamptz NOT NULL,
            batch          bigint NOT NULL,
            boot_key       bigint,
            seq            bigint,
            temperature_cc smallint,
            site           smallint,
            pulse_bpm      smallint,
            spo2_pct       smallint,
            steps          int,
            lat_e7         int,
            lon_e7         int,
            accuracy_dm    int,
            datum          smallint,
            near_home      boolean,
            battery_pct    smallint,
            charging       boolean,
            worn           boolean,
            PRIMARY KEY (device_no, measured_at, digest),
            -- What the wire refuses, the table refuses: contract section 3. Whole numbers have no
            -- NaN, which SQL would compare as a fever.
            CONSTRAINT measured_at_in_range CHECK (measured_at > '2020-01-01' AND measured_at < '2200-01-01'),
            CONSTRAINT received_at_in_range CHECK (received_at > '2020-01-01' AND received_at < '2200-01-01'),
            CONSTRAINT temperature_in_range CHECK (temperature_cc BETWEEN 2000 AND 4500),
            CONSTRAINT site_known CHECK (site BETWEEN 1 AND 11),
            CONSTRAINT pulse_in_range CHECK (pulse_bpm = 0 OR pulse_bpm BETWEEN 20 AND 300),
            CONSTRAINT spo2_in_range CHECK (spo2_pct BETWEEN 50 AND 100),
            CONSTRAINT steps_in_range CHECK (steps >= 0),
            CONSTRAINT position_on_earth CHECK (
                (lat_e7 IS NULL) = (lon_e7 IS NULL)
                AND lat_e7 BETWEEN -900000000 AND 900000000
                AND lon_e7 BETWEEN -1800000000 AND 1800000000
            ),
            CONSTRAINT accuracy_in_range CHECK (accuracy_dm >= 0),
            CONSTRAINT datum_known CHECK (datum BETWEEN 0 AND 2),
            CONSTRAINT battery_in_range CHECK (battery_pct BETWEEN 0 AND 100),
            CONSTRAINT seq_in_range CHECK (seq >= 0)
        )
    $table$ || tail;
    IF tail = '' THEN
        PERFORM create_hypertable(
            'reading', by_range('measured_at', INTERVAL '1 day'), create_default_indexes => false
        );
    END IF;
END
$$;
CREATE INDEX reading_by_episode ON reading (episode_no, measured_at);

-- What did not become a reading, byte for byte. A message is kept once however often it comes.
CREATE TABLE rejected_message (
    content_sha256    bytea PRIMARY KEY,     -- of topic, NUL, payload
    topic             text NOT NULL,
    device_id         text,
    payload           bytea NOT NULL,        -- of a too_large message the first 64 KiB
    payload_bytes     int NOT NULL,
    payload_sha256    bytea NOT NULL,
    first_received_at timestamptz NOT NULL,
    last_received_at  timestamptz NOT NULL,
    times             bigint NOT NULL DEFAULT 1,
    batch             bigint NOT NULL
);
CREATE INDEX rejected_message_by_device ON rejected_message (device_id, last_received_at);

CREATE TABLE rejection (
    content_sha256 bytea NOT NULL REFERENCES rejected_message ON DELETE CASCADE,
    item           int NOT NULL,             -- which reading of an array; -1 the message itself
    reason         text NOT NULL CHECK (reason IN (
        'too_large', 'too_many', 'not_json', 'not_utf8', 'schema', 'out_of_range', 'not_finite',
        'duplicate_key', 'time_too_old', 'time_in_future', 'unknown_device', 'not_assigned',
        'device_mismatch', 'rate_limited', 'refused_by_store'
    )),
    pointer        text NOT NULL,            -- JSON pointer within the reading
    detail         text NOT NULL,
    rest_stored    boolean NOT NULL,         -- one quantity was dropped, the reading was stored
    batch          bigint NOT NULL,
    PRIMARY KEY (content_sha256, item, reason, pointer)
);

-- Wearers whose late readings are stored but not yet judged in their place. Part of the promise:
-- the reading's transaction writes it, and only a re-evaluation's transaction removes it.
CREATE TABLE late_work (
    episode_no int NOT NULL,
    device_no  int NOT NULL,
    from_at    timestamptz NOT NULL,         -- the oldest late reading
    batch      bigint NOT NULL,              -- the newest batch that added to it
    PRIMARY KEY (episode_no, device_no)
);
