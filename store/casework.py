"""People's side of alerts: one transaction in which an alert is locked, moved and logged.

A caller who says which version they saw is refused when somebody was faster; else the transition
table decides. A caller who names their intention (`Once`) may send it again: it is done once, and
the answer is the same.
"""

from typing import Any, Final

import psycopg
from psycopg.types.json import Json

from alerts.alert import Alert
from alerts.casework import (
    Answer,
    Deed,
    Done,
    KeyReused,
    NoSuchMember,
    NotDone,
    NotThere,
    Once,
)
from alerts.escalation import DEFAULT, Figures
from alerts.lifecycle import Happened, Kind, Refused, Step, moved
from alerts.paging import pages
from alerts.staff import Staff
from alerts.undoing import LastDeed, undone
from domain.instant import HOUR_US, format_rfc3339, from_datetime, to_datetime
from store import alertlog, findings
from store.alertrows import Place, Stored, fetch, write_alerts, write_events
from store.duty import Duty
from store.pool import as_the_service

KEYS_KEPT_US: Final = 24 * HOUR_US
"""How long an intention is remembered."""

_DONE, _NOT_DONE = 200, 409

_CLAIM: Final = (
    "INSERT INTO idempotency_key (staff_no, key, request_sha256, status, body, created_at)"
    " VALUES (%s, %s, %s, 0, '{}', %s) ON CONFLICT DO NOTHING RETURNING true"
)
_CLAIMED: Final = (
    "SELECT request_sha256, status, body FROM idempotency_key WHERE staff_no = %s AND key = %s"
)
_SETTLE: Final = (
    "UPDATE idempotency_key SET status = %s, body = %s WHERE staff_no = %s AND key = %s"
)
_RELEASE: Final = "DELETE FROM idempotency_key WHERE staff_no = %s AND key = %s"
_FORGET: Final = "DELETE FROM idempotency_key WHERE staff_no = %s AND created_at < %s"
_OVERTAKING: Final = (
    "SELECT kind, actor, at FROM alert_event WHERE alert_id = %s"
    " AND coalesce((before ->> 'version')::int, 0) >= %s"
    " AND (after ->> 'version')::int > coalesce((before ->> 'version')::int, 0)"
    " ORDER BY event_id LIMIT 1"
)
_LAST_MOVE: Final = (
    "SELECT kind, actor, at FROM alert_event WHERE alert_id = %s"
    " AND before ->> 'response' IS DISTINCT FROM after ->> 'response'"
    " ORDER BY event_id DESC LIMIT 1"
)
_LAST_DEED: Final = (
    "SELECT kind, actor, at, before FROM alert_event"
    " WHERE alert_id = %s AND actor IS NOT NULL AND kind <> 'noted'"
    " ORDER BY event_id DESC LIMIT 1"
)
_SUCCESSOR: Final = (
    "SELECT id FROM alert WHERE episode_no = %s AND rule = %s AND previous = %s LIMIT 1"
)
_CARES: Final = (
    "SELECT true FROM staff s JOIN grid g ON g.grid_no = %s"
    " WHERE s.id = %s AND s.role IN ('doctor', 'supervisor') AND (EXISTS"
    " (SELECT FROM staff_grid o WHERE (o.staff_no, o.grid_no) = (s.staff_no, g.grid_no)) OR EXISTS"
    " (SELECT FROM staff_community o"
    " WHERE (o.staff_no, o.community_no) = (s.staff_no, g.community_no)))"
)
_PAST: Final = {
    Kind.ACKNOWLEDGED: "has acknowledged it",
    Kind.VISITED: "is at the door",
    Kind.OUTCOME: "has recorded an outcome",
    Kind.ASSIGNED: "has given it to somebody",
    Kind.UNDONE: "has taken back what they did",
    Kind.ESCALATED: "has passed it on",
    Kind.RAISED: "raised it",
    Kind.WORSENED: "found it worse",
    Kind.CLEARED: "found that it has passed",
    Kind.RETURNED: "found that it is back",
    Kind.UNSUPPORTED: "found that the data no longer supports it",
    Kind.ENDED: "ended it",
}


def act(
    connection: psycopg.Connection,
    alert_id: str,
    deed: Deed,
    staff: Staff,
    now: int,
    figures: Figures = DEFAULT,
) -> Answer:
    """Does what a member of staff says, or says why not. One transaction of its own."""
    with connection.transaction(), connection.cursor() as cursor:
        if deed.once is None:
            return _act(cursor, alert_id, deed, (staff, now), figures)
        earlier = _claim(cursor, staff, deed.once, now)
        if earlier is not None:
            return earlier
        answer = _act(cursor, alert_id, deed, (staff, now), figures)
        _settle(cursor, staff, deed.once, answer)
        return answer


def _claim(cursor: psycopg.Cursor, staff: Staff, once: Once, now: int) -> Answer | None:
    """The answer given before; None when this is the first time. Waits for one under way."""
    cursor.execute(_FORGET, [staff.no, to_datetime(now - KEYS_KEPT_US)])
    cursor.execute(_CLAIM, [staff.no, once.key, once.request_sha256, to_datetime(now)])
    if cursor.fetchone() is not None:
        return None
    cursor.execute(_CLAIMED, [staff.no, once.key])
    row = cursor.fetchone()
    assert row is not None
    request_sha256, status, body = row
    if request_sha256 != once.request_sha256:
        return KeyReused()
    return Done(body, again=True) if status == _DONE else NotDone(**body)


def _settle(cursor: psycopg.Cursor, staff: Staff, once: Once, answer: Answer) -> None:
    match answer:
        case Done():
            status, body = _DONE, dict(answer.alert)
        case NotDone():
            status, body = _NOT_DONE, _fields(answer)
        case _:
            cursor.execute(_RELEASE, [staff.no, once.key])
            return
    cursor.execute(_SETTLE, [status, Json(body), staff.no, once.key])


def _act(
    cursor: psycopg.Cursor,
    alert_id: str,
    deed: Deed,
    by: tuple[Staff, int],
    figures: Figures,
) -> Answer:
    (staff, now), connection = by, cursor.connection
    found = fetch(
        connection,
        "WHERE a.id = %s AND a.grid_no = ANY(%s) FOR UPDATE OF a",
        [alert_id, list(staff.grids.values())],
    )
    if not found:
        return NotThere()
    stored = found[0]
    if deed.seen_version is not None and deed.seen_version != stored.alert.version:
        return _not_done(cursor, stored, deed.seen_version, "")
    alert = stored.refreshed(findings.of_alerts(connection, [alert_id]).get(alert_id, ()))
    event = _event(cursor, alert, stored.place, deed, (staff.id, now))
    if isinstance(event, NoSuchMember):
        return event
    if isinstance(event, Refused):
        return _not_done(cursor, stored, None, event.reason)
    with as_the_service(connection):
        duty = Duty(connection, [stored.place.grid_no], figures)
    steps = moved(alert, event, duty.route(stored.place))
    if isinstance(steps, Refused):
        return _not_done(cursor, stored, None, steps.reason)
    last = _write(cursor, [(step, stored.place) for step in steps], now, figures)
    return Done(Stored(last, stored.place).document(()) | {"notify": pages(last, now)})


def _event(
    cursor: psycopg.Cursor, alert: Alert, place: Place, deed: Deed, by: tuple[str, int]
) -> Happened | Refused | NoSuchMember:
    """What the deed is to the lifecycle; `by` is who does it, and when."""
    actor, now = by
    if deed.kind is Kind.UNDONE:
        last, successor = _last_deed(cursor, alert), _successor(cursor, alert)
        return undone(alert, last, successor, actor, now)
    assignee = None
    if deed.kind is Kind.ASSIGNED:
        assignee = deed.assignee or actor
        cursor.execute(_CARES, [place.grid_no, assignee])
        if cursor.fetchone() is None:
            return NoSuchMember()
    return Happened(
        deed.kind,
        now,
        actor,
        deed.note,
        outcome=deed.outcome,
        assignee=assignee,
        detail=deed.detail,
    )


def _last_deed(cursor: psycopg.Cursor, alert: Alert) -> LastDeed | None:
    cursor.execute(_LAST_DEED, [alert.id])
    row: Any = cursor.fetchone()
    if row is None:
        return None
    kind, actor, at, before = row
    return LastDeed(Kind(kind), actor, from_datetime(at), before)


def _successor(cursor: psycopg.Cursor, alert: Alert) -> str | None:
    cursor.execute(_SUCCESSOR, [alert.episode_no, alert.rule.value, alert.id])
    row: Any = cursor.fetchone()
    return None if row is None else str(row[0])


def _write(
    cursor: psycopg.Cursor, steps: list[tuple[Step, Place]], now: int, figures: Figures
) -> Alert:
    """Writes and logs the steps, and what follows for a case that was closed; the alert then."""
    write_alerts(cursor, steps)
    step, _ = steps[-1]
    if step.event.kind is Kind.UNDONE:
        # While it was closed the data did not move it.
        key = step.after.episode_no, step.after.rule
        with as_the_service(cursor.connection):
            steps += alertlog.settle(cursor, key, now, _raises_nothing, figures)
    write_events(cursor, steps)
    return steps[-1][0].after


def _raises_nothing() -> str:
    raise AssertionError("the alert that was brought back stands")


def _not_done(
    cursor: psycopg.Cursor, stored: Stored, seen_version: int | None, reason: str
) -> NotDone:
    """Says who acted first, and when."""
    alert = stored.alert
    if seen_version is None:
        cursor.execute(_LAST_MOVE, [alert.id])
    else:
        cursor.execute(_OVERTAKING, [alert.id, seen_version])
    row: Any = cursor.fetchone()
    kind, actor, at = row if row is not None else (Kind.RAISED, None, to_datetime(alert.raised_at))
    when = format_rfc3339(from_datetime(at))
    who = actor or "the service"
    return NotDone(
        reason=reason or f"{who} {_PAST.get(Kind(kind), 'has changed it')}, {when}",
        by=actor,
        at=when,
        version=alert.version,
        overtaken=seen_version is not None,
    )


def _fields(answer: NotDone) -> dict[str, Any]:
    return {
        "reason": answer.reason,
        "by": answer.by,
        "at": answer.at,
        "version": answer.version,
        "overtaken": answer.overtaken,
    }
