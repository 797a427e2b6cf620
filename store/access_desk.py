"""What the HTTP side may ask about who is asking: the port of `alerts.api.access_port`."""

from alerts.audit import What
from alerts.sessions import DEFAULT, Limits
from alerts.staff import Staff
from alerts.tokens import Bearer
from store import access, audit, tokens
from store.pool import Pool


class AccessDesk:
    """The questions, all of the service itself: nobody is known yet. Threads may share it."""

    def __init__(self, pool: Pool, limits: Limits = DEFAULT) -> None:
        self._pool = pool
        self._limits = limits

    @property
    def limits(self) -> Limits:
        """How long sessions stand."""
        return self._limits

    def by_token(self, sha256: bytes, real_now: int) -> Bearer | None:
        """Who comes with this token, which is then used."""
        with self._pool.of_service() as connection:
            return tokens.by_sha256(connection, sha256, real_now)

    def by_session(self, sha256: bytes, real_now: int, *, uses: bool = True) -> Staff | None:
        """Whose session this is, which is then used, unless somebody only looks."""
        with self._pool.of_service() as connection:
            return access.by_session(connection, sha256, real_now, self._limits, uses=uses)

    def password_hash(self, staff_id: str) -> str | None:
        """The hash of a member's password; None where there is none."""
        with self._pool.of_service() as connection:
            return access.password_hash(connection, staff_id)

    def rehash(self, staff_id: str, kept: str, hashed: str) -> None:
        """Keeps the same password in another hash, unless it was set anew meanwhile."""
        with self._pool.of_service() as connection:
            access.rehash(connection, staff_id, kept, hashed)

    def open_session(self, staff_id: str, sha256: bytes, real_now: int) -> Staff | None:
        """Begins a session of a member who is known."""
        valid = (real_now, real_now + self._limits.lasts_us)
        with self._pool.of_service() as connection, connection.transaction():
            access.open_session(connection, staff_id, sha256, valid, self._limits)
            staff = access.by_session(connection, sha256, real_now, self._limits)
            if staff is not None:
                audit.record(connection, staff.id, What.SIGNED_IN, staff.id, staff.grid_nos())
            return staff

    def close_session(self, sha256: bytes) -> None:
        """Ends a session."""
        with self._pool.of_service() as connection:
            access.close_session(connection, sha256)
