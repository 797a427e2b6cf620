"""Tables a doctor could read: what was so, what was found, what follows."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.alert import Alert, Condition, Outcome, Response
from alerts.evidence import Held
from alerts.lifecycle import Kind
from alerts.triage import QUIET_US, Decision, due_again
from domain.instant import HOUR_US, MINUTE_US
from rules.finding import Rule, Severity
from tests.unit.alerts.cases import WHERE, alert, at, case, decided, held, kinds, steps

CRITICAL, URGENT, ROUTINE = Severity.CRITICAL, Severity.URGENT, Severity.ROUTINE
CLEARED = Condition.CLEARED


def closed(at_minute: float = 15, **given: object) -> Alert:
    """A case that a person closed while its finding was still so."""
    return alert(
        **{
            "id": "old",
            "response": Response.CLOSED,
            "outcome": Outcome.WELL,
            "closed_at": at(at_minute),
            "closed_severity": URGENT,
            **given,
        }
    )


def raised(decision: Decision) -> Alert:
    first = steps(decision)[0]
    assert first.event.kind is Kind.RAISED
    return first.after


class TestWithoutACase:
    def test_a_finding_raises_one(self) -> None:
        decision = decided(case(held(0)))
        found = raised(decision)
        assert kinds(decision) == ["raised"]
        assert (found.id, found.severity, found.onset_at) == ("a-1", URGENT, at(0))
        assert (found.raised_at, found.last_at) == (at(20), at(10))
        assert (found.rule, found.device, found.grid) == (Rule.FEVER, "w-1", "grid-1")
        assert (found.late, found.previous, found.version) == (False, None, 1)
        assert decision.belongs_to == "a-1"

    def test_several_raise_one_between_them_the_worst_speaks(self) -> None:
        mild = held(0, device_no=1)
        bad = held(3, severity=CRITICAL, device_no=2)
        decision = decided(case(mild, bad))
        found = raised(decision)
        assert (found.severity, found.device, found.onset_at) == (CRITICAL, "w-2", at(0))
        assert {*decision.held} == {mild, bad}

    def test_one_that_is_over_already_is_raised_and_cleared(self) -> None:
        decision = decided(case(held(0, 12, late=True)))
        assert kinds(decision) == ["raised", "cleared"]
        last = steps(decision)[-1].after
        assert (last.condition, last.cleared_at, last.response) == (CLEARED, at(12), Response.OPEN)
        assert last.late

    def test_a_routine_one_that_is_over_leaves_nothing_to_do(self) -> None:
        decision = decided(case(held(0, 12, ROUTINE, rule=Rule.SILENT, value=900)))
        assert kinds(decision) == ["raised", "cleared", "ended"]

    def test_late_is_said_only_when_all_of_it_is_late(self) -> None:
        assert raised(decided(case(held(0, late=True)))).late
        assert not raised(decided(case(held(0, late=True), held(3, device_no=2)))).late

    def test_no_finding_no_alert(self) -> None:
        assert decided(case()) == Decision((), None, ())


class TestWithACase:
    def test_a_finding_joins_it_without_a_word(self) -> None:
        decision = decided(case(held(0, alert="a-0"), held(5, device_no=2), standing=alert()))
        assert kinds(decision) == []
        assert decision.belongs_to == "a-0"

    def test_a_worse_one_makes_it_worse(self) -> None:
        worse = held(5, severity=CRITICAL, device_no=2)
        decision = decided(case(held(0, alert="a-0"), worse, standing=alert()))
        assert kinds(decision) == ["worsened"]
        assert steps(decision)[0].after.severity is CRITICAL

    def test_it_clears_when_all_have_ended(self) -> None:
        one, other = held(0, 12, alert="a-0"), held(3, 18, alert="a-0", device_no=2)
        decision = decided(case(one, other, standing=alert()))
        assert kinds(decision) == ["cleared"]
        assert steps(decision)[0].after.cleared_at == at(18)

    def test_it_does_not_clear_while_one_is_still_so(self) -> None:
        one, other = held(0, 12, alert="a-0"), held(3, alert="a-0", device_no=2)
        assert kinds(decided(case(one, other, standing=alert()))) == []

    def test_it_comes_back_with_the_next(self) -> None:
        over, new = held(0, 12, alert="a-0"), held(30)
        standing = alert(condition=CLEARED, cleared_at=at(12))
        decision = decided(case(over, new, standing=standing), now=45)
        assert kinds(decision) == ["returned"]
        assert steps(decision)[0].after.onset_at == at(0), "the case began with its first finding"

    def test_it_may_come_back_worse(self) -> None:
        standing = alert(condition=CLEARED, cleared_at=at(12))
        over, worse = held(0, 12, alert="a-0"), held(30, severity=CRITICAL)
        decision = decided(case(over, worse, standing=standing), now=45)
        assert kinds(decision) == ["returned"]
        assert steps(decision)[0].after.severity is CRITICAL

    def test_a_late_one_that_is_over_comes_and_goes(self) -> None:
        standing = alert(condition=CLEARED, cleared_at=at(12))
        decision = decided(
            case(held(0, 12, alert="a-0"), held(14, 19, late=True), standing=standing)
        )
        assert kinds(decision) == ["returned", "cleared"]
        assert steps(decision)[-1].after.cleared_at == at(19)

    def test_an_end_that_is_taken_back_brings_it_back(self) -> None:
        standing = alert(condition=CLEARED, cleared_at=at(12))
        decision = decided(case(held(0, alert="a-0"), standing=standing, revised=True))
        assert kinds(decision) == ["returned"]

    def test_one_that_is_no_longer_supported_stays(self) -> None:
        standing = alert()
        decision = decided(case(standing=standing, lost=(standing,)))
        assert kinds(decision) == ["unsupported"]
        last = steps(decision)[-1].after
        assert (last.response, last.condition) == (Response.OPEN, CLEARED)

    def test_a_routine_one_that_is_no_longer_supported_ends(self) -> None:
        standing = alert(severity=ROUTINE)
        assert kinds(decided(case(standing=standing, lost=(standing,)))) == ["unsupported", "ended"]

    def test_it_stays_as_it_is_where_something_else_supports_it(self) -> None:
        standing = alert()
        other = held(3, alert="a-0", device_no=2)
        assert kinds(decided(case(other, standing=standing, lost=(standing,)))) == []

    def test_a_moved_onset_is_told_once(self) -> None:
        moved = held(-5, alert="a-0")
        decision = decided(case(moved, standing=alert(), revised=True))
        assert kinds(decision) == ["revised"]
        standing = steps(decision)[-1].after
        assert standing.onset_at == at(-5)
        assert standing.version == 1
        assert kinds(decided(case(moved, standing=standing, revised=True))) == []

    def test_a_moved_end_moves_when_it_cleared(self) -> None:
        standing = alert(condition=CLEARED, cleared_at=at(12))
        decision = decided(case(held(0, 16, alert="a-0"), standing=standing, revised=True))
        assert kinds(decision) == ["revised"]
        assert steps(decision)[-1].after.cleared_at == at(16)

    def test_a_finding_of_a_closed_case_that_is_still_so_belongs_to_the_new_one(self) -> None:
        left = held(0, alert="old")
        decision = decided(case(left, held(5, device_no=2), standing=alert(), closed=closed()))
        assert left in decision.held


class TestAfterAPersonClosedIt:
    """Contract section 5: nothing until it ends and returns, worsens, or the quiet time passes."""

    def test_the_same_finding_raises_nothing(self) -> None:
        assert kinds(decided(case(held(0, alert="old"), closed=closed()))) == []

    @pytest.mark.parametrize("ended", [12, 17])
    def test_its_end_raises_nothing(self, ended: float) -> None:
        assert kinds(decided(case(held(0, ended, alert="old"), closed=closed()))) == []

    def test_one_that_ended_and_begins_again_is_raised_and_names_the_old(self) -> None:
        decision = decided(case(held(0, 16, alert="old"), held(30), closed=closed()), now=45)
        assert raised(decision).previous == "old"

    def test_another_that_begins_meanwhile_waits_with_it(self) -> None:
        new = held(17, device_no=2)
        decision = decided(case(held(0, alert="old"), new, closed=closed()))
        assert kinds(decision) == []
        assert (decision.belongs_to, decision.held) == ("old", (new,))

    def test_one_that_began_before_the_other_ended_waits_too(self) -> None:
        new = held(17, device_no=2)
        assert kinds(decided(case(held(0, 18, alert="old"), new, closed=closed()), 30)) == []

    def test_nothing_waits_where_it_had_cleared_before(self) -> None:
        old = closed(condition=CLEARED, cleared_at=at(12))
        decision = decided(case(held(0, 12, alert="old"), held(13), closed=old), now=25)
        assert raised(decision).previous == "old"

    def test_a_worse_one_is_raised(self) -> None:
        decision = decided(case(held(0, severity=CRITICAL, alert="old"), closed=closed()))
        found = raised(decision)
        assert (found.severity, found.previous) == (CRITICAL, "old")

    def test_a_worse_one_that_was_closed_as_such_is_not(self) -> None:
        old = closed(severity=CRITICAL, closed_severity=CRITICAL)
        assert kinds(decided(case(held(0, severity=CRITICAL, alert="old"), closed=old))) == []

    @pytest.mark.parametrize(("severity", "hours"), [(CRITICAL, 1), (URGENT, 4), (ROUTINE, 24)])
    def test_the_quiet_time_passes(self, severity: Severity, hours: int) -> None:
        old = closed(0, severity=severity, closed_severity=severity)
        still = case(held(0, severity=severity, alert="old"), closed=old)
        almost, then = at(0) + hours * HOUR_US - 1, at(0) + hours * HOUR_US
        assert not due_again(old, almost)
        assert due_again(old, then)
        assert kinds(decided(still, hours * 60 - 0.1)) == []
        assert raised(decided(still, hours * 60)).previous == "old"

    def test_a_finding_that_is_over_does_not_come_back_with_time(self) -> None:
        assert kinds(decided(case(held(0, 17, alert="old"), closed=closed()), 600)) == []

    def test_what_came_to_light_late_and_was_over_by_then_was_seen_to(self) -> None:
        old = closed(condition=CLEARED, cleared_at=at(12))
        late = held(-60, -40, late=True)
        decision = decided(case(late, closed=old))
        assert kinds(decision) == []
        assert (decision.belongs_to, decision.held) == ("old", (late,))

    def test_unless_it_was_worse(self) -> None:
        old = closed(condition=CLEARED, cleared_at=at(12))
        decision = decided(case(held(-60, -40, CRITICAL, late=True), closed=old))
        assert kinds(decision) == ["raised", "cleared"]

    def test_a_late_one_that_is_still_so_is_raised(self) -> None:
        old = closed(condition=CLEARED, cleared_at=at(12))
        assert raised(decided(case(held(13, late=True), closed=old))).late

    def test_it_says_when_the_data_no_longer_supports_it(self) -> None:
        old = closed()
        decision = decided(case(closed=old, lost=(old,)))
        assert kinds(decision) == ["unsupported"]
        assert steps(decision)[0].after.response is Response.CLOSED


def test_a_case_that_ended_by_itself_keeps_nothing_quiet() -> None:
    old = closed(
        outcome=None,
        condition=CLEARED,
        cleared_at=at(12),
        severity=ROUTINE,
        closed_severity=ROUTINE,
    )
    assert raised(decided(case(held(30, severity=ROUTINE), closed=old), 45)).previous == "old"


def test_the_quiet_times_are_those_of_the_contract() -> None:
    assert QUIET_US[CRITICAL] == 60 * MINUTE_US
    assert QUIET_US[URGENT] == 4 * 60 * MINUTE_US


helds = st.builds(
    lambda onset, length, severity, device_no, late, owner: held(
        onset,
        None if length is None else onset + length,
        severity,
        alert=owner,
        late=late,
        device_no=device_no,
    ),
    st.integers(-30, 30),
    st.none() | st.integers(0, 20),
    st.sampled_from(Severity),
    st.sampled_from([1, 2]),
    st.booleans(),
    st.sampled_from([None, "a-0", "old"]),
)


@given(
    found=st.lists(
        helds, max_size=4, unique_by=lambda each: (each.finding.key, each.finding.onset_at)
    ),
    standing=st.sampled_from(
        [
            None,
            alert(),
            alert(condition=CLEARED, cleared_at=at(12)),
            alert(response=Response.VISITING, assignee="x"),
        ]
    ),
    old=st.sampled_from([None, closed(), closed(condition=CLEARED, cleared_at=at(12))]),
    lost=st.booleans(),
    revised=st.booleans(),
    now=st.integers(20, 400),
)
def test_the_order_of_findings_makes_no_difference(
    found: list[Held],
    standing: Alert | None,
    old: Alert | None,
    lost: bool,
    revised: bool,
    now: int,
) -> None:
    found = [each for each in found if each.alert != "a-0" or standing is not None]
    found = [each for each in found if each.alert != "old" or old is not None]
    losing = tuple(each for each in (standing, old) if each is not None) if lost else ()

    def outcome(order: tuple[Held, ...]) -> object:
        decision = decided(
            case(*order, standing=standing, closed=old, lost=losing, revised=revised), now
        )
        return steps(decision), decision.belongs_to, {*decision.held}

    first, *others = [outcome(order) for order in permutations(found)]
    assert all(other == first for other in others)


@given(found=st.lists(helds, max_size=4), now=st.integers(20, 400))
def test_a_decision_carried_out_leaves_nothing_to_decide(found: list[Held], now: int) -> None:
    """What was told once is not told again: the next step with the same findings says nothing."""
    unique = {(each.finding.key, each.finding.onset_at): each for each in found}
    decision = decided(case(*(held_again(each, None) for each in unique.values())), now)
    if not decision.events:
        return
    standing = steps(decision)[-1].after
    placed = tuple(held_again(each, standing.id) for each in decision.held)
    if standing.response is Response.CLOSED:
        assert kinds(decided(case(*placed, closed=standing), now)) == []
    else:
        assert kinds(decided(case(*placed, standing=standing), now)) == []


def held_again(each: Held, owner: str | None) -> Held:
    return Held(each.finding, owner, each.late, each.rulebook_version)


def test_an_alert_says_where_it_is() -> None:
    found = raised(decided(case(held(0))))
    assert (found.episode, found.person, found.episode_no) == (WHERE.episode, WHERE.person, 7)
