"""The audit log in the database: written with what it records, in the same transaction; read whole.

Recording locks the log's head until the transaction ends: do it last.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import psycopg

from alerts.audit import Entry, What
from alerts.lifecycle import Kind
from domain.instant import from_datetime

_LONGEST: Final = 200
_ADD: Final = "INSERT INTO audit_log (staff, what, object, grid_nos) VALUES (%s, %s, %s, %s)"
_ALL: Final = (
    "SELECT audit_no, at, staff, what, object, grid_nos, sha256 FROM audit_log ORDER BY audit_no"
)
_HEAD: Final = "SELECT audit_no, sha256 FROM audit_head"


def record(
    connection: psycopg.Connection,
    staff: str | None,
    what: What | Kind,
    about: str,
    grid_nos: Iterable[int] = (),
) -> None:
    """Adds an entry: who, what, the id of what it was about, and in which grids."""
    line = " ".join(about.split())[:_LONGEST]
    connection.execute(_ADD, [staff, what.value, line, sorted(grid_nos)])


def head(connection: psycopg.Connection) -> tuple[int, bytes]:
    """The newest entry's number and SHA-256, as kept beside the log."""
    row = connection.execute(_HEAD).fetchone()
    assert row is not None
    return int(row[0]), bytes(row[1])


def entries(connection: psycopg.Connection) -> Iterator[Entry]:
    """Every entry in order, in constant memory; within a transaction."""
    with connection.cursor(name="audit") as cursor:
        cursor.execute(_ALL)
        for no, at, staff, what, about, grid_nos, sha256 in cursor:
            yield Entry(no, from_datetime(at), staff, what, about, tuple(grid_nos), bytes(sha256))
