-- What was in force when: what a correction replaced, and every rulebook that was ever used.

-- What an episode's home or thresholds were before they were corrected.
CREATE TABLE episode_before (
    episode_no int NOT NULL REFERENCES episode,
    what       text NOT NULL CHECK (what IN ('home', 'thresholds')),
    until_at   timestamptz NOT NULL,         -- the effective time of the correction
    value      jsonb,                        -- as in `episode`; NULL there was no home
    PRIMARY KEY (episode_no, what, until_at)
);

-- The newest is in force. A version that comes back has another row, with the same figures.
CREATE TABLE rulebook (
    effective_at timestamptz PRIMARY KEY,
    version      text NOT NULL,
    document     jsonb NOT NULL              -- every figure, as in a rulebook file
);

-- Wearers of whom the roster was corrected wait here like those whose readings came late, but for
-- a process that has read the corrected roster.
ALTER TABLE late_work ADD COLUMN roster_version bigint NOT NULL DEFAULT 0;
