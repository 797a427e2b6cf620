from dataclasses import replace

import pytest

from domain.instant import SECOND_US
from doorstep.doctor.canary_checks import Flight, judge
from doorstep.doctor.check import Verdict
from tests.unit.doorstep.doctor.test_database_checks import GOOD, NOW

FLIGHT = Flight(on=True, late_us=150 * SECOND_US)
SEEN = replace(GOOD, canary_at=NOW - 150 * SECOND_US, keepers=2)


def test_one_that_came_lately_and_somebody_who_is_told_are_ok() -> None:
    checks = judge(SEEN, FLIGHT, NOW)
    assert [check.name for check in checks] == ["canaries.seen", "canaries.contacts"]
    assert {check.verdict for check in checks} == {Verdict.OK}


@pytest.mark.parametrize(
    ("canary_at", "flight", "said"),
    [
        (NOW - 151 * SECOND_US, FLIGHT, "the newest is 151 s old"),
        (None, FLIGHT, "none was ever stored"),
        (NOW, replace(FLIGHT, on=False), "switched off, or no broker is named"),
    ],
)
def test_a_way_that_is_not_proven_is_warned_of(
    canary_at: int | None, flight: Flight, said: str
) -> None:
    seen, _ = judge(replace(SEEN, canary_at=canary_at), flight, NOW)
    assert (seen.verdict, seen.seen) == (Verdict.WARN, said)


def test_without_anybody_to_be_told_it_is_warned() -> None:
    _, contacts = judge(replace(SEEN, keepers=0), FLIGHT, NOW)
    assert contacts.verdict is Verdict.WARN
