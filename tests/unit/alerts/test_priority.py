"""Which alert comes first."""

import itertools
from dataclasses import replace

import pytest

from alerts.alert import Alert, Condition, Response
from alerts.priority import order, rank, vulnerable
from alerts.surroundings import Surroundings
from rules.finding import Severity
from tests.unit.alerts.cases import WHERE, alert, at

FRAGILE = replace(WHERE, flags=("lives_alone",))
ROUTINE, URGENT, CRITICAL = Severity


@pytest.mark.parametrize(
    ("born", "flags", "expected"),
    [
        (None, (), False),
        (1947, (), False),
        (1946, (), True),
        (None, ("disabled",), False),
        (2001, ("chronic",), True),
        (2001, ("disabled", "lives_alone"), True),
    ],
)
def test_who_is_vulnerable(born: int | None, flags: tuple[str, ...], expected: bool) -> None:
    assert vulnerable(replace(WHERE, birth_year=born, flags=flags), at(0)) is expected


FIRST_TO_LAST: list[tuple[Surroundings, Alert]] = [
    (WHERE, alert(severity=CRITICAL, raised_at=at(30))),
    (WHERE, alert(severity=CRITICAL, response=Response.ACKNOWLEDGED)),
    (FRAGILE, alert(raised_at=at(9))),
    (FRAGILE, alert(raised_at=at(10), id="a-1")),
    (FRAGILE, alert(raised_at=at(10), id="a-2")),
    (WHERE, alert(raised_at=at(8))),
    (FRAGILE, alert(condition=Condition.CLEARED)),
    (WHERE, alert(condition=Condition.CLEARED)),
    (FRAGILE, alert(response=Response.ACKNOWLEDGED)),
    (WHERE, alert(response=Response.VISITING)),
    (FRAGILE, alert(severity=ROUTINE, raised_at=at(0))),
    (WHERE, alert(severity=ROUTINE, raised_at=at(-10))),
    (FRAGILE, alert(severity=CRITICAL, response=Response.CLOSED)),
]


def test_urgency_then_vulnerability_then_waiting() -> None:
    assert sorted(FIRST_TO_LAST, key=lambda pair: order(pair[1], pair[0])) == FIRST_TO_LAST


def test_each_way_to_stand_has_a_place_of_its_own() -> None:
    """But that who is acknowledged and who is visited stand alike, and all that are closed."""
    places = {
        (severity, response is Response.OPEN, condition, mark): rank(
            alert(severity=severity, response=response, condition=condition), vulnerable=mark
        )
        for severity, response, condition, mark in itertools.product(
            Severity, (Response.OPEN, Response.VISITING), Condition, (False, True)
        )
    }
    assert len({*places.values()}) == len(places)


def test_severity_goes_before_everything_but_being_closed() -> None:
    for (one, low), (other, high) in itertools.product(
        itertools.product(Condition, Severity), repeat=2
    ):
        if low < high:
            sooner = alert(severity=high, condition=other, response=Response.VISITING)
            later = alert(severity=low, condition=one)
            assert rank(sooner, vulnerable=False) < rank(later, vulnerable=True)
