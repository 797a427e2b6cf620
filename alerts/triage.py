"""Findings in, alerts out: which case a finding belongs to, and what that does to the case.

Pure. Looks at findings as they stand after a step, not at the changes one by one, so neither the
order of changes within a step nor a change told twice makes a difference. Refuses to do the moves
itself: it says what happened, `alerts.lifecycle` says what that does.

At most one case of an (episode, rule) is not closed. A finding joins it, or opens one. After a
person closed a case whose finding is still so, nothing is raised until the finding ends and one
begins again, is worse than what was closed, or `QUIET_US` has passed; the new case names the old. A
finding that came to light late and was over before somebody closed the case was seen to by that
visit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from alerts.alert import Alert, Condition, Response
from alerts.evidence import Held, Surroundings, facts, telling
from alerts.lifecycle import NOBODY, Facts, Happened, Kind, Refused, Routing, Step, moved
from domain.instant import HOUR_US
from rules.finding import Rule, Severity

QUIET_US: Final[Mapping[Severity, int]] = {
    # Urgent and critical: contract section 5. Routine is the next day's round.
    Severity.CRITICAL: HOUR_US,
    Severity.URGENT: 4 * HOUR_US,
    Severity.ROUTINE: 24 * HOUR_US,
}
"""How long a closed case is left alone though its finding is still so, by severity at closing."""


@dataclass(frozen=True, slots=True)
class Case:
    """All that bears on one (episode, rule)."""

    episode_no: int
    standing: Alert | None
    """The case that is not closed."""
    closed: Alert | None
    """The one closed last."""
    held: tuple[Held, ...]
    """The findings that are still so, belong to either case, or to none yet."""
    lost: tuple[Alert, ...] = ()
    """The cases from which late data took a finding in this step."""
    revised: bool = False
    """Whether late data moved a finding in this step."""
    rule: Rule | None = None
    """Of the case; None that of the finding that speaks for it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows for one (episode, rule)."""

    events: tuple[tuple[Alert | None, Happened], ...]
    """In order: the alert as it stood before the step (None: it is raised), and what happened."""
    belongs_to: str | None
    """The case that the findings belong to now; None where there are no findings to place."""
    held: tuple[Held, ...]
    """Those findings."""


def decide(case: Case, where: Surroundings, now: int, new_id: Callable[[], str]) -> Decision:
    """What a step does to one case. The same for any order of `case.held`."""
    if case.standing is not None:
        return _join(case, case.standing, where, now)
    raising = [held for held in case.held if _speaks(held) and not _quiet(held, case, now)]
    if raising:
        return _open(case, raising, where, now, new_id)
    return _leave_closed(case, now)


def steps_of(decision: Decision, routing: Routing = NOBODY) -> list[Step]:
    """The events of one case, each applied to what the one before left."""
    current: dict[str, Alert] = {}
    steps: list[Step] = []
    for before, event in decision.events:
        alert = None if before is None else current.get(before.id, before)
        for step in _moved(alert, event, routing):
            current[step.after.id] = step.after
            steps.append(step)
    return steps


def _moved(alert: Alert | None, event: Happened, routing: Routing) -> tuple[Step, ...]:
    steps = moved(alert, event, routing)
    assert not isinstance(steps, Refused), f"triage asked for {event.kind}: {steps}"
    return steps


def due_again(closed: Alert, now: int) -> bool:
    """Whether the quiet time of a closed case has passed."""
    assert closed.closed_at is not None
    return now - closed.closed_at >= QUIET_US[_closed_severity(closed)]


def _join(case: Case, standing: Alert, where: Surroundings, now: int) -> Decision:
    mine = tuple(held for held in case.held if _speaks(held) or held.alert == standing.id)
    lost = any(alert.id == standing.id for alert in case.lost)
    events = list(_events(case, standing, mine, where, now)) if mine else []
    if not mine and lost:
        events.append(Happened(Kind.UNSUPPORTED, now))
    others = _annotations(case, now, standing)
    return Decision(
        events=(*((standing, event) for event in events), *others),
        belongs_to=standing.id if mine else None,
        held=mine,
    )


def _events(
    case: Case, standing: Alert, mine: Sequence[Held], where: Surroundings, now: int
) -> list[Happened]:
    """What the findings do to the case they belong to; at most one event of each kind."""
    said = facts(mine, where)
    active = any(held.finding.ended_at is None for held in mine)
    was_active = standing.condition is Condition.ACTIVE
    returned = not was_active and (active or any(held.alert is None for held in mine))
    ended_at = None if active else max(held.finding.ended_at or 0 for held in mine)
    events = []
    if returned:
        # Worse as well, it may be; what an event does is in its before and after.
        events.append(Happened(Kind.RETURNED, now, facts=said))
    elif said.severity > standing.severity:
        events.append(Happened(Kind.WORSENED, now, facts=said))
    if not active and (was_active or returned):
        lost = any(alert.id == standing.id for alert in case.lost)
        kind = Kind.UNSUPPORTED if lost and not case.revised else Kind.CLEARED
        events.append(Happened(kind, now, facts=said, cleared_at=ended_at))
    if not events and case.revised and _shows(standing, said, ended_at):
        events.append(Happened(Kind.REVISED, now, facts=said, cleared_at=ended_at))
    return events


def _shows(standing: Alert, said: Facts, cleared_at: int | None) -> bool:
    """Whether a revision changes anything that somebody could have read."""
    before = (standing.onset_at, standing.cleared_at, standing.evidence.get("ended_at"))
    return before != (said.onset_at, cleared_at, said.evidence["ended_at"])


def _open(
    case: Case,
    raising: Sequence[Held],
    where: Surroundings,
    now: int,
    new_id: Callable[[], str],
) -> Decision:
    mine = tuple(held for held in case.held if held in raising or held.finding.ended_at is None)
    said = facts(mine, where)
    chosen = telling(raising).finding
    born = Alert(
        id=new_id(),
        episode_no=case.episode_no,
        episode=where.episode,
        person=where.person,
        grid=where.grid,
        device=where.devices[chosen.key.device_no].id,
        rule=chosen.key.rule if case.rule is None else case.rule,
        severity=said.severity,
        condition=Condition.ACTIVE,
        response=Response.OPEN,
        outcome=None,
        raised_at=now,
        onset_at=said.onset_at,
        cleared_at=None,
        last_at=said.last_at,
        late=all(held.late and held.alert is None for held in raising),
        summary=said.summary,
        evidence=said.evidence,
        previous=None if case.closed is None else case.closed.id,
    )
    events: list[tuple[Alert | None, Happened]] = [(None, Happened(Kind.RAISED, now, born=born))]
    if all(held.finding.ended_at is not None for held in mine):
        ended_at = max(held.finding.ended_at or 0 for held in mine)
        events.append((born, Happened(Kind.CLEARED, now, facts=said, cleared_at=ended_at)))
    return Decision((*events, *_annotations(case, now, None)), born.id, mine)


def _leave_closed(case: Case, now: int) -> Decision:
    """Findings that wait out the quiet time belong to the case that was closed."""
    unplaced = tuple(held for held in case.held if held.alert is None)
    owner = None
    if unplaced:
        assert case.closed is not None
        owner = case.closed.id
    return Decision(_annotations(case, now, None), owner, unplaced)


def _annotations(
    case: Case, now: int, standing: Alert | None
) -> tuple[tuple[Alert | None, Happened], ...]:
    """What a person closed and late data no longer supports says so, and moves no more."""
    kept = {held.alert: True for held in case.held}
    return tuple(
        (alert, Happened(Kind.UNSUPPORTED, now))
        for alert in case.lost
        if alert.id not in kept and (standing is None or alert.id != standing.id)
    )


def _speaks(held: Held) -> bool:
    """Whether a finding could raise a case: it is still so, or nobody has heard of it yet."""
    return held.finding.ended_at is None or held.alert is None


def _quiet(held: Held, case: Case, now: int) -> bool:
    """Whether a person has seen to this already, by closing the case before."""
    closed, finding = case.closed, held.finding
    if closed is None or closed.outcome is None or closed.closed_at is None:
        return False
    if finding.severity > _closed_severity(closed):
        return False
    if finding.ended_at is None and due_again(closed, now):
        return False
    if held.alert == closed.id:
        return True
    over = finding.ended_at is not None and finding.ended_at <= closed.closed_at
    return (held.late and over) or _continues(held, case, closed)


def _continues(held: Held, case: Case, closed: Alert) -> bool:
    """Whether it began while what was still so at closing had not ended."""
    onset_at = held.finding.onset_at
    return closed.condition is Condition.ACTIVE and any(
        other.alert == closed.id
        and other.finding.onset_at <= onset_at
        and (other.finding.ended_at is None or onset_at <= other.finding.ended_at)
        for other in case.held
    )


def _closed_severity(closed: Alert) -> Severity:
    return closed.severity if closed.closed_severity is None else closed.closed_severity
