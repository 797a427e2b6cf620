-- What a token may be used for, and when it last was; when a session last was; and an index for
-- who asks the audit log for one kind of entry.

ALTER TABLE api_token
    ADD COLUMN scope   text NOT NULL DEFAULT 'act' CHECK (scope IN ('read', 'act')),
    ADD COLUMN used_at timestamptz;          -- to the minute; NULL never
-- Those there are could do everything; of a new one it has to be said.
ALTER TABLE api_token ALTER COLUMN scope DROP DEFAULT;
CREATE INDEX api_token_by_staff ON api_token (staff_no);

-- To the minute. A session that nobody uses ends before it would expire (alerts.sessions).
ALTER TABLE console_session ADD COLUMN used_at timestamptz;
UPDATE console_session SET used_at = created_at;
ALTER TABLE console_session ALTER COLUMN used_at SET NOT NULL;

CREATE INDEX audit_log_by_what ON audit_log (what, audit_no);
