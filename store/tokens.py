"""API tokens: rows of `api_token`. Of the token itself only its SHA-256 and first letters.

Instants are real time, which the caller gives.
"""

from typing import Final

import psycopg

from alerts.audit import What
from alerts.tokens import KEPT, REMEMBERED_US, Bearer, Scope, Token
from domain.instant import from_datetime, to_datetime
from store import access, audit

_BY_SHA256: Final = (
    f"SELECT {access.MEMBER}, t.scope, t.used_at FROM api_token t"
    f" JOIN staff s ON s.staff_no = t.staff_no {access.GRIDS}"
    " WHERE t.token_sha256 = %s AND t.revoked_at IS NULL AND t.expires_at > %s"
    " GROUP BY s.staff_no, t.token_sha256"
)
_ADD: Final = (
    "INSERT INTO api_token (token_sha256, prefix, staff_no, scope, created_at, expires_at)"
    " SELECT %s, %s, staff_no, %s, %s, %s FROM staff WHERE id = %s RETURNING true"
)
_FORGET: Final = "DELETE FROM api_token WHERE coalesce(revoked_at, expires_at) <= %s"
_LISTED: Final = (
    "SELECT t.token_sha256, t.prefix, s.id, t.scope, t.created_at, t.expires_at, t.used_at,"
    " t.revoked_at FROM api_token t JOIN staff s USING (staff_no)"
    " WHERE %(staff)s::text IS NULL OR s.id = %(staff)s ORDER BY t.created_at DESC, t.token_sha256"
)
_REVOKE: Final = (
    "UPDATE api_token SET revoked_at = %s WHERE token_sha256 = %s AND revoked_at IS NULL"
)


def by_sha256(connection: psycopg.Connection, sha256: bytes, real_now: int) -> Bearer | None:
    """Who comes with this token, which is written down; None for one that is not valid."""
    row = connection.execute(_BY_SHA256, [sha256, to_datetime(real_now)]).fetchone()
    if row is None:
        return None
    *member, scope, used_at = row
    access.used(connection, access.TOKEN, sha256, used_at, real_now)
    return Bearer(access.member(member), Scope(scope))


def add(
    connection: psycopg.Connection,
    staff_id: str,
    word: tuple[str, bytes],
    scope: Scope,
    valid: tuple[int, int],
) -> bool:
    """Keeps a token (`word` and its SHA-256), valid from and until; False without such a member."""
    token, sha256 = word
    first_at, last_at = (to_datetime(at) for at in valid)
    with connection.transaction():
        connection.execute(_FORGET, [to_datetime(valid[0] - REMEMBERED_US)])
        prefix = token[:KEPT]
        arguments = [sha256, prefix, scope.value, first_at, last_at, staff_id]
        if connection.execute(_ADD, arguments).fetchone() is None:
            return False
        said = f"{prefix} {scope.value}"
        audit.record_of_member(connection, What.ACCESS_GIVEN, staff_id, said)
        return True


def listed(connection: psycopg.Connection, staff_id: str | None = None) -> list[Token]:
    """All of them or a member's, the newest first, also those that are over."""
    return [
        Token(
            sha256=bytes(sha256),
            prefix=prefix,
            staff=staff,
            scope=Scope(scope),
            created_at=from_datetime(created_at),
            expires_at=from_datetime(expires_at),
            used_at=None if used_at is None else from_datetime(used_at),
            revoked_at=None if revoked_at is None else from_datetime(revoked_at),
        )
        for sha256, prefix, staff, scope, created_at, expires_at, used_at, revoked_at in (
            connection.execute(_LISTED, {"staff": staff_id})
        )
    ]


def revoke(connection: psycopg.Connection, token: Token, real_now: int) -> bool:
    """Takes one back; False when it had been already."""
    with connection.transaction():
        row = connection.execute(_REVOKE, [to_datetime(real_now), token.sha256])
        if row.rowcount == 0:
            return False
        audit.record_of_member(connection, What.ACCESS_TAKEN, token.staff, token.prefix)
        return True
