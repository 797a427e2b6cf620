-- Findings (what the rules hold to be so) and alerts (the cases people work on).

CREATE TABLE alert (
    id              text PRIMARY KEY,
    episode_no      int NOT NULL REFERENCES episode,
    grid_no         int NOT NULL REFERENCES grid,
    device_no       int NOT NULL REFERENCES device,
    rule            text NOT NULL,
    severity        text NOT NULL CHECK (severity IN ('routine', 'urgent', 'critical')),
    condition       text NOT NULL CHECK (condition IN (
        'active',                            -- -> cleared
        'cleared'                            -- -> active: it came back before anybody closed the case
    )),
    response        text NOT NULL CHECK (response IN (
        'open',                              -- -> acknowledged, visiting, closed
        'acknowledged',                      -- -> visiting, closed
        'visiting',                          -- -> closed; -> open: nobody could be seen
        'closed'
    )),
    outcome         text,
    raised_at       timestamptz NOT NULL,
    onset_at        timestamptz NOT NULL,
    cleared_at      timestamptz,
    last_at         timestamptz NOT NULL,
    late            boolean NOT NULL,
    summary         text NOT NULL,
    evidence        jsonb NOT NULL,
    assignee        text,
    deadline_at     timestamptz,
    previous        text REFERENCES alert,
    closed_at       timestamptz,
    closed_severity text CHECK (closed_severity IN ('routine', 'urgent', 'critical')),
    version         int NOT NULL,
    CONSTRAINT cleared_says_when CHECK ((condition = 'cleared') = (cleared_at IS NOT NULL)),
    CONSTRAINT closed_says_when CHECK ((response = 'closed') = (closed_at IS NOT NULL)),
    -- Only a person's outcome closes what is urgent.
    CONSTRAINT urgent_closed_by_outcome CHECK (
        response <> 'closed' OR severity = 'routine' OR outcome IS NOT NULL
    )
);
CREATE UNIQUE INDEX alert_one_not_closed ON alert (episode_no, rule) WHERE response <> 'closed';
CREATE INDEX alert_by_grid ON alert (grid_no, response);
CREATE INDEX alert_by_episode ON alert (episode_no, rule, raised_at);

CREATE TABLE finding (
    finding_no       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    episode_no       int NOT NULL,
    device_no        int NOT NULL,
    rule             text NOT NULL,
    site_class       text NOT NULL CHECK (site_class IN ('core', 'skin', '')),
    onset_at         timestamptz NOT NULL,
    ended_at         timestamptz,
    severity         text NOT NULL CHECK (severity IN ('routine', 'urgent', 'critical')),
    last_at          timestamptz NOT NULL,
    value            int NOT NULL,           -- in the rule's unit, rules.finding.Finding
    peak             int NOT NULL,
    limit_value      int NOT NULL,
    origin           text NOT NULL,
    site             text NOT NULL,
    late             boolean NOT NULL,
    withdrawn_at     timestamptz,            -- late data: no longer supported
    rulebook_version text NOT NULL,
    batch            bigint NOT NULL,
    alert_id         text REFERENCES alert
);
CREATE UNIQUE INDEX finding_of_onset ON finding (episode_no, device_no, rule, site_class, onset_at)
    WHERE withdrawn_at IS NULL;
CREATE INDEX finding_of_alert ON finding (alert_id);
-- Few at any time: what the quiet time of a closed alert is held against at every tick.
CREATE INDEX finding_still_so ON finding (episode_no, rule)
    WHERE ended_at IS NULL AND withdrawn_at IS NULL;

-- Event ids come from this one row, locked last in each transaction that writes alerts, so that the
-- order of ids is the order of commits and a cursor `id > last` misses nothing.
CREATE TABLE event_counter (
    only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    last_event_id bigint NOT NULL
);
INSERT INTO event_counter VALUES (true, 0);

CREATE TABLE alert_event (
    event_id bigint PRIMARY KEY,
    alert_id text NOT NULL REFERENCES alert,
    grid_no  int NOT NULL,
    type     text NOT NULL CHECK (type IN ('new', 'update', 'end')),
    kind     text NOT NULL,                  -- alerts.lifecycle.Kind
    at       timestamptz NOT NULL,
    actor    text,                           -- a staff id; NULL the service
    note     text NOT NULL DEFAULT '',
    detail   jsonb NOT NULL DEFAULT '{}',    -- what was measured at the door
    before   jsonb,                          -- the alert as outsiders saw it
    after    jsonb NOT NULL
);
CREATE INDEX alert_event_by_alert ON alert_event (alert_id, event_id);

CREATE TABLE idempotency_key (
    staff_no       int NOT NULL REFERENCES staff,
    key            text NOT NULL,
    request_sha256 bytea NOT NULL,
    status         int NOT NULL,             -- 0 while the request is under way
    body           json NOT NULL,            -- text as it was answered
    created_at     timestamptz NOT NULL,
    PRIMARY KEY (staff_no, key)
);
