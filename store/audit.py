"""The audit log in the database: written with what it records, in the same transaction.

It is read whole, or what concerns some grids. Recording locks the log's head until the transaction
ends: do it last.
"""

from collections.abc import Iterable, Iterator
from typing import Final, LiteralString

import psycopg

from alerts.audit import Entry, Query, What
from alerts.casework import Page
from alerts.lifecycle import Kind
from domain.instant import format_rfc3339, from_datetime

_LONGEST: Final = 200
_ADD: Final = "INSERT INTO audit_log (staff, what, object, grid_nos) VALUES (%s, %s, %s, %s)"
_ALL: Final = (
    "SELECT audit_no, at, staff, what, object, grid_nos, sha256 FROM audit_log ORDER BY audit_no"
)
_LISTED: Final = (
    "SELECT a.audit_no, a.at, a.staff, a.what, a.object,"
    " coalesce((SELECT array_agg(g.id ORDER BY g.id) FROM grid g"
    "  WHERE g.grid_no = ANY (a.grid_nos) AND g.grid_no = ANY (%(grids)s)), ARRAY[]::text[])"
    " FROM audit_log a WHERE (a.grid_nos && %(grids)s::int[] OR a.grid_nos = '{}')"
)
_NARROWED: Final = (
    ("staff", " AND a.staff = %(staff)s"),
    ("object", " AND a.object = %(object)s"),
    ("what", " AND a.what = %(what)s"),
    ("before", " AND a.audit_no < %(before)s"),
)
_NEWEST: Final = " ORDER BY a.audit_no DESC LIMIT %(limit)s"
_GRIDS_OF: Final = (
    "SELECT coalesce(array_agg(g.grid_no), ARRAY[]::int[]) FROM staff s JOIN grid g ON g.grid_no IN"
    " (SELECT grid_no FROM staff_grid o WHERE o.staff_no = s.staff_no) OR g.community_no IN"
    " (SELECT community_no FROM staff_community o WHERE o.staff_no = s.staff_no) WHERE s.id = %s"
)
_ALL_GRIDS: Final = "SELECT coalesce(array_agg(grid_no), ARRAY[]::int[]) FROM grid"
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


def record_of_member(
    connection: psycopg.Connection,
    what: What,
    staff_id: str,
    more: str = "",
    by: str | None = None,
) -> None:
    """Adds an entry about a member (and `more`), in their grids; `by` None: nobody signed in."""
    row = connection.execute(_GRIDS_OF, [staff_id]).fetchone()
    assert row is not None
    record(connection, by, what, f"{staff_id} {more}", row[0])


def record_of_all(connection: psycopg.Connection, what: What, about: str) -> None:
    """Adds an entry about every grid there is, by nobody who was signed in."""
    row = connection.execute(_ALL_GRIDS).fetchone()
    assert row is not None
    record(connection, None, what, about, row[0])


def listed(connection: psycopg.Connection, grid_nos: Iterable[int], query: Query) -> Page:
    """Entries about these grids, the newest first; of their grids only these are named.

    What was in no grid comes as well: the policy of the log says to whom.
    """
    arguments = {
        "grids": list(grid_nos),
        "staff": query.staff,
        "object": query.object,
        "what": query.what,
        "before": query.before,
        "limit": query.limit + 1,
    }
    rows = connection.execute(listing(query), arguments).fetchall()
    items = [
        {
            "no": no,
            "at": format_rfc3339(from_datetime(at)),
            "staff": staff,
            "what": what,
            "object": about,
            "grids": grids,
        }
        for no, at, staff, what, about, grids in rows[: query.limit]
    ]
    return Page(items, str(items[-1]["no"]) if len(rows) > query.limit else None)


def listing(query: Query) -> LiteralString:
    """The statement of a query: with what it narrows by alone, so that the index of that is taken.

    A statement that leaves it open what narrows would be planned once for all of them.
    """
    narrowed = [more for name, more in _NARROWED if getattr(query, name) is not None]
    return "".join((_LISTED, *narrowed, _NEWEST))


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
