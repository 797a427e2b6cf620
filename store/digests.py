"""The rounds at which staff are told of what calls nobody: who is due, and what there is to tell.

Implements the port of `alerts.feeds.digest`. A member has at most one round that waits. Names are
read here to be made initials of, and go no further.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import DictRow, dict_row

from alerts.delivery import KEPT_US, OVERDUE_US
from alerts.digest import Material, Quiet, Round, State, Wish, due
from alerts.notification import initials
from alerts.paging import HORIZON_US
from domain.instant import SECOND_US, from_datetime, to_datetime
from domain.people import DEFAULT_TIMEZONE
from rules.finding import Severity
from store.duty import minute_of, shifts_of
from store.pool import Pool

AT_ONCE: Final = 50
"""Rounds that are tried in one go."""
MOST: Final = 1_000
"""Alerts that one message counts."""

_WISHING: Final[LiteralString] = (
    "staff s JOIN subscriber f ON f.id = 'notify:' || s.id AND s.digest <> '{}'"
)
"""Who wants to be told and can be: `f` is their feed (`store.notified`), with their grids."""
_WISHES: Final = (
    "SELECT s.staff_no, s.id, s.digest, s.shifts,"
    " (SELECT c.timezone FROM grid g JOIN community c USING (community_no)"
    "   WHERE g.grid_no = ANY(f.grid_nos) ORDER BY g.id LIMIT 1) AS zone,"
    " (SELECT max(d.due_at) FROM digest d WHERE d.staff_no = s.staff_no) AS last_at"
    f" FROM {_WISHING} ORDER BY s.staff_no"
)
_BEGIN: Final = (
    "INSERT INTO digest (staff_no, due_at, state, next_try_at) VALUES (%s, %s, %s, %s)"
    " ON CONFLICT DO NOTHING"
)
_SUPERSEDE: Final = "UPDATE digest SET state = 'missed' WHERE staff_no = %s AND state = 'waiting'"
_UNWANTED: Final = (
    "UPDATE digest SET state = 'missed' WHERE state = 'waiting'"
    f" AND staff_no NOT IN (SELECT s.staff_no FROM {_WISHING})"
)
_WAITING: Final = (
    "SELECT s.id, d.due_at, d.next_try_at, d.attempts, d.first_tried_at, d.status"
    f" FROM digest d JOIN ({_WISHES}) s USING (staff_no)"
    " WHERE d.state = 'waiting' AND d.next_try_at <= %s"
    " ORDER BY d.next_try_at, d.staff_no LIMIT %s"
)
_MEMBER: Final = (
    "SELECT s.staff_no, s.contacts, s.languages, s.digest, s.shifts, f.grid_nos, w.zone,"
    " (SELECT coalesce(max(d.up_to_event), 0) FROM digest d"
    "   WHERE d.staff_no = s.staff_no AND d.state = 'told') AS told_to,"
    " (SELECT last_event_id FROM event_counter) AS last_event"
    f" FROM {_WISHING} JOIN ({_WISHES}) w ON w.staff_no = s.staff_no WHERE s.id = %s"
)
_QUIET: Final = (
    "SELECT p.id AS person, p.name, g.id AS grid, e.building, a.severity,"
    " (SELECT min(v.event_id) FROM alert_event v WHERE v.alert_id = a.id) > %(told_to)s AS fresh"
    " FROM alert a JOIN episode e USING (episode_no) JOIN person p USING (person_no)"
    " JOIN grid g ON g.grid_no = a.grid_no"
    " WHERE a.grid_no = ANY(%(grids)s) AND a.response <> 'closed'"
    # `alerts.escalation.urgency`; a test holds the one against the other.
    " AND (a.severity = 'routine' OR a.rule = 'watch' OR a.raised_at - a.last_at"
    "  >= CASE a.severity WHEN 'critical' THEN %(critical_s)s ELSE %(urgent_s)s END"
    "     * interval '1 second')"
    " ORDER BY fresh DESC, a.raised_at, a.id LIMIT %(most)s"
)
_RECORD: Final = (
    "UPDATE digest d SET state = %(state)s, up_to_event = %(up_to)s, next_try_at = %(next)s,"
    " attempts = %(attempts)s, first_tried_at = %(first)s, status = %(status)s FROM staff s"
    " WHERE s.id = %(staff)s AND d.staff_no = s.staff_no AND d.due_at = %(due)s"
    " AND d.state = 'waiting'"
)
_TROUBLED: Final[LiteralString] = (
    "digest d JOIN staff s USING (staff_no) JOIN subscriber f ON f.id = 'notify:' || s.id"
    " WHERE d.state = 'waiting' AND d.first_tried_at <= %(overdue)s"
)
_SIGNALS_BEGIN: Final = (
    "INSERT INTO signal (kind, began_at, detail, subject, grid_nos)"
    " SELECT 'undeliverable', %(said_at)s, 'the message of the round does not reach ' || s.id,"
    f" 'digest:' || s.id, f.grid_nos FROM {_TROUBLED}"
    " ON CONFLICT (kind, subject) WHERE ended_at IS NULL DO NOTHING"
)
_SIGNALS_END: Final = (
    "UPDATE signal SET ended_at = %(said_at)s WHERE kind = 'undeliverable' AND ended_at IS NULL"
    f" AND subject LIKE 'digest:%%' AND subject NOT IN (SELECT 'digest:' || s.id FROM {_TROUBLED})"
)
_FORGET: Final = (
    "DELETE FROM digest WHERE (staff_no, due_at) IN (SELECT d.staff_no, d.due_at FROM digest d"
    " WHERE d.due_at < %(kept)s AND EXISTS (SELECT FROM digest l WHERE l.staff_no = d.staff_no"
    "  AND l.due_at > d.due_at AND (l.state = 'told' OR d.state <> 'told')) LIMIT 1000)"
)


class Rounds:
    """Threads may share it. One process at a time looks."""

    def __init__(self, pool: Pool, service_now: Callable[[], int]) -> None:
        self._pool = pool
        self._service_now = service_now

    def due(self, now: int) -> list[Round]:
        """Begins what is due by the service's clock; the rounds that are to be tried at `now`."""
        service_now = self._service_now()
        with self._pool.of_service() as connection, connection.transaction():
            cursor = connection.cursor(row_factory=dict_row)
            for row in cursor.execute(_WISHES).fetchall():
                _begin(cursor, row, service_now, now)
            cursor.execute(_UNWANTED)
            self._tidy(cursor, service_now, now)
            cursor.execute(_WAITING, [to_datetime(now), AT_ONCE])
            return [_round(row) for row in cursor.fetchall()]

    def material(self, staff: str) -> Material | None:
        """What there is to tell somebody; None if they want nothing any more."""
        with self._pool.of_service() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            member = cursor.execute(_MEMBER, [staff]).fetchone()
            if member is None:
                return None
            # The last event was read before: what is raised in between is told twice, not never.
            cursor.execute(
                _QUIET,
                {
                    "told_to": member["told_to"],
                    "grids": member["grid_nos"],
                    "critical_s": HORIZON_US[Severity.CRITICAL] // SECOND_US,
                    "urgent_s": HORIZON_US[Severity.URGENT] // SECOND_US,
                    "most": MOST,
                },
            )
            quiet = tuple(_quiet(row) for row in cursor.fetchall())
        return Material(
            contacts=tuple(member["contacts"]),
            languages=tuple(member["languages"]),
            wish=_wish(member),
            quiet=quiet,
            up_to_event=member["last_event"],
        )

    def record(self, after: Round, up_to_event: int) -> None:
        """What came of a try."""
        with self._pool.of_service() as connection:
            connection.execute(
                _RECORD,
                {
                    "staff": after.staff,
                    "due": to_datetime(after.due_at),
                    "state": after.state.value,
                    "up_to": up_to_event if after.state is State.TOLD else 0,
                    "next": to_datetime(after.next_try_at),
                    "attempts": after.attempts,
                    "first": _moment(after.first_tried_at),
                    "status": after.status,
                },
            )

    def _tidy(self, cursor: psycopg.Cursor[DictRow], service_now: int, now: int) -> None:
        """Signals follow from the rows; old rows go, but for what tells what is new."""
        overdue, said_at = to_datetime(now - OVERDUE_US), to_datetime(service_now)
        cursor.execute(_SIGNALS_END, {"said_at": said_at, "overdue": overdue})
        cursor.execute(_SIGNALS_BEGIN, {"said_at": said_at, "overdue": overdue})
        cursor.execute(_FORGET, {"kept": to_datetime(service_now - KEPT_US)})


def _begin(
    cursor: psycopg.Cursor[DictRow], row: Mapping[str, Any], service_now: int, now: int
) -> None:
    """A round that is due replaces one that still waits. Who is new to it begins with the next."""
    number, moment = row["staff_no"], to_datetime(now)
    if row["last_at"] is None:
        cursor.execute(_BEGIN, [number, to_datetime(service_now), State.NOTHING.value, moment])
        return
    at = due(_wish(row), from_datetime(row["last_at"]), service_now)
    if at is not None:
        cursor.execute(_SUPERSEDE, [number])
        cursor.execute(_BEGIN, [number, to_datetime(at), State.WAITING.value, moment])


def _wish(row: Mapping[str, Any]) -> Wish:
    zone = row["zone"] or DEFAULT_TIMEZONE
    return Wish(tuple(minute_of(each) for each in row["digest"]), zone, shifts_of(row["shifts"]))


def _round(row: Mapping[str, Any]) -> Round:
    first = row["first_tried_at"]
    return Round(
        staff=row["id"],
        due_at=from_datetime(row["due_at"]),
        next_try_at=from_datetime(row["next_try_at"]),
        attempts=row["attempts"],
        first_tried_at=None if first is None else from_datetime(first),
        status=row["status"],
    )


def _quiet(row: Mapping[str, Any]) -> Quiet:
    return Quiet(
        person=row["person"],
        initials=initials(row["name"]),
        grid=row["grid"],
        building=row["building"],
        severity=Severity[row["severity"].upper()],
        new=row["fresh"],
    )


def _moment(instant: int | None) -> Any:
    return None if instant is None else to_datetime(instant)
