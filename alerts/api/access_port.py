"""What the routes need to know who is asking. `store.access_desk.AccessDesk` is one."""

from typing import Protocol

from alerts.sessions import Limits
from alerts.staff import Staff
from alerts.tokens import Bearer


class AccessDesk(Protocol):
    """Tokens, sessions and passwords. `real_now` is the time of day.

    Every call may raise what is listed in `Ports.unavailable`. Threads share it.
    """

    @property
    def limits(self) -> Limits:
        """How long sessions stand."""
        ...

    def by_token(self, sha256: bytes, real_now: int) -> Bearer | None:
        """Who comes with this token, which is then used; None: it is not valid."""
        ...

    def by_session(self, sha256: bytes, real_now: int, *, uses: bool = True) -> Staff | None:
        """Whose session this is, which is then used, unless somebody only looks; None: over."""
        ...

    def password_hash(self, staff_id: str) -> str | None:
        """The hash that is kept; for nobody else."""
        ...

    def rehash(self, staff_id: str, kept: str, hashed: str) -> None:
        """Keeps the same password in another hash, unless it was set anew meanwhile."""
        ...

    def open_session(self, staff_id: str, sha256: bytes, real_now: int) -> Staff | None:
        """Begins a session; None: there is no such member any more."""
        ...

    def close_session(self, sha256: bytes) -> None:
        """Ends a session; one that is not there is over."""
        ...
