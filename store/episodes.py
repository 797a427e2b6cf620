"""People under care, as staff of their grids may see them; and what did not become a reading.

Names, phones and addresses are read only when the caller says that who asks may know them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from alerts import presence
from alerts.casework import Page
from domain.instant import format_rfc3339, from_datetime
from domain.people import Home
from store import rulebooks, sights
from store.roster import home_of

_WHO: Final = "p.name AS person_name, p.phone, p.address, p.birth_year, p.flags"
_SELECT: Final = (
    "SELECT e.episode_no, e.id, p.id AS person, g.id AS grid, e.building, e.starts_at, e.ends_at,"
    " e.home, staff_last_at(e.episode_no) AS last_measured_at,"
    " ARRAY(SELECT DISTINCT d.id FROM assignment a JOIN device d USING (device_no)"
    "  WHERE a.episode_no = e.episode_no ORDER BY d.id) AS devices,"
    " (SELECT count(*) FROM alert a"
    "  WHERE a.episode_no = e.episode_no AND a.response <> 'closed') AS alerts_not_closed"
)
_FROM: Final = (
    " FROM episode e JOIN person p USING (person_no) JOIN grid g USING (grid_no)"
    " WHERE e.grid_no = ANY(%s)"
)
_PAGE: Final = f"{_SELECT}{_FROM} AND (%s::text IS NULL OR e.id > %s) ORDER BY e.id LIMIT %s"
_ONE: Final = f"{_SELECT}{_FROM} AND e.id = %s"
_ONE_WITH_WHO: Final = f"{_SELECT}, {_WHO}{_FROM} AND e.id = %s"

# Whose device it is, and so whose messages, says the database (migration 0009): it has to look at
# people of all grids for that.
_MAY_SEE: Final = (
    "SELECT NOT EXISTS (SELECT FROM staff_foreign_devices() AS d(id) WHERE d.id = %(device)s)"
)
_REJECTED: Final = (
    "SELECT encode(m.content_sha256, 'hex') AS id, m.topic, m.device_id, m.payload_bytes,"
    " encode(m.payload_sha256, 'hex') AS payload_sha256, m.first_received_at, m.last_received_at,"
    " m.times, (SELECT json_agg(json_build_object('item', nullif(r.item, -1), 'reason', r.reason,"
    "  'pointer', r.pointer, 'detail', r.detail, 'rest_stored', r.rest_stored)"
    "  ORDER BY r.item, r.reason, r.pointer)"
    "  FROM rejection r WHERE r.content_sha256 = m.content_sha256) AS reasons"
    " FROM rejected_message m WHERE (%(device)s::text IS NULL OR m.device_id = %(device)s)"
    " AND (%(after)s::text IS NULL OR m.content_sha256 > decode(%(after)s, 'hex'))"
    " ORDER BY m.content_sha256 LIMIT %(limit)s"
)


@dataclass(frozen=True, slots=True)
class Opened:
    """One episode, and what is needed to read its vitals."""

    no: int
    home: Home | None
    document: dict[str, Any]


def listed(
    connection: psycopg.Connection,
    grid_nos: Sequence[int],
    after: str | None,
    limit: int,
    now: int,
) -> Page:
    """Episodes in the order of their ids, without names."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(_PAGE, [list(grid_nos), after, after, limit + 1])
        rows = cursor.fetchall()
    page = rows[:limit]
    more = page[-1]["id"] if len(rows) > limit else None
    told = _presences(connection, [row["episode_no"] for row in page], now)
    items = [_document(row) | told[row["episode_no"]] for row in page]
    return Page(items, more)


def with_presence(connection: psycopg.Connection, opened: Opened, now: int) -> dict[str, Any]:
    """Its document, with where the person is as far as anybody can tell."""
    return opened.document | _presences(connection, [opened.no], now)[opened.no]


def _presences(
    connection: psycopg.Connection, episode_nos: Sequence[int], now: int
) -> dict[int, dict[str, Any]]:
    """Where each of them is, by the rulebook in force."""
    figures = rulebooks.in_force(connection, now).left_home
    seen = sights.of_episodes(connection, episode_nos, figures, now)
    return {no: presence.document(sight, figures, now) for no, sight in seen.items()}


def one(
    connection: psycopg.Connection, episode_id: str, grid_nos: Sequence[int], *, with_who: bool
) -> Opened | None:
    """An episode of these grids, with who it is if the caller may know."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(_ONE_WITH_WHO if with_who else _ONE, [list(grid_nos), episode_id])
        row = cursor.fetchone()
    if row is None:
        return None
    document = _document(row)
    if with_who:
        document |= {
            name: row[name] for name in ("person_name", "phone", "address", "birth_year", "flags")
        }
    return Opened(row["episode_no"], home_of(row["home"]), document)


def rejections(
    connection: psycopg.Connection,
    device: str | None,
    after: str | None,
    limit: int,
) -> Page | None:
    """Messages that were refused in whole or in part; None for a device of other grids alone."""
    arguments = {"device": device, "after": after, "limit": limit + 1}
    with connection.cursor(row_factory=dict_row) as cursor:
        if device is not None:
            cursor.execute(f"{_MAY_SEE} AS seen", arguments)
            seen = cursor.fetchone()
            if seen is None or not seen["seen"]:
                return None
        cursor.execute(_REJECTED, arguments)
        rows = cursor.fetchall()
    page = rows[:limit]
    items = [
        {
            **row,
            "first_received_at": format_rfc3339(from_datetime(row["first_received_at"])),
            "last_received_at": format_rfc3339(from_datetime(row["last_received_at"])),
        }
        for row in page
    ]
    return Page(items, page[-1]["id"] if len(rows) > limit else None)


def _document(row: Mapping[str, Any]) -> dict[str, Any]:
    last = row["last_measured_at"]
    return {
        "id": row["id"],
        "person": row["person"],
        "grid": row["grid"],
        "building": row["building"],
        "starts_at": format_rfc3339(from_datetime(row["starts_at"])),
        "ends_at": format_rfc3339(from_datetime(row["ends_at"])),
        "devices": row["devices"],
        "last_measured_at": None if last is None else format_rfc3339(from_datetime(last)),
        "alerts_not_closed": row["alerts_not_closed"],
    }
