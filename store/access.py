"""Who is asking: staff, their sign-ins and sessions, and the grids they may see.

Of secrets only hashes come here: argon2id of passwords, SHA-256 of session words. Whether something
has expired is held against the real time, which the caller gives. Tokens are in `store.tokens`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg

from alerts.audit import What
from alerts.sessions import DEFAULT, USED_EVERY_US, Limits
from alerts.staff import Role, Staff
from domain.instant import from_datetime, to_datetime
from store import audit

MEMBER: Final = (
    "s.staff_no, s.id, s.name, s.role,"
    " coalesce(array_agg(g.id ORDER BY g.id) FILTER (WHERE g.id IS NOT NULL), ARRAY[]::text[]),"
    " coalesce(array_agg(g.grid_no ORDER BY g.id) FILTER (WHERE g.id IS NOT NULL), ARRAY[]::int[])"
)
"""The columns of `member`, of staff `s` with `GRIDS`, grouped by `s.staff_no`."""
GRIDS: Final = (
    "LEFT JOIN grid g ON g.grid_no IN"
    " (SELECT grid_no FROM staff_grid o WHERE o.staff_no = s.staff_no) OR g.community_no IN"
    " (SELECT community_no FROM staff_community o WHERE o.staff_no = s.staff_no)"
)
_BY_SESSION: Final = (
    f"SELECT {MEMBER}, c.used_at FROM console_session c"
    f" JOIN staff s ON s.staff_no = c.staff_no {GRIDS}"
    " WHERE c.session_sha256 = %s AND c.expires_at > %s AND c.used_at > %s"
    " GROUP BY s.staff_no, c.session_sha256"
)
# Whoever comes while somebody else writes it down does not wait for them.
_USED: Final = (
    "UPDATE {0} SET used_at = %(now)s WHERE {1} = (SELECT {1} FROM {0} WHERE {1} = %(sha256)s"
    " AND (used_at IS NULL OR used_at <= %(before)s) FOR UPDATE SKIP LOCKED)"
)
TOKEN: Final = _USED.format("api_token", "token_sha256")
_SESSION: Final = _USED.format("console_session", "session_sha256")


def member(row: Sequence[Any]) -> Staff:
    """From the columns of `MEMBER`."""
    no, id_, name, role, grids, grid_nos = row
    return Staff(no, id_, name, Role(role), dict(zip(grids, grid_nos, strict=True)))


def used(
    connection: psycopg.Connection,
    statement: LiteralString,
    sha256: bytes,
    used_at: datetime | None,
    real_now: int,
) -> None:
    """Writes down that a token or session was used, at most once a minute."""
    before = real_now - USED_EVERY_US
    if used_at is None or from_datetime(used_at) <= before:
        connection.execute(
            statement,
            {"now": to_datetime(real_now), "sha256": sha256, "before": to_datetime(before)},
        )


def by_session(
    connection: psycopg.Connection,
    sha256: bytes,
    real_now: int,
    limits: Limits = DEFAULT,
    *,
    uses: bool = True,
) -> Staff | None:
    """Whose session this is, which `uses` it; None for one that is unknown or over."""
    arguments = [sha256, to_datetime(real_now), to_datetime(limits.idle_since(real_now))]
    row = connection.execute(_BY_SESSION, arguments).fetchone()
    if row is None:
        return None
    *columns, used_at = row
    if uses:
        used(connection, _SESSION, sha256, used_at, real_now)
    return member(columns)


def known(connection: psycopg.Connection, staff_id: str) -> bool:
    """Whether there is such a member."""
    found = connection.execute("SELECT FROM staff WHERE id = %s", [staff_id]).fetchone()
    return found is not None


def password_hash(connection: psycopg.Connection, staff_id: str) -> str | None:
    """The hash of a member's password; None for a stranger, and where none is set."""
    row = connection.execute("SELECT password_hash FROM staff WHERE id = %s", [staff_id]).fetchone()
    return None if row is None else row[0]


def set_password(connection: psycopg.Connection, staff_id: str, hashed: str) -> bool:
    """Sets a sign-in and ends the member's sessions; False when there is no such member."""
    with connection.transaction():
        row = connection.execute(
            "UPDATE staff SET password_hash = %s WHERE id = %s RETURNING staff_no",
            [hashed, staff_id],
        ).fetchone()
        if row is None:
            return False
        connection.execute("DELETE FROM console_session WHERE staff_no = %s", [row[0]])
        audit.record_of_member(connection, What.SET_SIGN_IN, staff_id)
        return True


def rehash(connection: psycopg.Connection, staff_id: str, kept: str, hashed: str) -> None:
    """Keeps the same password in another hash, unless it was set anew meanwhile."""
    connection.execute(
        "UPDATE staff SET password_hash = %s WHERE id = %s AND password_hash = %s",
        [hashed, staff_id, kept],
    )


def open_session(
    connection: psycopg.Connection,
    staff_id: str,
    sha256: bytes,
    valid: tuple[int, int],
    limits: Limits = DEFAULT,
) -> None:
    """Begins a session of a member who is known, valid from and until; forgets what is over."""
    now, until = (to_datetime(at) for at in valid)
    with connection.transaction():
        connection.execute(
            "DELETE FROM console_session WHERE expires_at <= %s OR used_at <= %s",
            [now, to_datetime(limits.idle_since(valid[0]))],
        )
        connection.execute(
            "INSERT INTO console_session"
            " (session_sha256, staff_no, created_at, expires_at, used_at)"
            " SELECT %s, staff_no, %s, %s, %s FROM staff WHERE id = %s",
            [sha256, now, until, now, staff_id],
        )


def close_session(connection: psycopg.Connection, sha256: bytes) -> None:
    """Ends a session; nothing happens to one that is not there."""
    with connection.transaction():
        row = connection.execute(
            "DELETE FROM console_session c USING staff s"
            " WHERE c.session_sha256 = %s AND s.staff_no = c.staff_no RETURNING s.id",
            [sha256],
        ).fetchone()
        if row is not None:
            audit.record_of_member(connection, What.SIGNED_OUT, row[0], by=row[0])
