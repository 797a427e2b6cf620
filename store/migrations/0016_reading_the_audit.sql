-- Staff read the audit log of their own grids.

-- Doctors do not read it. What was in no grid is for those who look at the whole: an admin or
-- auditor to whom no grid is foreign.
GRANT SELECT (audit_no, at, staff, what, object, grid_nos) ON audit_log TO doorstep_staff;
CREATE POLICY staff_grids ON audit_log FOR SELECT TO doorstep_staff USING (
    EXISTS (SELECT FROM staff s WHERE s.staff_no = (SELECT staff_no()) AND (
        s.role IN ('supervisor', 'admin', 'auditor')
        AND audit_log.grid_nos && (SELECT staff_grids())::int[]
        OR s.role IN ('admin', 'auditor') AND audit_log.grid_nos = '{}'
        AND NOT EXISTS (SELECT FROM grid g WHERE g.grid_no <> ALL ((SELECT staff_grids())::int[]))
    ))
);

