from collections.abc import Iterator

import pytest

from domain import faults
from domain.faults import Point
from doorstep.faults import VARIABLE, Deadly, arm
from doorstep.settings import ConfigurationError


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    harmless = faults.reached
    yield
    faults.reached = harmless


@pytest.mark.parametrize("asked", ["nowhere", "committed:0", "committed:", "committed:x", ":3"])
def test_what_is_no_fault_point_is_refused(asked: str) -> None:
    with pytest.raises(ConfigurationError, match=VARIABLE):
        arm({VARIABLE: asked})


@pytest.mark.parametrize("environment", [{}, {VARIABLE: ""}])
def test_nothing_is_armed_unless_asked_for(environment: dict[str, str]) -> None:
    before = faults.reached
    arm(environment)
    assert faults.reached is before


def test_it_dies_at_its_point_the_time_it_was_told() -> None:
    done: list[str] = []
    deadly = Deadly(Point.COMMITTED, 2, lambda: done.append("died"))
    deadly(Point.COMMIT_SENT)
    deadly(Point.COMMITTED)
    assert done == []
    deadly(Point.COMMITTED)
    assert done == ["died"]


def test_a_last_act_comes_before_the_end_and_brings_it_about() -> None:
    done: list[str] = []
    deadly = Deadly(Point.HALF_CONFIRMED, 1, lambda: done.append("died"))

    def last_act(die: faults.Die) -> None:
        done.append("sent half")
        die()

    deadly(Point.HALF_CONFIRMED, last_act)
    assert done == ["sent half", "died"]
