"""Rows of `alert` and `alert_event`: read as `Stored`, written as steps of the lifecycle.

Shared by the two that write alerts: the ledger (`store.alertlog`) and people (`store.casework`).
Refuses to decide anything; that is `alerts.triage` and `alerts.lifecycle`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from alerts.alert import Alert, Condition, Outcome, Response
from alerts.document import document
from alerts.escalation import told
from alerts.evidence import Surroundings, facts
from alerts.lifecycle import Happened, Kind, Step
from alerts.paging import pages
from domain.instant import from_datetime, to_datetime
from rules.finding import Rule, Severity
from store.findings import Standing

_AS_IT_MOVED: Final = ("partial_news2", "device_fault", "group")
"""Of the evidence: what stays as it was when the alert was raised or moved last."""

CHANNEL: Final = "doorstep_alert_event"
"""What `NOTIFY` wakes the feeds with; a hint, never the only way they hear of events."""

SELECT: Final[LiteralString] = (
    "SELECT a.*, e.id AS episode, e.building, e.home, p.id AS person, g.id AS grid,"
    " g.escalate_to, c.timezone, p.birth_year, p.flags, d.id AS device"
    " FROM alert a JOIN episode e USING (episode_no) JOIN person p USING (person_no)"
    " JOIN grid g ON g.grid_no = a.grid_no JOIN community c USING (community_no)"
    " JOIN device d ON d.device_no = a.device_no "
)


@dataclass(frozen=True, slots=True)
class Place:
    """The episode behind an alert: what has to be known to write and to speak of it."""

    grid_no: int
    escalate_to: str | None
    surroundings: Surroundings
    """Without devices; `among` adds those of the findings."""

    def among(self, standing: Iterable[Standing]) -> Surroundings:
        """The surroundings, with the devices of these findings."""
        devices = {each.held.finding.key.device_no: each.worn for each in standing}
        return replace(self.surroundings, devices=devices)


@dataclass(frozen=True, slots=True)
class Stored:
    """An alert as the database has it, and its place."""

    alert: Alert
    place: Place

    def refreshed(self, standing: Sequence[Standing]) -> Alert:
        """The alert with what its findings say by now; a closed one stays as it was closed."""
        alert = self.alert
        if alert.response is Response.CLOSED or not standing:
            return alert
        said = facts([each.held for each in standing], self.place.among(standing))
        kept = {name: alert.evidence[name] for name in _AS_IT_MOVED if name in alert.evidence}
        evidence = dict(said.evidence) | kept
        return replace(alert, last_at=said.last_at, summary=said.summary, evidence=evidence)

    def document(self, standing: Sequence[Standing]) -> dict[str, Any]:
        """As outsiders see it, now."""
        return document(self.refreshed(standing), self.place.surroundings)


def fetch(
    connection: psycopg.Connection, tail: LiteralString, arguments: Sequence[Any]
) -> list[Stored]:
    """The alerts that `SELECT` with this tail finds."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(SELECT + tail, arguments)
        return [stored(row) for row in cursor.fetchall()]


def stored(row: Mapping[str, Any]) -> Stored:
    """What one row of `SELECT` says."""
    alert = Alert(
        id=row["id"],
        episode_no=row["episode_no"],
        episode=row["episode"],
        person=row["person"],
        grid=row["grid"],
        device=row["device"],
        rule=Rule(row["rule"]),
        severity=Severity[row["severity"].upper()],
        condition=Condition(row["condition"]),
        response=Response(row["response"]),
        outcome=None if row["outcome"] is None else Outcome(row["outcome"]),
        raised_at=from_datetime(row["raised_at"]),
        onset_at=from_datetime(row["onset_at"]),
        cleared_at=_instant(row["cleared_at"]),
        last_at=from_datetime(row["last_at"]),
        late=row["late"],
        summary=row["summary"],
        evidence=row["evidence"],
        assignee=row["assignee"],
        deadline_at=_instant(row["deadline_at"]),
        told=tuple(row["told"]),
        previous=row["previous"],
        closed_at=_instant(row["closed_at"]),
        closed_severity=(
            None if row["closed_severity"] is None else Severity[row["closed_severity"].upper()]
        ),
        version=row["version"],
    )
    return Stored(alert, place(row))


def place(row: Mapping[str, Any]) -> Place:
    """The place that a row with the columns of `SELECT` names."""
    home = row["home"]
    surroundings = Surroundings(
        episode=row["episode"],
        person=row["person"],
        grid=row["grid"],
        building=row["building"],
        timezone=row["timezone"],
        fence_m=None if home is None else home.get("radius_m"),
        devices={},
        birth_year=row["birth_year"],
        flags=tuple(row["flags"]),
    )
    return Place(row["grid_no"], row["escalate_to"], surroundings)


_INSERT: Final = (
    "INSERT INTO alert (id, episode_no, grid_no, device_no, rule, severity, condition, response,"
    " outcome, raised_at, onset_at, cleared_at, last_at, late, summary, evidence, assignee,"
    " deadline_at, told, previous, closed_at, closed_severity, version)"
    " VALUES (%(id)s, %(episode_no)s, %(grid_no)s,"
    " (SELECT device_no FROM device WHERE id = %(device)s), %(rule)s, %(severity)s, %(condition)s,"
    " %(response)s, %(outcome)s, %(raised_at)s, %(onset_at)s, %(cleared_at)s, %(last_at)s,"
    " %(late)s, %(summary)s, %(evidence)s, %(assignee)s, %(deadline_at)s, %(told)s, %(previous)s,"
    " %(closed_at)s, %(closed_severity)s, %(version)s)"
)
_UPDATE: Final = (
    "UPDATE alert SET severity = %(severity)s, condition = %(condition)s, response = %(response)s,"
    " outcome = %(outcome)s, onset_at = %(onset_at)s, cleared_at = %(cleared_at)s,"
    " last_at = %(last_at)s, summary = %(summary)s, evidence = %(evidence)s,"
    " assignee = %(assignee)s, deadline_at = %(deadline_at)s, told = %(told)s,"
    " closed_at = %(closed_at)s, closed_severity = %(closed_severity)s,"
    " version = %(version)s WHERE id = %(id)s"
)
_COUNT: Final = (
    "UPDATE event_counter SET last_event_id = last_event_id + %s RETURNING last_event_id"
)
_LOG: Final = (
    "INSERT INTO alert_event"
    " (event_id, alert_id, grid_no, type, kind, at, actor, note, detail, before, after)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


def write_alerts(cursor: psycopg.Cursor, steps: Sequence[tuple[Step, Place]]) -> None:
    """Writes each alert as the last of its steps leaves it."""
    last: dict[str, tuple[Alert, Place]] = {}
    raised: dict[str, bool] = {}
    for step, where in steps:
        raised.setdefault(step.after.id, step.before is None)
        last[step.after.id] = (step.after, where)
    inserts = [_columns(*last[alert_id]) for alert_id, new in raised.items() if new]
    updates = [_columns(*last[alert_id]) for alert_id, new in raised.items() if not new]
    if updates:
        cursor.executemany(_UPDATE, updates)
    if inserts:
        cursor.executemany(_INSERT, inserts)


def write_events(cursor: psycopg.Cursor, steps: Sequence[tuple[Step, Place]]) -> None:
    """Logs the steps. Locks the counter: call it last in the transaction, and nothing after it."""
    if not steps:
        return
    first_id = next_ids(cursor, len(steps))
    cursor.executemany(
        _LOG,
        [_event(first_id + index, step, where) for index, (step, where) in enumerate(steps)],
    )
    cursor.execute(f"NOTIFY {CHANNEL}")


def next_ids(cursor: psycopg.Cursor, number: int) -> int:
    """The first of so many ids of the log. Locks the counter until the transaction ends."""
    cursor.execute(_COUNT, [number])
    row = cursor.fetchone()
    assert row is not None
    return int(row[0]) - number + 1


def _event(event_id: int, step: Step, where: Place) -> tuple[Any, ...]:
    event, around = step.event, where.surroundings
    whom = told(step)
    note = event.note
    if event.kind is Kind.ESCALATED:
        note = f"to {', '.join(whom)}" if whom else "nobody is left to tell"
    return (
        event_id,
        step.after.id,
        where.grid_no,
        step.type.value,
        event.kind.value,
        to_datetime(event.at),
        event.actor,
        note,
        Jsonb(_detail(event, whom)),
        None if step.before is None else _said(step.before, around, event.at),
        _said(step.after, around, event.at),
    )


def _said(alert: Alert, where: Surroundings, at: int) -> Jsonb:
    return Jsonb(document(alert, where) | {"notify": pages(alert, at)})


def _detail(event: Happened, whom: Sequence[str]) -> dict[str, Any]:
    detail = dict(event.detail)
    if whom:
        detail["told"] = list(whom)
    if event.why is not None:
        detail["why"] = event.why.value
    return detail


def _columns(alert: Alert, where: Place) -> dict[str, Any]:
    return {
        "id": alert.id,
        "episode_no": alert.episode_no,
        "grid_no": where.grid_no,
        "device": alert.device,
        "rule": alert.rule.value,
        "severity": alert.severity.word,
        "condition": alert.condition.value,
        "response": alert.response.value,
        "outcome": None if alert.outcome is None else alert.outcome.value,
        "raised_at": to_datetime(alert.raised_at),
        "onset_at": to_datetime(alert.onset_at),
        "cleared_at": _moment(alert.cleared_at),
        "last_at": to_datetime(alert.last_at),
        "late": alert.late,
        "summary": alert.summary,
        "evidence": Jsonb(dict(alert.evidence)),
        "assignee": alert.assignee,
        "deadline_at": _moment(alert.deadline_at),
        "told": list(alert.told),
        "previous": alert.previous,
        "closed_at": _moment(alert.closed_at),
        "closed_severity": None if alert.closed_severity is None else alert.closed_severity.word,
        "version": alert.version,
    }


def _instant(moment: Any) -> int | None:
    return None if moment is None else from_datetime(moment)


def _moment(instant: int | None) -> Any:
    return None if instant is None else to_datetime(instant)
