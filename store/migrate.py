"""Brings a database to the schema of this version: the plain SQL files of `migrations/`, in order.

One advisory lock, one transaction for everything that is missing: a migration is applied whole or
not at all, and two processes that migrate at once do it one after the other. A file that was
applied and has changed since is refused. The storage tier (plain PostgreSQL, TimescaleDB Apache
edition or community edition) is found out before the first file and recorded in `storage_profile`.
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import psycopg

from store.errors import StoreMismatch, translated
from store.partitions import make_partitions
from store.tiers import detect

_LOCK: Final = 0x446F6F72  # "Door"
OLDEST_SERVER: Final = 150_000  # PostgreSQL 15, the oldest we test on

_LEDGER: Final = """
CREATE TABLE IF NOT EXISTS schema_migration (
    name   text PRIMARY KEY,
    sha256 text NOT NULL
)"""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a migration did."""

    tier: str
    names: tuple[str, ...]
    """The files applied this time, in order; empty when there was nothing to do."""


@dataclass(frozen=True, slots=True)
class _Migration:
    name: str
    sql: str
    sha256: str


def migrations() -> list[_Migration]:
    """The files this version ships, in order of their names."""
    folder = files("store") / "migrations"
    found = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".sql"):
            text = entry.read_text(encoding="utf-8")
            digest = hashlib.sha256(text.encode()).hexdigest()
            found.append(_Migration(entry.name, text, digest))
    return found


def migrate(database_url: str, now: int) -> Applied:
    """Applies what is missing and makes the partitions around `now` (microseconds).

    Raises `StoreUnreachable`, or `StoreMismatch` when the server is too old or a file has changed.
    """
    with translated(), psycopg.connect(database_url, connect_timeout=10) as connection:
        if connection.info.server_version < OLDEST_SERVER:
            raise StoreMismatch(
                f"PostgreSQL {connection.info.server_version // 10_000} is too old: 15 or newer"
            )
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            cursor.execute(_LEDGER)
            names = _apply_missing(cursor)
            cursor.execute("SELECT tier FROM storage_profile")
            row = cursor.fetchone()
            assert row is not None
            make_partitions(cursor, now)
        return Applied(tier=row[0], names=tuple(names))


def _apply_missing(cursor: psycopg.Cursor) -> list[str]:
    cursor.execute("SELECT name, sha256 FROM schema_migration")
    known: dict[str, str] = dict(cursor.fetchall())
    fresh = not known
    applied: list[str] = []
    for migration in migrations():
        sha256 = known.pop(migration.name, None)
        if sha256 is None:
            cursor.execute(migration.sql)
            if fresh and not applied:
                detect(cursor)
            cursor.execute(
                "INSERT INTO schema_migration VALUES (%s, %s)", [migration.name, migration.sha256]
            )
            applied.append(migration.name)
        elif sha256 != migration.sha256:
            raise StoreMismatch(f"migration {migration.name} has changed since it was applied")
    if known:
        raise StoreMismatch(f"the database is newer than this version: it has {sorted(known)}")
    return applied


def check_schema(connection: psycopg.Connection) -> None:
    """Raises `StoreMismatch` unless every migration of this version is applied."""
    shipped = {migration.name for migration in migrations()}
    cursor = connection.execute("SELECT to_regclass('schema_migration') IS NOT NULL")
    row = cursor.fetchone()
    if row is None or not row[0]:
        raise StoreMismatch("the database has no schema yet: run `doorstep migrate`")
    applied = {name for (name,) in connection.execute("SELECT name FROM schema_migration")}
    if shipped - applied:
        raise StoreMismatch(
            f"run `doorstep migrate`: missing {', '.join(sorted(shipped - applied))}"
        )
    if applied - shipped:
        raise StoreMismatch("the database's schema is newer than this version of Doorstep")
