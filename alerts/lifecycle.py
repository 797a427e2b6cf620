"""How a case moves: the functions that apply the table of `alerts.transitions`.

Rules of this file: pure; every instant comes in with what happened; an alert is never changed, a
new one is returned. Whether something happened is decided elsewhere (by `alerts.triage` from the
data, by people at the door); here is only what it does to the alert, and what is refused.

Theory of operation. An alert stands on two axes. `condition` (is it still so?) belongs to the data,
`response` (what have people done?) to people, and neither follows from the other: a fever that goes
down stays on the list until somebody looked, and a case that somebody closed may still be so. Every
move is a row of `TRANSITIONS`; what no row allows is `Refused`, for the page as for the service
itself. Some moves bring another with them (`_then`): a routine case that clears ends by itself, and
an outcome after which somebody has to go again is escalated. `moved` returns them in order, each
with the alert before and after, ready for the log. The refusals of the API, the diagram in the
documentation and the tests are made from the same table.

An undo is a move like the others, and an event of its own: the log is never shortened. It brings
back what people had done (`Before`); what the data has said since stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from alerts.alert import NOT_CLOSING, Alert, Condition, Outcome, Response
from alerts.transitions import (
    BOTH,
    NOT_CLOSED,
    TRANSITIONS,
    By,
    Guard,
    Kind,
    Transition,
    Type,
    Why,
)
from rules.finding import Severity

__all__ = [
    "BOTH",
    "NOBODY",
    "NOT_CLOSED",
    "TRANSITIONS",
    "Before",
    "By",
    "Facts",
    "Guard",
    "Happened",
    "Kind",
    "Refused",
    "Routing",
    "Step",
    "Transition",
    "Type",
    "Why",
    "apply",
    "closes",
    "moved",
]

_WAS: Final = {
    Guard.WAS_OPEN: Response.OPEN,
    Guard.WAS_ACKNOWLEDGED: Response.ACKNOWLEDGED,
    Guard.WAS_VISITING: Response.VISITING,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the data says of a case now."""

    severity: Severity
    onset_at: int
    last_at: int
    summary: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Before:
    """How people had left a case before the deed that is undone."""

    response: Response
    outcome: Outcome | None
    assignee: str | None
    deadline_at: int | None
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happened to an alert."""

    kind: Kind
    at: int
    """When it was recorded, on the service's clock."""
    actor: str | None = None
    """A staff id; None the service."""
    note: str = ""
    facts: Facts | None = None
    cleared_at: int | None = None
    """In event time; with `CLEARED`, `UNSUPPORTED`, and `REVISED` of what had cleared."""
    outcome: Outcome | None = None
    assignee: str | None = None
    """Whose it is from now on, with `ASSIGNED`."""
    why: Why | None = None
    """With `ESCALATED`."""
    undone: Before | None = None
    """What is brought back, with `UNDONE`."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """JSON values for the log alone: what was measured at the door."""
    born: Alert | None = None
    """The alert itself, with `RAISED`."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The table does not allow it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of the log: the alert before and after. `before` is None when it was raised."""

    before: Alert | None
    after: Alert
    event: Happened

    @property
    def type(self) -> Type:
        """How feeds announce it."""
        if self.before is None:
            return Type.NEW
        closes = self.after.response is Response.CLOSED is not self.before.response
        return Type.END if closes else Type.UPDATE


class Routing(Protocol):
    """Who is asked to see to a case: `alerts.escalation.Route`."""

    def routed(self, before: Alert | None, after: Alert, event: Happened) -> Alert:
        """The alert after an event, with `assignee`, `told` and `deadline_at` as they are now."""
        ...


class _Nobody:
    def routed(self, before: Alert | None, after: Alert, event: Happened) -> Alert:
        del before, event
        return after


NOBODY: Final[Routing] = _Nobody()
"""For dry runs: nobody is asked."""


def apply(alert: Alert | None, event: Happened, routing: Routing = NOBODY) -> Alert | Refused:
    """The alert after one event. `version` rises by one exactly when outsiders must look again."""
    row = _row(alert, event)
    if row is None:
        return Refused(_reason(alert, event))
    if alert is None:
        assert event.born is not None
        return routing.routed(None, event.born, event)
    after = routing.routed(alert, _told(_moved_along(alert, row, event), event), event)
    return replace(after, version=alert.version + 1) if _differs(alert, after) else after


def moved(
    alert: Alert | None, event: Happened, routing: Routing = NOBODY
) -> tuple[Step, ...] | Refused:
    """The event and what it brings with it, in order."""
    after = apply(alert, event, routing)
    if isinstance(after, Refused):
        return after
    steps = (Step(alert, after, event),)
    following = _then(after, event)
    if following is None:
        return steps
    last = apply(after, following, routing)
    return steps if isinstance(last, Refused) else (*steps, Step(after, last, following))


def closes(outcome: Outcome) -> bool:
    """Whether a case is over with this outcome; else somebody has to go again."""
    return outcome not in NOT_CLOSING


def _row(alert: Alert | None, event: Happened) -> Transition | None:
    for row in TRANSITIONS:
        if row.kind is not event.kind:
            continue
        if alert is None:
            stands = not row.responses
        else:
            stands = alert.response in row.responses and alert.condition in row.conditions
        if stands and _holds(row.guard, alert, event):
            return row
    return None


def _holds(guard: Guard, alert: Alert | None, event: Happened) -> bool:
    match guard:
        case Guard.NONE:
            return True
        case Guard.CLOSES:
            return event.outcome is not None and closes(event.outcome)
        case Guard.GO_AGAIN:
            return event.outcome is not None and not closes(event.outcome)
        case Guard.ROUTINE:
            assert alert is not None
            return alert.severity is Severity.ROUTINE and alert.outcome is None
        case _:
            return event.undone is not None and event.undone.response is _WAS[guard]


def _moved_along(alert: Alert, row: Transition, event: Happened) -> Alert:
    """The two axes, and what belongs to them."""
    after = replace(
        alert,
        response=row.response or alert.response,
        condition=row.condition or alert.condition,
    )
    match event.kind:
        case Kind.CLEARED | Kind.UNSUPPORTED | Kind.REVISED:
            if after.condition is Condition.CLEARED and alert.response is not Response.CLOSED:
                at = event.cleared_at if event.cleared_at is not None else alert.cleared_at
                after = replace(after, cleared_at=event.at if at is None else at)
        case Kind.RETURNED:
            after = replace(after, cleared_at=None)
        case Kind.ACKNOWLEDGED | Kind.VISITED:
            after = replace(after, assignee=event.actor)
        case Kind.OUTCOME:
            gone = row.response is Response.OPEN
            assignee = None if gone else event.actor
            after = replace(after, outcome=event.outcome, assignee=assignee)
        case Kind.ASSIGNED:
            after = replace(after, assignee=event.assignee)
        case Kind.UNDONE:
            after = _brought_back(after, event)
        case _:
            pass
    if row.response is Response.CLOSED:
        after = replace(after, closed_at=event.at, closed_severity=after.severity)
    return after


def _brought_back(alert: Alert, event: Happened) -> Alert:
    before = event.undone
    assert before is not None
    return replace(
        alert,
        outcome=before.outcome,
        assignee=before.assignee,
        deadline_at=before.deadline_at,
        told=before.told,
        closed_at=None,
        closed_severity=None,
    )


def _told(alert: Alert, event: Happened) -> Alert:
    """What the data says, as far as it moves an alert. Severity is never lowered by data."""
    if event.kind is Kind.UNSUPPORTED:
        alert = replace(alert, evidence={**alert.evidence, "supported": False})
    facts = event.facts
    if facts is None:
        return alert
    return replace(
        alert,
        severity=max(alert.severity, facts.severity),
        onset_at=facts.onset_at,
        last_at=facts.last_at,
        summary=facts.summary,
        evidence=facts.evidence,
    )


def _differs(before: Alert, after: Alert) -> bool:
    return (
        before.response,
        before.assignee,
        before.outcome,
        before.severity,
        before.condition,
    ) != (after.response, after.assignee, after.outcome, after.severity, after.condition)


def _then(after: Alert, event: Happened) -> Happened | None:
    """What this brings with it, if the table allows it."""
    match event.kind:
        case Kind.CLEARED | Kind.UNSUPPORTED:
            return Happened(Kind.ENDED, event.at)
        case Kind.OUTCOME if after.response is Response.OPEN:
            return Happened(Kind.ESCALATED, event.at, why=Why.NOBODY_SEEN)
        case _:
            return None


def _reason(alert: Alert | None, event: Happened) -> str:
    if alert is None:
        return "there is no such alert"
    if event.kind in (Kind.CLEARED, Kind.RETURNED) and alert.response is not Response.CLOSED:
        return f"it is {alert.condition.value} already"
    taken = alert.response in (Response.ACKNOWLEDGED, Response.VISITING)
    who = f" by {alert.assignee}" if taken and alert.assignee else ""
    return f"the alert is {alert.response.value} already{who}"
