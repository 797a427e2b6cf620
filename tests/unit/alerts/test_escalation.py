"""Who is asked, and until when."""

from dataclasses import replace
from typing import Any

import pytest

from alerts.alert import Alert, Condition, Outcome, Response
from alerts.duty import Member, Span
from alerts.escalation import DEFAULT, Route, Team, overdue, told, urgency
from alerts.lifecycle import Before, Happened, Kind, Refused, Step, Why, moved
from alerts.staff import Role
from domain.instant import HOUR_US, MINUTE_US, parse_rfc3339
from rules.finding import Rule, Severity
from tests.unit.alerts.cases import alert, at, facts_of

NEVER = (Span(0, 1),)
DOCTORS = tuple(Member(f"dr-{n}", Role.DOCTOR) for n in (1, 2, 3))
SUPERVISOR = Member("sup-1", Role.SUPERVISOR)
TEAM = Team((*DOCTORS, SUPERVISOR), "hot-line", "Asia/Shanghai")
ROUTINE, URGENT, CRITICAL = Severity


def route(*members: Member, escalate_to: str | None = "hot-line", **loads: int) -> Route:
    team = Team(members or TEAM.members, escalate_to, TEAM.zone)
    return Route(team, DEFAULT, {name.replace("_", "-"): load for name, load in loads.items()})


def steps(standing: Alert | None, event: Happened, way: Route) -> tuple[Step, ...]:
    made = moved(standing, event, way)
    assert not isinstance(made, Refused), made
    return made


def raised(way: Route, now: float = 10, **given: Any) -> Alert:
    born = alert(raised_at=at(now), **given)
    return steps(None, Happened(Kind.RAISED, at(now), born=born), way)[0].after


def chain(way: Route, first: Alert, times: int) -> list[Alert]:
    """The alert each time its deadline passes and nobody answers."""
    found = [first]
    for _ in range(times):
        due = found[-1].deadline_at
        assert due is not None
        event = overdue(found[-1], due)
        assert event is not None
        found.append(steps(found[-1], event, way)[-1].after)
    return found


def minutes(alert: Alert) -> float:
    assert alert.deadline_at is not None
    return (alert.deadline_at - at(0)) / MINUTE_US


class TestRaised:
    def test_it_is_the_doctors_with_the_fewest(self) -> None:
        found = raised(route(dr_1=2, dr_2=1, dr_3=1))
        assert (found.assignee, found.told, found.version) == ("dr-2", ("dr-2",), 1)

    @pytest.mark.parametrize(("severity", "given"), [(CRITICAL, 5), (URGENT, 15)])
    def test_they_have_minutes(self, severity: Severity, given: int) -> None:
        assert minutes(raised(route(), severity=severity)) == 10 + given

    @pytest.mark.parametrize(
        "about",
        [{"severity": ROUTINE}, {"rule": Rule.WATCH}, {"last_at": at(-51), "late": True}],
    )
    def test_what_is_on_the_visit_list_waits_for_the_round(self, about: dict[str, Any]) -> None:
        """10:50 in Shanghai: the next round is tomorrow's."""
        found = raised(route(), **about)
        assert found.deadline_at == parse_rfc3339("2026-02-03T09:00:00+08:00")
        assert found.assignee == "dr-1"

    def test_who_is_off_duty_is_not_asked(self) -> None:
        off, on = (
            Member("dr-1", Role.DOCTOR, NEVER),
            Member("dr-2", Role.DOCTOR, (Span(0, at(99)),)),
        )
        assert raised(route(off, on, SUPERVISOR)).told == ("dr-2",)
        assert raised(route(off, SUPERVISOR)).told == ("sup-1",)
        assert raised(route(off, replace(SUPERVISOR, shifts=NEVER))).told == ("hot-line",)

    def test_a_full_desk_escalates_at_once(self) -> None:
        full: dict[str, Any] = {"dr_1": 12, "dr_2": 13, "dr_3": 12}
        assert raised(route(**full)).assignee == "sup-1"
        assert raised(route(**(full | {"dr_3": 11}))).assignee == "dr-3"

    def test_rather_somebody_with_too_much_or_off_duty_than_nobody(self) -> None:
        tired = route(*DOCTORS[:2], escalate_to=None, dr_1=20, dr_2=15)
        assert raised(tired).told == ("dr-2",)
        asleep = route(replace(SUPERVISOR, shifts=NEVER), DOCTORS[0], escalate_to=None, dr_1=99)
        assert raised(asleep).told == ("sup-1",)

    def test_where_there_is_nobody_it_says_so_and_goes_on_saying_so(self) -> None:
        way = Route(Team((), None, TEAM.zone))
        first, second = chain(way, raised(way, severity=CRITICAL), 1)
        assert (first.told, first.assignee, minutes(first)) == ((), None, 15)
        assert (second.told, minutes(second)) == ((), 15 + 15)

    def test_the_hot_line_is_told_and_owns_nothing(self) -> None:
        found = raised(route(replace(SUPERVISOR, shifts=NEVER)))
        assert (found.told, found.assignee) == (("hot-line",), None)


class TestNobodyAcknowledges:
    def test_two_doctors_the_supervisor_the_grids_own_and_again(self) -> None:
        way = route(dr_3=5)
        found = chain(way, raised(way, severity=CRITICAL), 5)
        assert [each.told for each in found] == [
            ("dr-1",),
            ("dr-1", "dr-2"),
            ("dr-1", "dr-2", "sup-1"),
            ("dr-1", "dr-2", "sup-1", "hot-line"),
            (),
            ("dr-1",),
        ]
        assert [each.assignee for each in found] == [
            *("dr-1", "dr-2", "sup-1", "sup-1", "sup-1", "dr-1"),
        ]
        assert [minutes(each) for each in found] == [15, 20, 25, 30, 30 + 15, 50]

    def test_it_pauses_for_three_times_as_long_as_the_last_one_had(self) -> None:
        way = route(DOCTORS[0])
        found = chain(way, raised(way), 3)
        assert [each.told[-1:] for each in found] == [("dr-1",), ("hot-line",), (), ("dr-1",)]
        assert [minutes(each) for each in found] == [25, 40, 40 + 45, 40 + 45 + 15]

    def test_a_supervisor_who_is_the_grids_own_is_told_once(self) -> None:
        way = route(DOCTORS[0], SUPERVISOR, escalate_to="sup-1")
        found = chain(way, raised(way), 2)
        assert [each.told for each in found] == [("dr-1",), ("dr-1", "sup-1"), ()]

    def test_a_deadline_that_passed_long_ago_gives_the_next_one_their_whole_time(self) -> None:
        way = route()
        event = overdue(raised(way), at(600))
        assert event is not None
        assert minutes(steps(raised(way), event, way)[-1].after) == 615

    def test_not_before_it_is_due(self) -> None:
        first = raised(route())
        assert first.deadline_at is not None
        assert overdue(first, first.deadline_at - 1) is None
        assert overdue(replace(first, deadline_at=None), at(9_999)) is None


def answered(way: Route, kind: Kind, *, after: Alert, now: float, **given: Any) -> Alert:
    return steps(after, Happened(kind, at(now), "dr-2", **given), way)[-1].after


class TestAnswers:
    @pytest.mark.parametrize(("severity", "visit"), [(CRITICAL, 30), (URGENT, 60)])
    def test_acknowledging_asks_for_a_visit(self, severity: Severity, visit: int) -> None:
        way = route()
        taken = answered(way, Kind.ACKNOWLEDGED, after=raised(way, severity=severity), now=12)
        assert (taken.told, taken.assignee, minutes(taken)) == (("dr-2",), "dr-2", 12 + visit)
        found = chain(way, taken, 3)
        assert [each.told[-1] for each in found] == ["dr-2", "dr-1", "sup-1", "hot-line"]
        assert {each.assignee for each in found} == {"dr-2"}, "it is theirs who said so"
        assert {each.version for each in found} == {taken.version}

    def test_a_visit_asks_for_an_outcome(self) -> None:
        way = route()
        there = answered(way, Kind.VISITED, after=raised(way), now=12)
        assert (there.told, minutes(there)) == (("dr-2",), 72)
        event = overdue(there, at(72))
        assert event is not None
        assert event.why is Why.NO_OUTCOME

    def test_an_outcome_asks_for_nothing(self) -> None:
        way = route()
        closed = answered(way, Kind.OUTCOME, after=raised(way), now=12, outcome=Outcome.WELL)
        assert (closed.told, closed.deadline_at) == ((), None)

    def test_where_nobody_was_seen_the_grids_own_is_told_and_a_chain_begins(self) -> None:
        way = route()
        there = answered(way, Kind.VISITED, after=raised(way), now=12)
        event = Happened(Kind.OUTCOME, at(20), "dr-2", outcome=Outcome.NO_ANSWER)
        outcome, passed_on = steps(there, event, way)
        assert told(outcome) == ()
        assert (told(passed_on), passed_on.event.why) == (("hot-line",), Why.NOBODY_SEEN)
        assert (passed_on.after.assignee, minutes(passed_on.after)) == (None, 35)
        found = chain(way, passed_on.after, 3)
        assert [each.told[-1] for each in found] == ["hot-line", "dr-1", "dr-2", "sup-1"]
        assert [each.assignee for each in found] == [None, "dr-1", "dr-2", "sup-1"]

    def test_without_such_a_one_somebody_on_duty_is(self) -> None:
        way = route(*DOCTORS, escalate_to=None)
        event = Happened(Kind.OUTCOME, at(20), "dr-1", outcome=Outcome.REFUSED)
        assert told(steps(raised(way), event, way)[-1]) == ("dr-1",)

    def test_who_is_given_it_is_told_and_has_what_time_is_left(self) -> None:
        way = route()
        event = Happened(Kind.ASSIGNED, at(12), "dr-1", assignee="dr-3")
        (only,) = steps(raised(way), event, way)
        assert (told(only), only.after.told, minutes(only.after)) == (
            ("dr-3",),
            ("dr-1", "dr-3"),
            25,
        )
        mine = Happened(Kind.ASSIGNED, at(12), "dr-1", assignee="dr-1")
        assert told(steps(raised(way), mine, way)[0]) == ()

    def test_an_undo_brings_the_chain_back(self) -> None:
        way = route()
        first = raised(way)
        taken = answered(way, Kind.ACKNOWLEDGED, after=first, now=12)
        before = Before(Response.OPEN, None, "dr-1", first.deadline_at, first.told)
        back = answered(way, Kind.UNDONE, after=taken, now=12.5, undone=before)
        assert (back.told, back.deadline_at, back.assignee) == (
            ("dr-1",),
            first.deadline_at,
            "dr-1",
        )

    def test_what_ends_by_itself_asks_for_nothing(self) -> None:
        way = route()
        event = Happened(Kind.CLEARED, at(12), cleared_at=at(12))
        last = steps(raised(way, severity=ROUTINE), event, way)[-1].after
        assert (last.response, last.deadline_at) == (Response.CLOSED, None)


class TestGettingWorse:
    def test_the_deadline_comes_nearer_and_never_goes_away(self) -> None:
        way = route()
        event = Happened(Kind.WORSENED, at(12), facts=facts_of(CRITICAL))
        (only,) = steps(raised(way), event, way)
        assert minutes(only.after) == 17
        assert told(only) == ("dr-1",)
        late = Happened(Kind.WORSENED, at(24), facts=facts_of(CRITICAL))
        assert minutes(steps(raised(way), late, way)[0].after) == 25

    def test_who_has_it_hears_of_it(self) -> None:
        way = route()
        taken = answered(way, Kind.ACKNOWLEDGED, after=raised(way), now=12)
        event = Happened(Kind.WORSENED, at(20), facts=facts_of(CRITICAL))
        (only,) = steps(taken, event, way)
        assert (told(only), minutes(only.after)) == (("dr-2",), 50)

    @pytest.mark.parametrize("kind", [Kind.WORSENED, Kind.RETURNED])
    def test_while_nobody_has_it_all_who_were_told_hear_of_it(self, kind: Kind) -> None:
        way = route()
        event = Happened(kind, at(90), facts=facts_of(CRITICAL))
        first = raised(way, condition=Condition.CLEARED, cleared_at=at(11))
        if kind is Kind.WORSENED:
            first = raised(way)
        waiting = chain(way, first, 1)[-1]
        assert told(steps(waiting, event, way)[0]) == ("dr-1", "dr-2")
        taken = chain(way, answered(way, Kind.ACKNOWLEDGED, after=first, now=12), 1)[-1]
        assert taken.told == ("dr-2", "dr-1")
        assert told(steps(taken, event, way)[0]) == ("dr-2",)

    def test_a_round_becomes_minutes(self) -> None:
        way = route()
        event = Happened(Kind.WORSENED, at(12), facts=facts_of(URGENT))
        assert minutes(steps(raised(way, severity=ROUTINE), event, way)[0].after) == 27

    def test_the_same_severity_moves_no_deadline(self) -> None:
        way = route()
        event = Happened(Kind.REVISED, at(20), facts=facts_of(URGENT))
        (only,) = steps(raised(way), event, way)
        assert (minutes(only.after), told(only)) == (25, ())

    def test_nor_does_it_break_the_quiet_after_a_chain(self) -> None:
        way = route(DOCTORS[0])
        paused = chain(way, raised(way), 2)[-1]
        event = Happened(Kind.REVISED, at(50), facts=facts_of(URGENT))
        assert steps(paused, event, way)[0].after.deadline_at == paused.deadline_at


def test_urgency_does_not_age_with_the_readings() -> None:
    """A silence rests on a reading that only gets older; its chain keeps its pace."""
    silent = alert(rule=Rule.SILENT, raised_at=at(10), last_at=at(10) - HOUR_US + 1)
    assert urgency(silent) is URGENT
    assert urgency(replace(silent, last_at=at(10) - HOUR_US)) is ROUTINE
