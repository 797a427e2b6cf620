"""What the routes need of the audit log. `store.audit_desk.AuditDesk` is one."""

from typing import Protocol

from alerts.audit import Query, What
from alerts.casework import Page
from alerts.staff import Staff


class AuditDesk(Protocol):
    """Looks at the log, and entries of what no other desk enters.

    What is done in the database is entered where it is done. Every call may raise what is listed in
    `Ports.unavailable`. Threads share it.
    """

    def entries(self, staff: Staff, query: Query) -> Page:
        """Entries about the member's grids, the newest first; the look is entered too."""
        ...

    def enter(self, staff: Staff, what: What, about: str, grid: str | None = None) -> None:
        """Enters what a member did or saw, of one grid or all of theirs. It is there on return."""
        ...

    def denied(self, staff: Staff, what: str) -> None:
        """Enters what a member asked for and may not."""
        ...

    def sign_in_failed(self, staff_id: str) -> None:
        """Enters a failed sign-in; the name that was tried only where it is a member's."""
        ...
