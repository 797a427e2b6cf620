-- The people under care, who cares for them, and what they wear. Written only by `roster import`.
-- Names, phones and addresses live here and nowhere else: ingestion never reads those columns.

CREATE TABLE storage_profile (
    only_row          boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    tier              text NOT NULL CHECK (tier IN ('plain', 'apache', 'timescale')),
    server_version    text NOT NULL,
    extension_version text
);

CREATE TABLE community (
    community_no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           text NOT NULL CONSTRAINT community_id UNIQUE,
    name         text NOT NULL,
    timezone     text NOT NULL
);

CREATE TABLE grid (
    grid_no      int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           text NOT NULL CONSTRAINT grid_id UNIQUE,
    community_no int NOT NULL REFERENCES community,
    name         text NOT NULL,
    escalate_to  text
);

CREATE TABLE staff (
    staff_no      int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            text NOT NULL CONSTRAINT staff_id UNIQUE,
    name          text NOT NULL,
    role          text NOT NULL CHECK (role IN ('doctor', 'supervisor', 'admin', 'auditor')),
    languages     text[] NOT NULL DEFAULT '{}',
    contacts      jsonb NOT NULL DEFAULT '[]',
    shifts        jsonb NOT NULL DEFAULT '[]',
    password_hash text                       -- argon2id; NULL until `staff password`
);

CREATE TABLE staff_grid (
    staff_no int NOT NULL REFERENCES staff,
    grid_no  int NOT NULL REFERENCES grid,
    PRIMARY KEY (staff_no, grid_no)
);

CREATE TABLE staff_community (
    staff_no     int NOT NULL REFERENCES staff,
    community_no int NOT NULL REFERENCES community,
    PRIMARY KEY (staff_no, community_no)
);

CREATE TABLE person (
    person_no  int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         text NOT NULL CONSTRAINT person_id UNIQUE,
    name       text NOT NULL,
    birth_year int CHECK (birth_year BETWEEN 1880 AND 2200),
    phone      text,
    address    text,
    flags      text[] NOT NULL DEFAULT '{}'
);

CREATE TABLE device (
    device_no  int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         text NOT NULL CONSTRAINT device_id UNIQUE CHECK (id ~ '^[A-Za-z0-9_-]{1,64}$'),
    model      text NOT NULL,
    site       text,                         -- where it measures temperature when a reading does not say
    interval_s int NOT NULL CHECK (interval_s BETWEEN 1 AND 604800),
    spot       boolean NOT NULL
);

CREATE TABLE episode (
    episode_no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         text NOT NULL CONSTRAINT episode_id UNIQUE,
    person_no  int NOT NULL REFERENCES person,
    grid_no    int NOT NULL REFERENCES grid,
    building   text NOT NULL DEFAULT '',
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL,
    home       jsonb,                        -- as in the roster file, contract section 4
    thresholds jsonb NOT NULL DEFAULT '{}',
    leave      jsonb NOT NULL DEFAULT '[]',
    CONSTRAINT episode_has_duration CHECK (starts_at < ends_at)
);
CREATE INDEX episode_by_grid ON episode (grid_no);

CREATE TABLE assignment (
    device_no  int NOT NULL REFERENCES device,
    episode_no int NOT NULL REFERENCES episode,
    from_at    timestamptz NOT NULL,
    to_at      timestamptz,
    PRIMARY KEY (device_no, episode_no, from_at),
    CONSTRAINT assignment_has_duration CHECK (to_at IS NULL OR from_at < to_at),
    -- A device is worn in one episode at a time.
    CONSTRAINT device_worn_once EXCLUDE USING gist (
        int4range(device_no, device_no, '[]') WITH &&, tstzrange(from_at, to_at) WITH &&
    )
);
CREATE INDEX assignment_by_episode ON assignment (episode_no);

CREATE TABLE roster_version (
    version      bigint PRIMARY KEY,
    effective_at timestamptz NOT NULL,
    document     jsonb NOT NULL              -- the file as imported
);

CREATE TABLE api_token (
    token_sha256 bytea PRIMARY KEY,          -- the token itself is shown once and kept nowhere
    prefix       text NOT NULL,
    staff_no     int NOT NULL REFERENCES staff,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz
);

CREATE TABLE console_session (
    session_sha256 bytea PRIMARY KEY,
    staff_no       int NOT NULL REFERENCES staff,
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL
);
