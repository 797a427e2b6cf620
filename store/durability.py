"""What the database says of itself: for `doorstep doctor` only, which judges it.

Reads, never writes, and works as an ordinary role: what that may not see is None.

The server's clock is examined here, so it has to be read; nothing is decided by it in SQL. It is
the moment at which the server says that it began our own statement.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import psycopg

from domain.instant import from_datetime
from store.errors import StoreMismatch, translated
from store.migrate import check_schema
from store.provision import CARER, STAFF

_ITSELF: Final = """
SELECT current_setting('synchronous_commit'),
       current_setting('fsync')::boolean,
       current_setting('full_page_writes')::boolean,
       current_user,
       current_setting('is_superuser')::boolean,
       -- A setting that we may not read is no row here.
       (SELECT setting FROM pg_settings WHERE name = 'data_directory'),
       (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'),
       to_regclass('storage_profile') IS NOT NULL,
       to_regclass('journal') IS NOT NULL,
       to_regclass('reading') IS NOT NULL"""

# Who may take a role is a question of its own since PostgreSQL 16; a superuser always may.
_ROLES: Final = """
SELECT r.rolname,
       pg_has_role(r.rolname, CASE WHEN current_setting('server_version_num')::int >= 160000
                              THEN 'SET' ELSE 'MEMBER' END),
       r.rolsuper OR r.rolbypassrls OR r.rolcanlogin
  FROM pg_roles AS r
 WHERE r.rolname = ANY(%s)
 ORDER BY r.rolname"""

_BARE: Final = """
SELECT count(*) FROM pg_class
 WHERE oid = ANY (ARRAY(SELECT to_regclass(name) FROM unnest(%s::text[]) AS name))
   AND NOT relrowsecurity"""
GUARDED: Final = (
    "person",
    "episode",
    "assignment",
    "finding",
    "alert",
    "alert_event",
    "rejected_message",
    "rejection",
    "idempotency_key",
)
"""Tables whose rows belong to a grid or to a member of staff (migration 0009)."""

_BEGAN: Final = "SELECT query_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"

_PARTITIONS_UNTIL: Final = """
SELECT max(substring(pg_get_expr(c.relpartbound, c.oid) FROM $$TO \\('([^']+)'\\)$$)::timestamptz)
  FROM pg_partition_tree('reading') AS t
  JOIN pg_class AS c ON c.oid = t.relid
 WHERE t.isleaf"""

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Durability:
    """What was seen. Instants are microseconds."""

    host: str
    """As we connected: a name, an address, a socket's folder, or nothing."""
    user: str
    superuser: bool
    encrypted: bool
    used_password: bool
    server_version: int
    """150004 is 15.4."""
    synchronous_commit: str
    fsync: bool
    full_page_writes: bool
    data_directory: str | None
    """On the server's machine; None for a role that may not know."""
    extension_version: str | None
    """Of TimescaleDB."""
    schema_problem: str | None
    isolation_problem: str | None
    """Why the database does not keep staff to their grids."""
    tier: str | None
    partitions_until: int | None
    """The end of the last partition of `reading`; None where there is none."""
    journal_at: int | None
    """The newest step, on the service's clock."""
    asked_at: int
    server_at: int | None
    answered_at: int
    """When the server was asked for its time and had answered, here; and its own."""
    canary_at: int | None = None
    """When the newest canary was stored, on the service's clock."""
    keepers: int = 0
    """Supervisors and admins with contacts."""


def examine(database_url: str, clock: Callable[[], int]) -> Durability:
    """Looks at the database once; `clock` is this machine's own.

    Raises `StoreUnreachable` and the other `StoreError`s.
    """
    with (
        translated(),
        psycopg.connect(
            database_url,
            connect_timeout=5,
            autocommit=True,
            options="-c timezone=UTC -c datestyle=ISO -c statement_timeout=10000",
            application_name="doorstep-doctor",
        ) as connection,
    ):
        itself = _row(connection, _ITSELF)
        *settings, has_profile, has_journal, has_readings = itself
        lasting, fsync, whole_pages, user, superuser, folder, extension = settings
        asked_at = clock()
        began = _one(connection, _BEGAN)
        answered_at = clock()
        journal = _one(connection, "SELECT max(now_at) FROM journal") if has_journal else None
        until = _one(connection, _PARTITIONS_UNTIL) if has_readings else None
        canary_at, keepers = _alarm_path(connection)
        return Durability(
            host=connection.info.host,
            user=user,
            superuser=superuser,
            encrypted=bool(connection.pgconn.ssl_in_use),
            used_password=bool(connection.pgconn.used_password),
            server_version=connection.info.server_version,
            synchronous_commit=lasting,
            fsync=fsync,
            full_page_writes=whole_pages,
            data_directory=folder,
            extension_version=extension,
            schema_problem=_schema_problem(connection),
            isolation_problem=_isolation_problem(connection),
            tier=_one(connection, "SELECT tier FROM storage_profile") if has_profile else None,
            partitions_until=None if until is None else from_datetime(until),
            journal_at=None if journal is None else from_datetime(journal),
            asked_at=asked_at,
            server_at=None if began is None else from_datetime(began),
            answered_at=answered_at,
            canary_at=canary_at,
            keepers=keepers,
        )


def _alarm_path(connection: psycopg.Connection) -> tuple[int | None, int]:
    """When the newest canary was stored, and how many would be told that none comes."""
    if not _one(connection, "SELECT to_regclass('canary') IS NOT NULL"):
        return None, 0
    stored = _one(connection, "SELECT max(stored_at) FROM canary")
    keepers = _one(
        connection,
        "SELECT count(*) FROM staff WHERE role IN ('supervisor', 'admin') AND contacts <> '[]'",
    )
    return None if stored is None else from_datetime(stored), int(keepers)


def _schema_problem(connection: psycopg.Connection) -> str | None:
    try:
        check_schema(connection)
    except StoreMismatch as mismatch:
        return str(mismatch)
    return None


def _isolation_problem(connection: psycopg.Connection) -> str | None:
    rows = connection.execute(_ROLES, [[STAFF, CARER]]).fetchall()
    missing = sorted({STAFF, CARER} - {name for name, _, _ in rows})
    if missing:
        return f"missing: {', '.join(missing)}"
    for name, may_take, too_strong in rows:
        if not may_take:
            return f"we may not take {name}"
        if too_strong:
            return f"{name} may log in, or sees past the policies"
    bare = connection.execute(_BARE, [list(GUARDED)]).fetchone()
    if bare is not None and bare[0]:
        return f"{bare[0]} of the tables with people have no row-level security"
    return None


def _row(connection: psycopg.Connection, query: LiteralString) -> Row:
    row = connection.execute(query).fetchone()
    assert row is not None, "one row was asked for"
    return row


def _one(connection: psycopg.Connection, query: LiteralString) -> Any:
    row = connection.execute(query).fetchone()
    return None if row is None else row[0]
