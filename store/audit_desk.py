"""What the HTTP side may ask of the audit log: the port of `alerts.api.audit_port`."""

from alerts.audit import Query, What
from alerts.casework import Page
from alerts.staff import Staff
from store import access, audit
from store.pool import Pool


class AuditDesk:
    """Looks at the log, and entries of what no other desk enters. Threads may share it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def entries(self, staff: Staff, query: Query) -> Page:
        """Entries about the member's grids, the newest first. The look is an entry too."""
        grid_nos = staff.grid_nos()
        with self._pool.of(staff) as connection:
            page = audit.listed(connection, grid_nos, query)
            audit.record(connection, staff.id, What.VIEWED_AUDIT, query.said(), grid_nos)
            return page

    def enter(self, staff: Staff, what: What, about: str, grid: str | None = None) -> None:
        """Enters what a member did or saw, of one grid or all of theirs."""
        with self._pool.of(staff) as connection:
            audit.record(connection, staff.id, what, about, staff.grid_nos(grid))

    def denied(self, staff: Staff, what: str) -> None:
        """Enters what a member asked for and may not."""
        self.enter(staff, What.DENIED, what)

    def sign_in_failed(self, staff_id: str) -> None:
        """Enters a failed sign-in; of who is not known, without the name that was tried."""
        with self._pool.of_service() as connection, connection.transaction():
            known = access.known(connection, staff_id)
            audit.record_of_member(connection, What.SIGN_IN_FAILED, staff_id if known else "")
