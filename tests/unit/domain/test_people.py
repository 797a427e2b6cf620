"""Who wears which device when."""

from dataclasses import replace

import pytest

from domain.people import EMPTY_ROSTER, Assignment
from tests.unit.rules.making import Worn, minutes, roster_of

ROSTER = replace(
    roster_of(Worn(starts_at=minutes(0), ends_at=minutes(100)), Worn(starts_at=minutes(0))),
    assignments={
        1: (
            Assignment(1, 1, minutes(-10), minutes(20)),
            Assignment(1, 2, minutes(20), minutes(40)),
            Assignment(1, 1, minutes(50), None),
        )
    },
)


@pytest.mark.parametrize(
    ("minute", "episode_no"),
    [
        (-10, None),
        (0, 1),
        (19, 1),
        (20, 2),
        (40, None),
        (50, 1),
        (99, 1),
        (100, None),
    ],
)
def test_the_assignment_that_covers_an_instant_in_a_running_episode(
    minute: int, episode_no: int | None
) -> None:
    assignment = ROSTER.assigned(1, minutes(minute))
    assert (assignment and assignment.episode_no) == episode_no


def test_devices_nobody_knows() -> None:
    assert ROSTER.assigned(9, minutes(0)) is None
    assert EMPTY_ROSTER.assigned(1, minutes(0)) is None
