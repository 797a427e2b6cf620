-- Who looked at whom, and who did what. Each row's SHA-256 covers the row and the one before it, so
-- that what is changed or taken out later shows (alerts.audit has the bytes). The database numbers,
-- dates and seals a row itself; the last row is in `audit_head`, locked until the end of the
-- transaction: write here last.

CREATE TABLE audit_log (
    audit_no bigint PRIMARY KEY,
    at       timestamptz NOT NULL,           -- the database's clock, in the order of the numbers
    staff    text CHECK (staff <> '' AND staff !~ '[\n\r]'),  -- NULL: the command line
    what     text NOT NULL CHECK (what ~ '^[a-z_]+$'),
    object   text NOT NULL CHECK (object !~ '[\n\r]'),
    grid_nos int[] NOT NULL,
    sha256   bytea NOT NULL
);
CREATE INDEX audit_log_by_object ON audit_log (object, audit_no);
CREATE INDEX audit_log_by_staff ON audit_log (staff, audit_no);

CREATE TABLE audit_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    audit_no bigint NOT NULL,
    sha256   bytea NOT NULL
);
INSERT INTO audit_head VALUES (true, 0, decode(repeat('00', 32), 'hex'));

DO $do$
BEGIN
    EXECUTE format($f$
        CREATE FUNCTION audit_seal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = %I, pg_temp AS $$
        DECLARE
            head audit_head;
        BEGIN
            SELECT * INTO STRICT head FROM audit_head FOR UPDATE;
            NEW.audit_no := head.audit_no + 1;
            NEW.at := clock_timestamp();
            NEW.sha256 := sha256(head.sha256 || convert_to(concat_ws(E'\n', NEW.audit_no,
                (extract(epoch FROM NEW.at) * 1000000)::bigint, coalesce(NEW.staff, ''), NEW.what,
                NEW.object, array_to_string(NEW.grid_nos, ',')), 'UTF8'));
            UPDATE audit_head SET audit_no = NEW.audit_no, sha256 = NEW.sha256;
            RETURN NEW;
        END
        $$
    $f$, current_schema());
END
$do$;
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only added to';
END
$$;
CREATE TRIGGER seal BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_seal();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER keep_all BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_head ENABLE ROW LEVEL SECURITY;
-- Nobody is entered for another.
CREATE POLICY staff_own ON audit_log FOR INSERT TO doorstep_staff
    WITH CHECK (staff = current_setting('doorstep.staff', true));
GRANT INSERT (staff, what, object, grid_nos) ON audit_log TO doorstep_staff;
