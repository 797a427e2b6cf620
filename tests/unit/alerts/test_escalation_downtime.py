"""Deadlines in worlds where the service is down at times and people answer when they please."""

import itertools
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from alerts.alert import Alert, Response
from alerts.duty import Member, Shift, Span, Weekly
from alerts.escalation import DEFAULT, Route, Team, overdue, told
from alerts.lifecycle import Happened, Kind, Refused, Step, Why, moved
from alerts.staff import Role
from rules.finding import Severity
from tests.unit.alerts.cases import alert, at

MINUTES = 180
SHIFTS: st.SearchStrategy[tuple[Shift, ...]] = st.sampled_from(
    [
        (),
        (Span(0, 1),),
        (Span(at(0), at(40)),),
        (Weekly((0,), 10 * 60, 11 * 60),),
    ]
)
MEMBERS = st.lists(st.tuples(st.sampled_from([Role.DOCTOR, Role.SUPERVISOR]), SHIFTS), max_size=5)


@st.composite
def teams(draw: st.DrawFn, escalate_to: str | None) -> Team:
    members = draw(MEMBERS)
    return Team(
        tuple(Member(f"s-{n}", role, shifts) for n, (role, shifts) in enumerate(members)),
        escalate_to,
        "Asia/Shanghai",
    )


@dataclass
class World:
    """A minute a step; the service looks for deadlines in the minutes that it is up."""

    way: Route
    alerts: dict[str, Alert] = field(default_factory=dict)
    log: list[Step] = field(default_factory=list)

    def happens(self, alert_id: str | None, event: Happened) -> None:
        standing = None if alert_id is None else self.alerts[alert_id]
        made = moved(standing, event, self.way)
        if isinstance(made, Refused):
            return
        self.log += made
        self.alerts[made[-1].after.id] = made[-1].after

    def look(self, now: int) -> list[int]:
        """What `store.deadlines.fire` does; the deadlines that fired, in order."""
        waiting = [
            (each.deadline_at, each.id)
            for each in self.alerts.values()
            if each.deadline_at is not None and each.deadline_at <= now
        ]
        for _, alert_id in sorted(waiting):
            event = overdue(self.alerts[alert_id], now)
            assert event is not None
            self.happens(alert_id, event)
        return [deadline_at for deadline_at, _ in sorted(waiting)]


@given(
    team=teams("hot-line"),
    severities=st.lists(
        st.sampled_from([Severity.URGENT, Severity.CRITICAL]), min_size=1, max_size=4
    ),
    down=st.sets(st.integers(1, MINUTES - 60)),
    answers=st.dictionaries(
        st.integers(0, MINUTES),
        st.tuples(st.integers(0, 3), st.sampled_from([Kind.ACKNOWLEDGED, Kind.VISITED])),
        max_size=4,
    ),
)
def test_whatever_is_down_and_whoever_answers(
    team: Team,
    severities: list[Severity],
    down: set[int],
    answers: dict[int, tuple[int, Kind]],
) -> None:
    world = World(Route(team, DEFAULT))
    for n, severity in enumerate(severities):
        born = alert(id=f"a-{n}", episode_no=n, severity=severity, raised_at=at(0), last_at=at(0))
        world.happens(None, Happened(Kind.RAISED, at(0), born=born))
    for minute in range(1, MINUTES + 1):
        if minute in answers:
            n, kind = answers[minute]
            if n < len(severities):
                world.happens(f"a-{n}", Happened(kind, at(minute), "s-9"))
        if minute not in down:
            world.look(at(minute))
            assert not world.look(at(minute)), "what has fired is not due"
    for n in range(len(severities)):
        _holds([step for step in world.log if step.after.id == f"a-{n}"])


def _holds(log: list[Step]) -> None:
    fired = [step for step in log if step.event.kind is Kind.ESCALATED]
    dues = [step.before.deadline_at for step in fired if step.before is not None]
    assert len({*dues}) == len(dues), "a deadline fires once"
    assert dues == sorted(dues, key=lambda due: due or 0)
    for step, due in zip(fired, dues, strict=True):
        assert due is not None
        assert due <= step.event.at
        assert step.after.deadline_at is not None
        assert step.after.deadline_at > step.event.at, "whoever is told has time"
        assert len(told(step)) <= 1
    answered = [step.event.at for step in log if step.event.actor is not None]
    asked = [step for step in fired if step.event.why is Why.NOT_ACKNOWLEDGED]
    if answered:
        assert all(step.event.at <= answered[0] for step in asked), "told after an answer"
    elif log[0].after.severity is Severity.CRITICAL:
        assert "hot-line" in [who for step in log for who in told(step)]
    assert all(step.after.response is not Response.CLOSED for step in log)


@given(team=teams(None), severity=st.sampled_from([Severity.URGENT, Severity.CRITICAL]))
def test_everybody_on_duty_that_a_chain_has_room_for_is_told_before_it_begins_again(
    team: Team, severity: Severity
) -> None:
    world = World(Route(team, DEFAULT))
    born = alert(severity=severity, raised_at=at(0), last_at=at(0))
    world.happens(None, Happened(Kind.RAISED, at(0), born=born))
    for minute in range(1, 60):
        world.look(at(minute))
    once = itertools.takewhile(lambda step: step.after.told, world.log)
    whom = [who for step in once for who in told(step)]
    assert len(whom) == len({*whom}), "nobody twice in one chain"
    assert bool(whom) is bool(team.members)
    always = [each for each in team.members if not each.shifts]
    doctors = sum(each.role is Role.DOCTOR for each in always)
    supervisors = sum(each.role is Role.SUPERVISOR for each in always)
    assert len(whom) >= min(doctors, 2) + min(supervisors, 1)
