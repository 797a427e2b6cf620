"""Who is asking: staff, their sign-ins, sessions and tokens, and the grids they may see.

Of secrets only hashes come here: argon2id of passwords, SHA-256 of tokens and session words.
Whether a token or session has expired is held against the real time, which the caller gives.
"""

from typing import Final

import psycopg

from alerts.audit import What
from alerts.staff import Role, Staff
from domain.instant import to_datetime
from store import audit

_STAFF: Final = (
    "SELECT s.staff_no, s.id, s.name, s.role,"
    " coalesce(array_agg(g.id ORDER BY g.id) FILTER (WHERE g.id IS NOT NULL), ARRAY[]::text[]),"
    " coalesce(array_agg(g.grid_no ORDER BY g.id) FILTER (WHERE g.id IS NOT NULL), ARRAY[]::int[])"
    " FROM staff s LEFT JOIN grid g ON g.grid_no IN"
    " (SELECT grid_no FROM staff_grid o WHERE o.staff_no = s.staff_no) OR g.community_no IN"
    " (SELECT community_no FROM staff_community o WHERE o.staff_no = s.staff_no)"
    " WHERE s.staff_no = ("
)
_BY_TOKEN: Final = (
    f"{_STAFF}SELECT staff_no FROM api_token"
    " WHERE token_sha256 = %s AND revoked_at IS NULL AND expires_at > %s) GROUP BY s.staff_no"
)
_BY_SESSION: Final = (
    f"{_STAFF}SELECT staff_no FROM console_session"
    " WHERE session_sha256 = %s AND expires_at > %s) GROUP BY s.staff_no"
)


def by_token(connection: psycopg.Connection, sha256: bytes, real_now: int) -> Staff | None:
    """Whose token this is; None for one that is unknown, revoked or expired."""
    return _staff(connection.execute(_BY_TOKEN, [sha256, to_datetime(real_now)]).fetchone())


def by_session(connection: psycopg.Connection, sha256: bytes, real_now: int) -> Staff | None:
    """Whose session this is; None for one that is unknown or over."""
    return _staff(connection.execute(_BY_SESSION, [sha256, to_datetime(real_now)]).fetchone())


def _staff(row: tuple[int, str, str, str, list[str], list[int]] | None) -> Staff | None:
    if row is None:
        return None
    no, id_, name, role, grids, grid_nos = row
    return Staff(no, id_, name, Role(role), dict(zip(grids, grid_nos, strict=True)))


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


def open_session(
    connection: psycopg.Connection, staff_id: str, sha256: bytes, real_now: int, expires_at: int
) -> None:
    """Begins a session of a member who is known, and forgets sessions that are over."""
    with connection.transaction():
        connection.execute(
            "DELETE FROM console_session WHERE expires_at <= %s", [to_datetime(real_now)]
        )
        connection.execute(
            "INSERT INTO console_session (session_sha256, staff_no, created_at, expires_at)"
            " SELECT %s, staff_no, %s, %s FROM staff WHERE id = %s",
            [sha256, to_datetime(real_now), to_datetime(expires_at), staff_id],
        )


def close_session(connection: psycopg.Connection, sha256: bytes) -> None:
    """Ends a session; nothing happens to one that is not there."""
    connection.execute("DELETE FROM console_session WHERE session_sha256 = %s", [sha256])


def add_token(
    connection: psycopg.Connection, staff_id: str, token: str, sha256: bytes, valid: tuple[int, int]
) -> bool:
    """Keeps a token's hash and first letters, valid from and until; False without such a member."""
    with connection.transaction():
        row = connection.execute(
            "INSERT INTO api_token (token_sha256, prefix, staff_no, created_at, expires_at)"
            " SELECT %s, %s, staff_no, %s, %s FROM staff WHERE id = %s RETURNING true",
            [sha256, token[:8], *(to_datetime(at) for at in valid), staff_id],
        ).fetchone()
        if row is not None:
            audit.record_of_member(connection, What.ACCESS_GIVEN, staff_id)
        return row is not None
