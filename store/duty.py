"""Who goes to the doors of a grid, when they are on duty, and how much is theirs already.

Part of the transactions that write alerts. Loads are read without locks: two who raise alerts at
once may give both to the same doctor, and the next goes to another.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import dict_row

from alerts.alert import Response
from alerts.duty import DAYS, Member, Shift, Span, Weekly
from alerts.escalation import Figures, Route, Team
from alerts.lifecycle import Step
from alerts.staff import Role
from domain.instant import parse_rfc3339
from domain.people import DEFAULT_TIMEZONE
from store.alertrows import Place

_TEAMS: Final = (
    "SELECT g.grid_no, s.id, s.role, s.shifts,"
    " (SELECT count(*) FROM alert a WHERE a.assignee = s.id AND a.response <> 'closed') AS load"
    " FROM grid g JOIN staff s ON s.role IN ('doctor', 'supervisor') AND (EXISTS"
    " (SELECT FROM staff_grid o WHERE (o.staff_no, o.grid_no) = (s.staff_no, g.grid_no)) OR EXISTS"
    " (SELECT FROM staff_community o"
    " WHERE (o.staff_no, o.community_no) = (s.staff_no, g.community_no)))"
    " WHERE g.grid_no = ANY(%s) ORDER BY g.grid_no, s.id"
)


_ZONE: Final = (
    "SELECT c.timezone FROM staff s"
    " LEFT JOIN staff_grid o USING (staff_no) LEFT JOIN grid g USING (grid_no)"
    " LEFT JOIN staff_community p ON p.staff_no = s.staff_no"
    " LEFT JOIN community c ON c.community_no = coalesce(g.community_no, p.community_no)"
    " WHERE s.id = %s ORDER BY g.id, c.id LIMIT 1"
)


class Duty:
    """The teams of some grids, and their loads while one transaction gives them alerts."""

    def __init__(
        self, connection: psycopg.Connection, grid_nos: Iterable[int], figures: Figures
    ) -> None:
        self._figures = figures
        self._members: dict[int, list[Member]] = {}
        self._loads: dict[str, int] = {}
        asked = sorted(dict.fromkeys(grid_nos))
        if not asked:
            return
        with connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(_TEAMS, [asked])
            for row in cursor.fetchall():
                member = Member(row["id"], Role(row["role"]), shifts_of(row["shifts"]))
                self._members.setdefault(row["grid_no"], []).append(member)
                self._loads[member.id] = row["load"]

    def route(self, place: Place) -> Route:
        """The way of an alert that stands there."""
        members = tuple(self._members.get(place.grid_no, ()))
        team = Team(members, place.escalate_to, place.surroundings.timezone)
        return Route(team, self._figures, self._loads)

    def counted(self, steps: Sequence[Step]) -> None:
        """Takes into account whose alerts these steps made or unmade."""
        for step in steps:
            for alert, change in ((step.before, -1), (step.after, 1)):
                if alert is not None and alert.response is not Response.CLOSED and alert.assignee:
                    self._loads[alert.assignee] = self._loads.get(alert.assignee, 0) + change


def zone_of(connection: psycopg.Connection, staff_id: str) -> ZoneInfo | None:
    """The time zone a member's clocks show: of their first grid; None for a stranger."""
    row = connection.execute(_ZONE, [staff_id]).fetchone()
    return None if row is None else ZoneInfo(row[0] or DEFAULT_TIMEZONE)


def shifts_of(stored: Sequence[Mapping[str, Any]]) -> tuple[Shift, ...]:
    """Shifts as the roster's import left them: `store.roster_document`."""
    return tuple(_shift(each) for each in stored)


def _shift(stored: Mapping[str, Any]) -> Shift:
    if "days" in stored:
        days = tuple(DAYS.index(day) for day in stored["days"])
        return Weekly(days, minute_of(stored["from"]), minute_of(stored["to"]))
    return Span(parse_rfc3339(stored["from"]), parse_rfc3339(stored["to"]))


def minute_of(clock: str) -> int:
    """`08:30` of the roster as minutes of a day."""
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)
