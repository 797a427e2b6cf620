"""What happened in the days of some grids, counted for `alerts.report`.

Events count on the day they were recorded; what a person has taken back does not count. Nothing
here names anybody.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from alerts import presence
from alerts.alert import Outcome
from alerts.day import day
from alerts.presence import Presence
from alerts.report import Delay, Facts, GridDay, Happenings, Seen
from domain.instant import from_datetime, to_datetime
from rules.finding import Rule, Severity
from store import rulebooks, sights

_GRIDS: Final = (
    "SELECT g.grid_no, g.id, c.timezone FROM grid g JOIN community c USING (community_no)"
    " WHERE g.grid_no = ANY(%s) ORDER BY g.id"
)
_DAYS: Final = (
    "WITH day AS MATERIALIZED (SELECT * FROM"
    " unnest(%(grids)s::int[], %(froms)s::timestamptz[], %(tos)s::timestamptz[])"
    " AS day(grid_no, from_at, to_at)) "
)
_AGES: Final = (
    f"{_DAYS}SELECT p.birth_year, count(DISTINCT e.person_no) AS people,"
    " count(*) FILTER (WHERE e.starts_at >= from_at) AS begun,"
    " count(*) FILTER (WHERE e.ends_at < to_at) AS ended"
    " FROM day JOIN episode e USING (grid_no) JOIN person p USING (person_no)"
    " WHERE e.starts_at < to_at AND e.ends_at > from_at GROUP BY p.birth_year"
)
_NOT_TAKEN_BACK: Final = (
    "(SELECT n.kind FROM alert_event n WHERE n.alert_id = {0}.alert_id"
    " AND n.event_id > {0}.event_id"
    " AND n.actor IS NOT NULL AND n.kind <> 'noted' ORDER BY n.event_id LIMIT 1)"
    " IS DISTINCT FROM 'undone'"
)
_HAPPENED: Final = (
    f"{_DAYS}SELECT v.kind, a.rule, v.after ->> 'severity' AS severity,"
    " v.after ->> 'outcome' AS outcome, v.after ->> 'response' = 'closed' AS closes, count(*) AS n"
    " FROM day JOIN alert_event v ON v.grid_no = day.grid_no AND v.at >= from_at AND v.at < to_at"
    " JOIN alert a ON a.id = v.alert_id"
    f" WHERE v.kind IN ('raised', 'outcome') AND {_NOT_TAKEN_BACK.format('v')}"
    " GROUP BY 1, 2, 3, 4, 5"
)
_DELAYS: Final = (
    f"{_DAYS}SELECT v.kind, v.after ->> 'severity' AS severity, count(*) AS n,"
    " percentile_disc(ARRAY[0.5, 0.9]) WITHIN GROUP"
    " (ORDER BY extract(epoch FROM v.at - a.raised_at)) AS within_s"
    " FROM day JOIN alert_event v ON v.grid_no = day.grid_no AND v.at >= from_at AND v.at < to_at"
    " JOIN alert a ON a.id = v.alert_id"
    f" WHERE v.kind IN ('acknowledged', 'visited') AND {_NOT_TAKEN_BACK.format('v')}"
    # The first of its kind: a second visit of the same case is not late.
    " AND NOT EXISTS (SELECT FROM alert_event f WHERE f.alert_id = v.alert_id AND f.kind = v.kind"
    f"  AND f.event_id < v.event_id AND {_NOT_TAKEN_BACK.format('f')}) GROUP BY 1, 2"
)
_OPEN: Final = (
    f"{_DAYS}SELECT stood.severity, count(*) AS n FROM day JOIN alert a ON a.grid_no = day.grid_no"
    " AND a.raised_at < to_at AND (a.closed_at IS NULL OR a.closed_at >= to_at)"
    " CROSS JOIN LATERAL (SELECT v.after ->> 'severity' AS severity FROM alert_event v"
    "  WHERE v.alert_id = a.id AND v.at < to_at ORDER BY v.event_id DESC LIMIT 1) AS stood"
    " GROUP BY 1"
)
_CARED_FOR: Final = (
    "SELECT episode_no FROM episode WHERE grid_no = %s AND starts_at < %s AND ends_at >= %s"
)
# Of an event `ended_at` is only how long it is shown, so it counts on the day it began.
_SIGNALS: Final = (
    "SELECT kind, count(*) FROM signal WHERE began_at < %(to_at)s AND (began_at >= %(from_at)s"
    " OR (kind <> 'session_lost' AND (ended_at IS NULL OR ended_at > %(from_at)s)))"
    " GROUP BY kind ORDER BY kind"
)
_BATCHES: Final = "SELECT min(batch), max(batch) FROM journal WHERE shard = 0"
_STEP: Final = (
    "SELECT batch, now_at, receive_clock_us FROM journal WHERE shard = 0 AND batch <= %s"
    " ORDER BY batch DESC LIMIT 1"
)


def days(
    connection: psycopg.Connection, grid_nos: Sequence[int], on: date, now: int
) -> list[GridDay]:
    """That day in each of the grids as far as it has come, in order of their ids."""
    found = []
    for no, grid, timezone in connection.execute(_GRIDS, [list(grid_nos)]).fetchall():
        whole = day(on, timezone)
        if whole.from_at <= now:
            until_at = min(whole.to_at, now + 1)  # what happens at this very instant counts
            found.append(
                GridDay(no, grid, timezone, whole.from_at, until_at, over=whole.to_at <= now)
            )
    return found


def timezones(connection: psycopg.Connection, grid_nos: Sequence[int]) -> list[str]:
    """Of the grids, in order of their ids."""
    return [row[2] for row in connection.execute(_GRIDS, [list(grid_nos)]).fetchall()]


def facts(connection: psycopg.Connection, of: Sequence[GridDay], on: date) -> Facts:
    """What is counted. `of` is not empty."""
    arguments = {
        "grids": [each.no for each in of],
        "froms": [to_datetime(each.from_at) for each in of],
        "tos": [to_datetime(each.to_at) for each in of],
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        people = cursor.execute(_AGES, arguments).fetchall()
        happened = cursor.execute(_HAPPENED, arguments).fetchall()
        delays = cursor.execute(_DELAYS, arguments).fetchall()
        still = cursor.execute(_OPEN, arguments).fetchall()
    from_at, to_at = min(each.from_at for each in of), max(each.to_at for each in of)
    return Facts(
        ages=[
            (None if row["birth_year"] is None else on.year - row["birth_year"], row["people"])
            for row in people
        ],
        begun=sum(row["begun"] for row in people),
        ended=sum(row["ended"] for row in people),
        raised=[_happenings(row) for row in happened if row["kind"] == "raised"],
        outcomes=[_happenings(row) for row in happened if row["kind"] == "outcome"],
        acknowledged=_delays(delays, "acknowledged"),
        visited=_delays(delays, "visited"),
        open={_severity(row): row["n"] for row in still},
        seen=[seen for each in of for seen in _seen(connection, each)],
        heard_us=_clock_at(connection, to_at) - _clock_at(connection, from_at),
        signals=_signals(connection, from_at, to_at),
    )


def _happenings(row: dict[str, Any]) -> Happenings:
    outcome = None if row["outcome"] is None else Outcome(row["outcome"])
    return Happenings(Rule(row["rule"]), _severity(row), outcome, row["closes"], row["n"])


def _severity(row: dict[str, Any]) -> Severity:
    return Severity[row["severity"].upper()]


def _delays(rows: Sequence[dict[str, Any]], kind: str) -> list[Delay]:
    found = [
        Delay(_severity(row), row["n"], *(int(seconds) for seconds in row["within_s"]))
        for row in rows
        if row["kind"] == kind
    ]
    return sorted(found, key=lambda each: each.severity)


def _seen(connection: psycopg.Connection, of: GridDay) -> list[Seen]:
    at = to_datetime(of.to_at)
    numbers = [row[0] for row in connection.execute(_CARED_FOR, [of.no, at, at]).fetchall()]
    figures = rulebooks.in_force(connection, of.to_at).left_home
    said = [
        (sight, presence.document(sight, figures, of.to_at))
        for sight in sights.as_of(connection, numbers, figures, of.to_at).values()
    ]
    return [
        Seen(Presence(each["presence"]), each["on_leave"], sight.silent) for sight, each in said
    ]


def _signals(connection: psycopg.Connection, from_at: int, to_at: int) -> list[tuple[str, int]]:
    span = {"from_at": to_datetime(from_at), "to_at": to_datetime(to_at)}
    return connection.execute(_SIGNALS, span).fetchall()


def _clock_at(connection: psycopg.Connection, at: int) -> int:
    """The receive clock at the last step before an instant; 0 before the first.

    The journal has no index on time, which goes up with its batches: halves.
    """
    first, last = connection.execute(_BATCHES).fetchone() or (None, None)
    clock_us = 0
    while first is not None and first <= last:
        middle = (first + last) // 2
        row = connection.execute(_STEP, [middle]).fetchone()
        assert row is not None, "the first batch is at most the middle"
        batch, now_at, receive_clock_us = row
        if from_datetime(now_at) <= at:
            clock_us, first = receive_clock_us, middle + 1
        else:
            last = batch - 1
    return int(clock_us)
