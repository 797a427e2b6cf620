"""Whatever happens, robots are not overrun, and pages come through with nothing in their way."""

import os
from typing import Final

import pytest

from domain.instant import MINUTE_US
from rules.finding import Severity
from tests.simulation.notifying import lived

SEEDS: Final = [int(seed) for seed in os.environ.get("SEED", "").split()] or range(25)
STEPS: Final = 60
BOUND_US: Final = {Severity.URGENT: 2 * MINUTE_US, Severity.CRITICAL: MINUTE_US}
"""Until a page is told while robots answer, of six people who share four with more than these take:
a minute's messages, and one more for who is overtaken or told twice by a kill.
"""


@pytest.mark.parametrize("seed", SEEDS)
def test_robots_are_not_overrun_and_no_page_is_lost(
    seed: int, request: pytest.FixtureRequest
) -> None:
    world = lived(seed, STEPS)
    for each in world.robots.values():
        assert not each.too_many, each.address
    assert not world.waiting()
    assert not world.unsaid
    assert not world.held_by_routine
    request.node.user_properties += [
        ("restarts of a notifier", world.restarts),
        ("pages", len(world.told)),
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_while_robots_answer_every_page_is_told_within_its_time(seed: int) -> None:
    world = lived(seed, STEPS, faults=False)
    assert not world.waiting()
    for event, at in world.told.items():
        page = world.log.messages[event]
        severity = Severity[str(page.after["severity"]).upper()]
        assert at - page.at <= BOUND_US[severity]


def test_worlds_are_hard_enough_that_limits_matter() -> None:
    """The check can fail: without memory over restarts robots are overrun."""
    worlds = [lived(seed, STEPS, remembers=False) for seed in range(10)]
    assert sum(len(each.too_many) for world in worlds for each in world.robots.values()) > 10
