"""Taking back a deed: when it may be, and what it brings back."""

from dataclasses import replace

import pytest

from alerts.alert import Alert, Outcome, Response
from alerts.document import document
from alerts.lifecycle import Before, Happened, Kind, Refused, moved
from alerts.undoing import LastDeed, undone
from tests.unit.alerts.cases import WHERE, alert, at

OPEN = alert(deadline_at=at(25))


def done(standing: Alert, kind: Kind, **given: object) -> tuple[Alert, LastDeed]:
    """The alert after a deed of dr-1, and the deed as the log has it."""
    steps = moved(standing, Happened(kind, at(20), actor="dr-1", **given))  # type: ignore[arg-type]
    assert not isinstance(steps, Refused)
    return steps[-1].after, LastDeed(kind, "dr-1", at(20), document(standing, WHERE))


def test_it_brings_back_what_people_had_done() -> None:
    left, last = done(OPEN, Kind.ACKNOWLEDGED)
    event = undone(left, last, None, "dr-1", at(20.5))
    assert event == Happened(
        Kind.UNDONE,
        at(20.5),
        "dr-1",
        undone=Before(Response.OPEN, None, None, at(25)),
        detail={"undone": "acknowledged"},
    )


def test_an_outcome_before_is_brought_back_too() -> None:
    standing = replace(OPEN, outcome=Outcome.NO_ANSWER, deadline_at=None)
    left, last = done(standing, Kind.OUTCOME, outcome=Outcome.WELL)
    event = undone(left, last, None, "dr-1", at(20.5))
    assert isinstance(event, Happened)
    assert event.undone == Before(Response.OPEN, Outcome.NO_ANSWER, None, None)


@pytest.mark.parametrize(("minutes", "allowed"), [(0, True), (1, True), (1.001, False)])
def test_within_a_minute(minutes: float, allowed: bool) -> None:
    left, last = done(OPEN, Kind.VISITED)
    event = undone(left, last, None, "dr-1", at(20 + minutes))
    assert isinstance(event, Happened) is allowed
    if isinstance(event, Refused):
        assert event.reason == "it was done more than a minute ago, 2026-02-02T03:00:00Z"


def test_nobody_takes_back_what_another_did() -> None:
    left, last = done(OPEN, Kind.VISITED)
    event = undone(left, last, None, "dr-2", at(20))
    assert event == Refused("dr-1 acted since, 2026-02-02T03:00:00Z")


def test_nothing_was_done() -> None:
    assert isinstance(undone(OPEN, None, None, "dr-1", at(20)), Refused)


def test_an_undo_is_not_undone() -> None:
    last = LastDeed(Kind.UNDONE, "dr-1", at(20), document(OPEN, WHERE))
    assert isinstance(undone(OPEN, last, None, "dr-1", at(20)), Refused)


def test_a_case_that_was_raised_again_stays_closed() -> None:
    left, last = done(OPEN, Kind.OUTCOME, outcome=Outcome.WELL)
    event = undone(left, last, "a-9", "dr-1", at(20))
    assert event == Refused("the case was raised again as a-9")


def test_a_case_that_ended_by_itself_since_stays_closed() -> None:
    left, last = done(OPEN, Kind.ACKNOWLEDGED)
    ended = replace(left, response=Response.CLOSED)
    assert isinstance(undone(ended, last, None, "dr-1", at(20)), Refused)
