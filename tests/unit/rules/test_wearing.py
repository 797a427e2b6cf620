"""Who wore a device when."""

from dataclasses import replace

import pytest

from domain.people import Assignment
from rules.rulebook import DEFAULT
from rules.slots import NO_SLOT
from rules.wearers import Wearers
from rules.wearing import Wearing
from tests.unit.rules.making import Worn, minutes, roster_of

ROSTER = replace(
    roster_of(Worn(), Worn()),
    assignments={
        1: (Assignment(1, 1, minutes(0), minutes(10)), Assignment(1, 2, minutes(20), None)),
        2: (
            Assignment(2, 2, minutes(0), minutes(5)),
            Assignment(2, 1, minutes(5), minutes(7)),
            Assignment(2, 2, minutes(8), None),
        ),
    },
)
WEARERS = Wearers.of(ROSTER, DEFAULT)


@pytest.mark.parametrize(
    ("device_no", "minute", "episode_no"),
    [
        *((1, 0, 1), (1, 9, 1), (1, 10, None), (1, 19, None), (1, 20, 2)),
        *((2, 4, 2), (2, 5, 1), (2, 7, None), (2, 8, 2), (3, 8, None)),
    ],
)
def test_it_is_whoever_wore_it_then(device_no: int, minute: int, episode_no: int | None) -> None:
    slot = Wearing.of(WEARERS).slot(device_no, minutes(minute))
    wanted = NO_SLOT if episode_no is None else WEARERS.slots[episode_no, device_no]
    assert slot == wanted
