import itertools
from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from alerts.alert import Alert, Condition, Outcome, Response
from alerts.lifecycle import (
    NOT_CLOSED,
    Before,
    Facts,
    Happened,
    Kind,
    Refused,
    Step,
    Type,
    apply,
    closes,
    moved,
)
from rules.finding import Severity
from tests.unit.alerts.cases import after, alert, at, happened, so

ACTIVE, CLEARED = Condition.ACTIVE, Condition.CLEARED
OPEN, ACKNOWLEDGED, VISITING, CLOSED = Response


def steps_of(standing: Alert, event: Happened) -> tuple[Step, ...]:
    found = moved(standing, event)
    assert not isinstance(found, Refused), found
    return found


@pytest.mark.parametrize(
    ("response", "kind", "expected"),
    [
        (OPEN, Kind.ACKNOWLEDGED, ACKNOWLEDGED),
        (ACKNOWLEDGED, Kind.ACKNOWLEDGED, None),
        (VISITING, Kind.ACKNOWLEDGED, None),
        (CLOSED, Kind.ACKNOWLEDGED, None),
        (OPEN, Kind.VISITED, VISITING),
        (ACKNOWLEDGED, Kind.VISITED, VISITING),
        (VISITING, Kind.VISITED, None),
        (CLOSED, Kind.VISITED, None),
    ],
)
@pytest.mark.parametrize("condition", Condition)
def test_people_take_a_case(
    response: Response, kind: Kind, expected: Response | None, condition: Condition
) -> None:
    found = apply(so(response, condition), happened(kind))
    if expected is None:
        assert isinstance(found, Refused)
        assert response.value in found.reason
    else:
        assert not isinstance(found, Refused)
        assert found.response is expected
        assert found.assignee == "dr-2"
        assert found.condition is condition
        assert found.version == 2


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("response", NOT_CLOSED)
def test_an_outcome_closes_or_sends_somebody_again(response: Response, outcome: Outcome) -> None:
    standing = so(response)
    first, *rest = steps_of(standing, happened(Kind.OUTCOME, outcome=outcome))
    assert first.after.outcome is outcome
    assert first.after.version == 2
    if closes(outcome):
        assert first.after.response is CLOSED
        assert first.type is Type.END
        assert first.after.closed_at == at(20)
        assert first.after.closed_severity is Severity.URGENT
        assert not rest
    else:
        assert first.after.response is OPEN
        assert first.after.assignee is None, "somebody else may take it"
        assert first.type is Type.UPDATE
        assert [step.event.kind for step in rest] == [Kind.ESCALATED]
        assert rest[0].event.actor is None


def test_the_outcomes_that_do_not_close_are_those_of_the_contract() -> None:
    assert {outcome.value for outcome in Outcome if not closes(outcome)} == {
        "no_answer",
        "not_at_home",
        "wrong_address",
        "refused",
    }


@pytest.mark.parametrize("outcome", Outcome)
def test_a_closed_case_takes_no_outcome(outcome: Outcome) -> None:
    assert isinstance(apply(so(CLOSED), happened(Kind.OUTCOME, outcome=outcome)), Refused)


@pytest.mark.parametrize("severity", [Severity.URGENT, Severity.CRITICAL])
@pytest.mark.parametrize("response", NOT_CLOSED)
def test_what_is_urgent_stays_when_it_clears(response: Response, severity: Severity) -> None:
    (only,) = steps_of(so(response, severity=severity), happened(Kind.CLEARED, cleared_at=at(18)))
    assert only.after.response is response
    assert only.after.condition is CLEARED
    assert only.after.cleared_at == at(18)
    assert isinstance(apply(only.after, happened(Kind.ENDED)), Refused)


@pytest.mark.parametrize(
    ("response", "ends"), [(OPEN, True), (ACKNOWLEDGED, True), (VISITING, False)]
)
def test_a_routine_case_ends_by_itself_unless_somebody_is_there(
    response: Response, ends: bool
) -> None:
    found = steps_of(
        so(response, severity=Severity.ROUTINE), happened(Kind.CLEARED, cleared_at=at(18))
    )
    last = found[-1]
    assert (last.after.response is CLOSED) is ends
    assert last.after.outcome is None
    assert [step.type for step in found] == ([Type.UPDATE, Type.END] if ends else [Type.UPDATE])


def test_a_routine_case_that_somebody_went_to_in_vain_waits_for_somebody_to_look() -> None:
    standing = so(OPEN, severity=Severity.ROUTINE, outcome=Outcome.NO_ANSWER)
    (only,) = steps_of(standing, happened(Kind.CLEARED, cleared_at=at(18)))
    assert only.after.response is OPEN


def test_a_routine_case_may_still_be_closed_by_an_outcome() -> None:
    standing = so(VISITING, CLEARED, severity=Severity.ROUTINE)
    assert after(standing, happened(Kind.OUTCOME, outcome=Outcome.WELL)).response is CLOSED


def test_a_case_that_comes_back_is_active_again_and_keeps_who_has_it() -> None:
    found = after(so(ACKNOWLEDGED, CLEARED), happened(Kind.RETURNED))
    assert (found.condition, found.cleared_at) == (ACTIVE, None)
    assert (found.response, found.assignee) == (ACKNOWLEDGED, "dr-1")


@pytest.mark.parametrize("response", NOT_CLOSED)
@pytest.mark.parametrize("condition", Condition)
def test_what_the_data_no_longer_supports_stays_and_says_so(
    response: Response, condition: Condition
) -> None:
    found = after(so(response, condition), happened(Kind.UNSUPPORTED))
    assert found.response is response
    assert found.condition is CLEARED
    assert found.cleared_at == (at(15) if condition is CLEARED else at(20))
    assert found.evidence["supported"] is False


def test_a_closed_case_is_only_annotated() -> None:
    standing = so(CLOSED)
    (only,) = steps_of(standing, happened(Kind.UNSUPPORTED))
    assert only.after == replace(standing, evidence={**standing.evidence, "supported": False})
    assert only.type is Type.UPDATE


@pytest.mark.parametrize(
    "kind", [Kind.WORSENED, Kind.REVISED, Kind.CLEARED, Kind.RETURNED, Kind.ESCALATED, Kind.ENDED]
)
@pytest.mark.parametrize("condition", Condition)
def test_nothing_else_moves_a_closed_case(kind: Kind, condition: Condition) -> None:
    assert isinstance(apply(so(CLOSED, condition), happened(kind)), Refused)


def facts(severity: Severity, onset: float = 0) -> Facts:
    return Facts(severity, at(onset), at(30), "now", {"supported": True})


def test_severity_rises_and_is_never_lowered_by_data() -> None:
    worse = after(so(OPEN), happened(Kind.WORSENED, facts=facts(Severity.CRITICAL)))
    assert (worse.severity, worse.version) == (Severity.CRITICAL, 2)
    milder = after(worse, happened(Kind.REVISED, facts=facts(Severity.URGENT)))
    assert (milder.severity, milder.version) == (Severity.CRITICAL, 2)


def test_a_revision_that_moves_the_onset_does_not_move_the_version() -> None:
    found = after(so(OPEN), happened(Kind.REVISED, facts=facts(Severity.URGENT, onset=-5)))
    assert (found.onset_at, found.last_at, found.summary) == (at(-5), at(30), "now")
    assert found.version == 1


def test_an_alert_is_born_as_it_is_given() -> None:
    born = alert()
    found = moved(None, Happened(Kind.RAISED, at(20), born=born))
    assert not isinstance(found, Refused)
    (only,) = found
    assert (only.before, only.after, only.type) == (None, born, Type.NEW)


def test_nothing_happens_to_an_alert_that_is_not_there() -> None:
    for kind in Kind:
        if kind is not Kind.RAISED:
            assert isinstance(apply(None, happened(kind, outcome=Outcome.WELL)), Refused)


def test_an_alert_is_raised_once() -> None:
    for response, condition in itertools.product(Response, Condition):
        assert isinstance(apply(so(response, condition), happened(Kind.RAISED)), Refused)


def test_a_note_moves_nothing_wherever_the_case_stands() -> None:
    for response, condition in itertools.product(Response, Condition):
        standing = so(response, condition)
        (only,) = steps_of(standing, happened(Kind.NOTED, note="ground floor"))
        assert only.after == standing
        assert only.type is Type.UPDATE


@pytest.mark.parametrize("response", NOT_CLOSED)
def test_a_case_is_given_to_somebody_and_stands_as_it_stood(response: Response) -> None:
    given = after(so(response), happened(Kind.ASSIGNED, assignee="dr-3"))
    assert (given.response, given.assignee, given.version) == (response, "dr-3", 2)
    again = after(given, happened(Kind.ASSIGNED, assignee="dr-3"))
    assert again.version == 2, "it was theirs already"


def test_a_closed_case_is_given_to_nobody() -> None:
    assert isinstance(apply(so(CLOSED), happened(Kind.ASSIGNED, assignee="dr-3")), Refused)


DEEDS = [
    *(happened(Kind.OUTCOME, outcome=outcome) for outcome in Outcome),
    happened(Kind.ACKNOWLEDGED),
    happened(Kind.VISITED),
    happened(Kind.ASSIGNED, assignee="dr-3"),
]


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: f"{deed.kind}-{deed.outcome}")
@pytest.mark.parametrize("response", NOT_CLOSED)
def test_a_deed_that_is_undone_leaves_all_as_it_was_but_the_version(
    response: Response, deed: Happened
) -> None:
    standing = so(response, deadline_at=at(25))
    steps = moved(standing, deed)
    if isinstance(steps, Refused):
        return
    left = steps[-1].after
    before = Before(response, None, standing.assignee, standing.deadline_at)
    back = after(left, happened(Kind.UNDONE, undone=before))
    assert back == replace(standing, version=back.version)
    assert back.version > left.version


def test_what_the_data_said_since_stays_when_a_deed_is_undone() -> None:
    taken = after(so(OPEN), happened(Kind.ACKNOWLEDGED))
    worse = after(taken, happened(Kind.WORSENED, facts=facts(Severity.CRITICAL)))
    cleared = after(worse, happened(Kind.CLEARED, cleared_at=at(30)))
    back = after(cleared, happened(Kind.UNDONE, undone=Before(OPEN, None, None, None)))
    assert (back.response, back.severity, back.condition) == (OPEN, Severity.CRITICAL, CLEARED)


def test_nothing_is_undone_into_a_closed_case() -> None:
    before = Before(CLOSED, Outcome.WELL, "dr-1", None)
    for response in Response:
        assert isinstance(apply(so(response), happened(Kind.UNDONE, undone=before)), Refused)


class Lives(RuleBasedStateMachine):
    """Anything may happen in any order; what must never be so is never so."""

    @initialize(severity=st.sampled_from(Severity))
    def begins(self, severity: Severity) -> None:
        self.alert = alert(severity=severity)
        self.people: list[Outcome] = []
        self.undoable: Before | None = None

    def tell(self, event: Happened) -> None:
        before = self.alert
        found = moved(before, event)
        if isinstance(found, Refused):
            assert found.reason
            return
        assert found[0].before == before
        for step in found:
            assert step.before is not None
            told = ("response", "assignee", "outcome", "severity", "condition")
            changed = any(getattr(step.before, name) != getattr(step.after, name) for name in told)
            assert step.after.version - step.before.version == changed
            assert step.after.severity >= step.before.severity
            assert (step.type is Type.END) == (
                step.after.response is CLOSED and step.before.response is not CLOSED
            )
        if before.response is CLOSED and event.kind is not Kind.UNDONE:
            told_only = replace(before, evidence=found[-1].after.evidence)
            assert found[-1].after == told_only
        if event.outcome is not None:
            self.people.append(event.outcome)
        if event.kind in (Kind.ACKNOWLEDGED, Kind.VISITED, Kind.OUTCOME, Kind.ASSIGNED):
            self.undoable = Before(
                before.response, before.outcome, before.assignee, before.deadline_at
            )
        self.alert = found[-1].after

    @rule(
        kind=st.sampled_from([Kind.WORSENED, Kind.REVISED, Kind.RETURNED]),
        severity=st.sampled_from(Severity),
    )
    def data_says(self, kind: Kind, severity: Severity) -> None:
        self.tell(happened(kind, facts=facts(severity)))

    @rule(kind=st.sampled_from([Kind.CLEARED, Kind.UNSUPPORTED]))
    def data_says_it_is_over(self, kind: Kind) -> None:
        self.tell(happened(kind, cleared_at=at(18)))

    @rule(kind=st.sampled_from([Kind.ACKNOWLEDGED, Kind.VISITED]))
    def somebody_comes(self, kind: Kind) -> None:
        self.tell(happened(kind))

    @rule(outcome=st.sampled_from(Outcome))
    def somebody_saw(self, outcome: Outcome) -> None:
        self.tell(happened(Kind.OUTCOME, outcome=outcome))

    @rule()
    def somebody_takes_it_back(self) -> None:
        if self.undoable is not None:
            self.tell(happened(Kind.UNDONE, undone=self.undoable))
            self.undoable = None

    @rule(kind=st.sampled_from([Kind.NOTED, Kind.ASSIGNED]))
    def somebody_says(self, kind: Kind) -> None:
        self.tell(happened(kind, assignee="dr-3"))

    @rule(kind=st.sampled_from([Kind.ESCALATED, Kind.ENDED]))
    def the_service(self, kind: Kind) -> None:
        self.tell(happened(kind))

    @invariant()
    def is_whole(self) -> None:
        it = self.alert
        assert (it.condition is CLEARED) == (it.cleared_at is not None)
        assert (it.response is CLOSED) == (it.closed_at is not None)
        assert (it.response is CLOSED) == (it.closed_severity is not None)
        if it.response in (ACKNOWLEDGED, VISITING):
            assert it.assignee

    @precondition(lambda self: self.alert.response is CLOSED)
    @invariant()
    def was_closed_by_a_person_unless_routine(self) -> None:
        if self.alert.severity is not Severity.ROUTINE:
            assert self.people
            assert closes(self.people[-1])
            assert self.alert.outcome is self.people[-1]


TestLives = Lives.TestCase
