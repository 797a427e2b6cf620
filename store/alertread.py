"""Reading alerts and their log: lists, one alert, what was done, what is new since an event.

Only of the grids that are given: another grid's alert is not there.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from alerts.casework import AlertQuery, BadCursor, LoggedEvent, Page
from alerts.priority import order
from domain.instant import format_rfc3339, from_datetime, to_datetime
from store import findings
from store.alertrows import Stored, fetch

EVENTS_A_READ: Final = 500

_VULNERABLE: Final = (
    "(p.flags && ARRAY['lives_alone', 'chronic'] OR coalesce("
    "extract(year FROM a.raised_at AT TIME ZONE 'UTC')::int - p.birth_year >= 80, false))"
)
_RANK: Final = (
    "((a.response = 'closed')::int * 1000"
    " + CASE a.severity WHEN 'critical' THEN 0 WHEN 'urgent' THEN 100 ELSE 200 END"
    " + (a.response <> 'open')::int * 4 + (a.condition <> 'active')::int * 2"
    f" + (NOT {_VULNERABLE})::int)"
)
_ORDER: Final = f'{_RANK}, a.raised_at, a.id COLLATE "C"'
"""The order of `alerts.priority`, which says why; a test holds the one against the other."""

_LIST: Final = (
    "WHERE a.grid_no = ANY(%s) AND (%s OR a.response = ANY(%s)) AND (%s OR a.rule = ANY(%s))"
    " AND (%s OR a.severity = ANY(%s)) AND (%s::text IS NULL OR p.id = %s)"
    f" AND (%s::int IS NULL OR ({_ORDER}) > (%s::int, %s::timestamptz, %s))"
    f" ORDER BY {_ORDER} LIMIT %s"
)
_IN_BUILDING: Final = (
    "SELECT a.grid_no, e.building, count(*) FROM alert a JOIN episode e USING (episode_no)"
    " WHERE a.response <> 'closed' AND (a.grid_no, e.building)"
    " IN (SELECT * FROM unnest(%s::int[], %s::text[])) GROUP BY a.grid_no, e.building"
)
_EVENTS: Final = (
    "SELECT event_id, type, kind, at, actor, note, detail, before, after FROM alert_event"
    " WHERE alert_id = %s ORDER BY event_id"
)
SINCE: Final = (
    "SELECT event_id, grid_no,"
    " json_build_object('type', type, 'before', before, 'after', after)::text"
    " FROM alert_event WHERE event_id > %s AND (%s::int[] IS NULL OR grid_no = ANY(%s))"
    " ORDER BY event_id LIMIT %s"
)


def listed(connection: psycopg.Connection, grid_nos: Sequence[int], query: AlertQuery) -> Page:
    """Alerts, most urgent first. Raises `BadCursor`."""
    rank, raised_at, last_id = _opened(query.cursor)
    arguments: list[Any] = [list(grid_nos)]
    for words in (
        [response.value for response in query.responses],
        [rule.value for rule in query.rules],
        [severity.word for severity in query.severities],
    ):
        arguments += [not words, words]
    arguments += [query.person, query.person]
    arguments += [rank, rank, raised_at, last_id, query.limit + 1]
    found = fetch(connection, _LIST, arguments)
    page = found[: query.limit]
    standing = findings.of_alerts(connection, [stored.alert.id for stored in page])
    same = _in_building(connection, page)
    return Page(
        [
            stored.document(standing.get(stored.alert.id, ()))
            | {"building_alerts": same[_door(stored)]}
            for stored in page
        ],
        _cursor(page[-1]) if len(found) > query.limit else None,
    )


def one(
    connection: psycopg.Connection, alert_id: str, grid_nos: Sequence[int]
) -> tuple[Stored, dict[str, Any]] | None:
    """An alert and its document; None when it is not in these grids."""
    found = fetch(connection, "WHERE a.id = %s AND a.grid_no = ANY(%s)", [alert_id, list(grid_nos)])
    if not found:
        return None
    standing = findings.of_alerts(connection, [alert_id])
    same = _in_building(connection, found)[_door(found[0])]
    document = found[0].document(standing.get(alert_id, ())) | {"building_alerts": same}
    return found[0], document


def _in_building(
    connection: psycopg.Connection, page: Sequence[Stored]
) -> dict[tuple[int, str], int]:
    """How many alerts are not closed behind the doors of these: one walk serves them all."""
    doors = list({_door(stored): True for stored in page})
    counted = dict.fromkeys(doors, 0)
    if doors:
        found = connection.execute(_IN_BUILDING, [[no for no, _ in doors], [b for _, b in doors]])
        counted |= {(grid_no, building): count for grid_no, building, count in found}
    return counted


def _door(stored: Stored) -> tuple[int, str]:
    return stored.place.grid_no, stored.place.surroundings.building


def events(connection: psycopg.Connection, alert_id: str) -> list[dict[str, Any]]:
    """The log of one alert, oldest first. Who may see it is the caller's business."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(_EVENTS, [alert_id])
        return [
            {
                "id": row["event_id"],
                "type": row["type"],
                "kind": row["kind"],
                "at": format_rfc3339(from_datetime(row["at"])),
                "actor": row["actor"],
                "note": row["note"],
                "detail": row["detail"],
                "before": row["before"],
                "after": row["after"],
            }
            for row in cursor.fetchall()
        ]


def since(
    connection: psycopg.Connection,
    event_id: int,
    grid_nos: Sequence[int] | None,
    limit: int = EVENTS_A_READ,
) -> list[LoggedEvent]:
    """Events after one, in order, of these grids (None: all). Misses none: see `event_counter`."""
    grids = None if grid_nos is None else list(grid_nos)
    rows = connection.execute(SINCE, [event_id, grids, grids, limit])
    return [LoggedEvent(*row) for row in rows]


def last_event_id(connection: psycopg.Connection) -> int:
    """The newest event's id; 0 before the first."""
    row = connection.execute("SELECT last_event_id FROM event_counter").fetchone()
    assert row is not None
    return int(row[0])


def counts(connection: psycopg.Connection) -> dict[tuple[str, str, str], int]:
    """How many alerts of all grids are not closed, by severity, response and condition."""
    rows = connection.execute(
        "SELECT severity, response, condition, count(*) FROM alert WHERE response <> 'closed'"
        " GROUP BY severity, response, condition"
    )
    return {(severity, response, condition): count for severity, response, condition, count in rows}


def _cursor(stored: Stored) -> str:
    words = [*order(stored.alert, stored.place.surroundings)]
    return base64.urlsafe_b64encode(json.dumps(words).encode()).decode().rstrip("=")


def _opened(cursor: str | None) -> tuple[int | None, Any, str | None]:
    if cursor is None:
        return None, None, None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        rank, raised_at, last_id = json.loads(base64.urlsafe_b64decode(padded))
        if not (0 <= rank < 10_000 and isinstance(last_id, str) and last_id.isprintable()):
            raise BadCursor("this cursor was not given out by this service")
        return int(rank), to_datetime(int(raised_at)), last_id
    except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError) as error:
        raise BadCursor("this cursor was not given out by this service") from error
