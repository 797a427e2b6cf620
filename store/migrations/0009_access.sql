-- What a member of staff asks is asked as a role that owns nothing, and rows of grids that are not
-- theirs are not there for it. `store.pool` says before each question who asks and for which grids,
-- for the length of a transaction: doorstep.staff, doorstep.staff_no, doorstep.grid_nos.
-- Nothing said, nothing seen. A table that staff are to read needs a GRANT and, where a row belongs
-- to somebody, a policy (docs/architecture.md).

-- Roles belong to the whole server: another database of it may have made them, or be about to.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'doorstep_staff') THEN
        EXECUTE format('CREATE ROLE doorstep_staff NOLOGIN ROLE %I', current_user);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'doorstep_carer') THEN
        EXECUTE format('CREATE ROLE doorstep_carer NOLOGIN IN ROLE doorstep_staff ROLE %I', current_user);
    END IF;
EXCEPTION
    WHEN unique_violation OR duplicate_object THEN NULL;  -- made by another database a moment ago
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the roles of staff are missing and % may not make them: as a superuser,'
            ' CREATE ROLE doorstep_staff NOLOGIN ROLE %; CREATE ROLE doorstep_carer NOLOGIN'
            ' IN ROLE doorstep_staff ROLE %', current_user, quote_ident(current_user),
            quote_ident(current_user);
END
$$;
DO $$
DECLARE
    may boolean;
BEGIN
    IF current_setting('server_version_num')::int >= 160000 THEN
        may := pg_has_role('doorstep_staff', 'SET') AND pg_has_role('doorstep_carer', 'SET');
    ELSE
        may := pg_has_role('doorstep_staff', 'MEMBER') AND pg_has_role('doorstep_carer', 'MEMBER');
    END IF;
    IF NOT may THEN
        RAISE EXCEPTION '% may not take the roles of staff: as a superuser,'
            ' GRANT doorstep_staff, doorstep_carer TO %', current_user, quote_ident(current_user);
    END IF;
END
$$;

CREATE FUNCTION staff_grids() RETURNS int[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(current_setting('doorstep.grid_nos', true), ''), '{}')::int[]
$$;
CREATE FUNCTION staff_no() RETURNS int LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('doorstep.staff_no', true), '')::int
$$;

CREATE INDEX episode_by_person ON episode (person_no);

-- `(SELECT staff_grids())` is worked out once a question, not once a row.
ALTER TABLE alert ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_grids ON alert TO doorstep_staff
    USING (grid_no = ANY ((SELECT staff_grids())::int[]));

ALTER TABLE alert_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_grids ON alert_event FOR SELECT TO doorstep_staff
    USING (grid_no = ANY ((SELECT staff_grids())::int[]));
-- Nobody speaks for another.
CREATE POLICY staff_says ON alert_event FOR INSERT TO doorstep_carer WITH CHECK (
    grid_no = ANY ((SELECT staff_grids())::int[])
    AND (actor IS NULL OR actor = current_setting('doorstep.staff', true))
    AND EXISTS (SELECT FROM alert a WHERE a.id = alert_id)
);

-- An alert stays in the grid it was raised in, also where the episode has moved on: whoever sees the
-- alert sees whose it is.
ALTER TABLE episode ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_grids ON episode FOR SELECT TO doorstep_staff USING (
    grid_no = ANY ((SELECT staff_grids())::int[])
    OR EXISTS (SELECT FROM alert a WHERE a.episode_no = episode.episode_no)
);

ALTER TABLE person ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_grids ON person FOR SELECT TO doorstep_staff
    USING (EXISTS (SELECT FROM episode e WHERE e.person_no = person.person_no));

ALTER TABLE assignment ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_grids ON assignment FOR SELECT TO doorstep_staff
    USING (EXISTS (SELECT FROM episode e WHERE e.episode_no = assignment.episode_no));

ALTER TABLE finding ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_grids ON finding FOR SELECT TO doorstep_staff
    USING (EXISTS (SELECT FROM episode e WHERE e.episode_no = finding.episode_no));

ALTER TABLE idempotency_key ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_own ON idempotency_key TO doorstep_staff USING (staff_no = (SELECT staff_no()));

-- Readings are a hypertable, or partitions: no policy there, and no grant either. This view is the
-- only way to them. It reads as its owner and looks at the episode's grid before anything else
-- (security_barrier): no condition of who asks is tried on a foreign row.
CREATE VIEW staff_reading WITH (security_barrier) AS
    SELECT r.* FROM reading r WHERE EXISTS (
        SELECT FROM episode e
        WHERE e.episode_no = r.episode_no AND e.grid_no = ANY ((SELECT staff_grids())::int[])
    );

-- What needs to look past the policies, and may: each says no more than it is called for.
-- Its search path is fixed, the temporary schema last, so that nobody can put a table in its way.
DO $do$
DECLARE
    here text := current_schema();
    head text := format(
        ' LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %I, pg_temp', current_schema()
    );
BEGIN
    -- The newest reading and the newest fix of somebody. Through the view all would be read for it.
    EXECUTE $f$
        CREATE FUNCTION staff_last_at(of_episode int) RETURNS timestamptz$f$ || head || $f$ AS $$
            SELECT r.measured_at FROM reading r WHERE r.episode_no = of_episode
            AND EXISTS (SELECT FROM episode e
                WHERE e.episode_no = of_episode AND e.grid_no = ANY (staff_grids()))
            ORDER BY r.measured_at DESC LIMIT 1
        $$$f$;
    EXECUTE $f$
        CREATE FUNCTION staff_last_fix(
            of_episode int, since timestamptz, until_at timestamptz, worst_dm int
        ) RETURNS SETOF reading ROWS 1$f$ || head || $f$ AS $$
            SELECT r.* FROM reading r
            WHERE r.episode_no = of_episode AND r.measured_at > since
            AND (until_at IS NULL OR r.measured_at <= until_at) AND (r.near_home
                OR (r.lat_e7 IS NOT NULL AND coalesce(r.accuracy_dm, 0) <= worst_dm))
            AND EXISTS (SELECT FROM episode e
                WHERE e.episode_no = of_episode AND e.grid_no = ANY (staff_grids()))
            ORDER BY r.measured_at DESC, r.digest DESC LIMIT 1
        $$$f$;
    -- A device belongs to the grids of all episodes it was ever worn in; what nobody ever wore is
    -- nobody's, and everybody may see why its messages were refused.
    EXECUTE $f$
        CREATE FUNCTION staff_foreign_devices() RETURNS SETOF text$f$ || head || $f$ AS $$
            SELECT d.id FROM assignment a JOIN episode e USING (episode_no)
            JOIN device d USING (device_no)
            GROUP BY d.device_no, d.id HAVING NOT bool_or(e.grid_no = ANY (staff_grids()))
        $$$f$;
    -- Or to the one it is worn in, or was worn in last.
    EXECUTE $f$
        CREATE FUNCTION device_grid(of_device int, at timestamptz) RETURNS int$f$ || head || $f$ AS $$
            SELECT e.grid_no FROM assignment a JOIN episode e USING (episode_no)
            WHERE a.device_no = of_device AND a.from_at <= at ORDER BY a.from_at DESC LIMIT 1
        $$$f$;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO doorstep_staff', here);
END
$do$;
REVOKE EXECUTE ON FUNCTION staff_last_at, staff_last_fix, staff_foreign_devices, device_grid
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION staff_last_at, staff_last_fix, staff_foreign_devices, device_grid
    TO doorstep_staff;

ALTER TABLE rejected_message ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_grids ON rejected_message FOR SELECT TO doorstep_staff
    USING (device_id IS NULL OR device_id NOT IN (SELECT staff_foreign_devices()));
ALTER TABLE rejection ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_grids ON rejection FOR SELECT TO doorstep_staff USING (
    EXISTS (SELECT FROM rejected_message m WHERE m.content_sha256 = rejection.content_sha256)
);

GRANT SELECT ON community, grid, device, gap, boot, signal, event_counter, rejection,
    alert, alert_event, episode, assignment, finding, staff_reading, rulebook TO doorstep_staff;
GRANT SELECT ON staff_grid, staff_community TO doorstep_staff;
GRANT SELECT (staff_no, id, role) ON staff TO doorstep_staff;
GRANT SELECT (shard, heartbeat_at) ON shard TO doorstep_staff;
-- All but the bytes, which hold positions.
GRANT SELECT (content_sha256, topic, device_id, payload_bytes, payload_sha256, first_received_at,
    last_received_at, times) ON rejected_message TO doorstep_staff;
GRANT SELECT (person_no, id, birth_year, flags) ON person TO doorstep_staff;

-- Who goes to doors knows which, and says what they did there.
GRANT SELECT (name, phone, address) ON person TO doorstep_carer;
GRANT UPDATE (severity, condition, response, outcome, onset_at, cleared_at, last_at, summary, evidence,
    assignee, deadline_at, closed_at, closed_severity, version) ON alert TO doorstep_carer;
GRANT UPDATE (last_event_id) ON event_counter TO doorstep_carer;
GRANT INSERT ON alert_event TO doorstep_carer;
GRANT SELECT, INSERT, DELETE, UPDATE (status, body) ON idempotency_key TO doorstep_carer;
