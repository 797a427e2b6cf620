"""What the table of moves does not allow, and the words for it."""

import pytest

from alerts.alert import Alert, Condition, Response
from alerts.lifecycle import Happened, Kind, Refused, apply
from tests.unit.alerts.cases import after, at, happened, so

CLEARED = Condition.CLEARED
OPEN, ACKNOWLEDGED, VISITING, CLOSED = Response


@pytest.mark.parametrize(
    ("standing", "event", "reason"),
    [
        (None, happened(Kind.NOTED), "there is no such alert"),
        (
            so(ACKNOWLEDGED),
            happened(Kind.ACKNOWLEDGED),
            "the alert is acknowledged already by dr-1",
        ),
        (so(VISITING), happened(Kind.VISITED), "the alert is visiting already by dr-1"),
        (
            so(VISITING, assignee=None),
            happened(Kind.VISITED),
            "the alert is visiting already",
        ),
        (so(CLOSED), happened(Kind.ACKNOWLEDGED), "the alert is closed already"),
        (so(OPEN), happened(Kind.RETURNED), "it is active already"),
        (so(VISITING, CLEARED), happened(Kind.CLEARED), "it is cleared already"),
        (so(CLOSED, CLEARED), happened(Kind.CLEARED), "the alert is closed already"),
    ],
)
def test_what_is_refused_is_refused_in_words(
    standing: Alert | None, event: Happened, reason: str
) -> None:
    assert apply(standing, event) == Refused(reason)


@pytest.mark.parametrize("kind", [Kind.OUTCOME, Kind.UNDONE])
@pytest.mark.parametrize("response", Response)
def test_an_outcome_has_to_be_one_and_an_undo_has_to_undo_something(
    response: Response, kind: Kind
) -> None:
    assert isinstance(apply(so(response), happened(kind)), Refused)


def test_when_it_cleared_can_be_put_right_while_it_is_not_closed() -> None:
    revised = happened(Kind.REVISED, cleared_at=at(12))
    assert after(so(OPEN, CLEARED), revised).cleared_at == at(12)
    assert after(so(OPEN, CLEARED), happened(Kind.REVISED)).cleared_at == at(15)
    assert after(so(OPEN), revised).cleared_at is None
    closed = after(so(CLOSED, CLEARED), happened(Kind.UNSUPPORTED, cleared_at=at(12)))
    assert closed.cleared_at == at(15)
