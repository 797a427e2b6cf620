"""Alerts and readings as they are stored, one after the other, however many there are.

Read through server-side cursors in one read-only snapshot: memory does not grow with what is read.
Opaque ids only: no name, phone, address or position; where somebody was is a distance from home.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from alerts.verdicts import verdict
from domain.instant import format_rfc3339, parse_rfc3339, to_datetime
from store import alertrows, findings, vitals
from store.roster import home_of

ALERTS_AT_A_TIME: Final = 500
READINGS_AT_A_TIME: Final = 2_000
EVER: Final = (parse_rfc3339("2020-01-01T00:00:00Z"), parse_rfc3339("2200-01-01T00:00:00Z"))
"""What the schema holds readings to."""

_GRIDS: Final = "SELECT id, grid_no FROM grid ORDER BY id"
_ALERTS: Final = (
    "WHERE a.raised_at >= %s AND a.raised_at < %s AND a.grid_no = ANY(%s)"
    " ORDER BY a.raised_at, a.id"
)
_EPISODES: Final = (
    "SELECT e.episode_no, e.id AS episode, e.home, p.id AS person, g.id AS grid FROM episode e"
    " JOIN person p USING (person_no) JOIN grid g USING (grid_no) WHERE e.grid_no = ANY(%s)"
    " ORDER BY e.id"
)


# Of the table itself: who exports is the operator, and no member of staff.
_READINGS: Final = (
    f"SELECT {vitals.COLUMNS} FROM reading r JOIN device d USING (device_no)"
    " WHERE r.episode_no = %s AND r.measured_at >= %s AND r.measured_at < %s"
    " ORDER BY r.measured_at, r.device_no, r.digest"
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What is read: `from_at` <= raised or measured < `to_at`, in these grids."""

    from_at: int
    to_at: int
    grid_nos: Sequence[int]


def grids(connection: psycopg.Connection) -> dict[str, int]:
    """Grid id -> grid number, all there are."""
    return dict(connection.execute(_GRIDS).fetchall())


def alerts(connection: psycopg.Connection, scope: Scope) -> Iterator[dict[str, Any]]:
    """The documents of contract section 6 without the building, with `closed_at` and `verdict`.

    In order of when they were raised. Needs a transaction.
    """
    arguments = [to_datetime(scope.from_at), to_datetime(scope.to_at), list(scope.grid_nos)]
    with connection.cursor("exported_alerts", row_factory=dict_row) as cursor:
        cursor.execute(alertrows.SELECT + _ALERTS, arguments)
        while rows := cursor.fetchmany(ALERTS_AT_A_TIME):
            page = [alertrows.stored(row) for row in rows]
            standing = findings.of_alerts(connection, [each.alert.id for each in page])
            for each in page:
                yield _alert(each, each.document(standing.get(each.alert.id, ())))


def readings(connection: psycopg.Connection, scope: Scope) -> Iterator[dict[str, Any]]:
    """Readings by episode and time; what was not measured is absent. Needs a transaction."""
    with connection.cursor("exported_episodes", row_factory=dict_row) as cursor:
        cursor.execute(_EPISODES, [list(scope.grid_nos)])
        for row in cursor:
            who = {name: row[name] for name in ("episode", "person", "grid")}
            for reading in _readings(connection, scope, row):
                yield {"measured_at": reading.pop("at"), **who, **reading}


def _readings(
    connection: psycopg.Connection, scope: Scope, episode: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    home = home_of(episode["home"])
    arguments = [episode["episode_no"], to_datetime(scope.from_at), to_datetime(scope.to_at)]
    with connection.cursor("exported_readings", row_factory=dict_row) as cursor:
        cursor.execute(_READINGS, arguments)
        while rows := cursor.fetchmany(READINGS_AT_A_TIME):
            yield from vitals.items(rows, home)


def _alert(stored: alertrows.Stored, document: dict[str, Any]) -> dict[str, Any]:
    alert = stored.alert
    said = verdict(alert.rule, alert.outcome)
    del document["building"]
    return {
        **document,
        "closed_at": None if alert.closed_at is None else format_rfc3339(alert.closed_at),
        "verdict": None if said is None else said.value,
    }
