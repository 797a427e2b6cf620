"""Promises 1 and 2 over seeded worlds: whatever the faults and whenever the roster was corrected,
the same accepted readings, once each, and the findings of one calm pass over them in order that
knew it all from the start; and receipts that never claim too much."""

import os
import random
import sys
from collections import Counter

import pytest

from rules.finding import Rule
from tests.simulation.calm import calm
from tests.simulation.changes import KINDS
from tests.simulation.checkers import checkers, throughout
from tests.simulation.devices import covered, number
from tests.simulation.people import roster
from tests.simulation.sending import STARTED_AT, sent
from tests.simulation.world import World

SEEDS = [int(seed) for seed in os.environ.get("SEED", "").split()] or range(200)
"""`make sim SEED=7` runs one, and prints its trace."""
ROUNDS = 3
"""So often devices send again what is not receipted."""


def _world(seed: int) -> World:
    """What is so throughout is looked at throughout."""
    always = throughout()

    def watch(world: World) -> None:
        for checker in always:
            checker.check(world)

    return World(seed, roster(STARTED_AT), sent(random.Random(seed)), watch)


@pytest.mark.parametrize("seed", SEEDS)
def test_faults_change_nothing(seed: int, request: pytest.FixtureRequest) -> None:
    world = _world(seed)
    world.run()
    if "SEED" in os.environ:
        told = [f"{step.event.kind.value} {step.after.summary}" for step in world.ledger.steps]
        sys.stdout.write("\n".join([*world.trace, *told, ""]))
    for checker in checkers(calm(world)):
        checker.check(world)
    request.node.user_properties += [*world.troubles.items(), ("worlds", 1)]
    request.node.user_properties.append(("alert events", len(world.ledger.steps)))
    _receipts_cover_everything(world)


def _receipts_cover_everything(world: World) -> None:
    """At once where there was one process and no receipt was too short to tell all that misses;
    else once devices have sent again what they hold.

    What was claimed on the way is checked at each receipt, see `tests.simulation.devices`.
    """
    held = world.devices.held(world.sent)
    assert not held or world.starts > 1 or world.ledger.crowded
    for _ in range(ROUNDS):
        world.send_again(held)
        world.run_calmly()
        held = world.devices.held(world.sent)
    assert not held
    numbers = {number(*message) for message in world.sent}
    for boot, said in world.devices.heard.items():
        assert covered(said) == {seq for of, seq in numbers if of == boot and seq is not None}
    if world.ledger.crowded:
        return
    assert sum(len(ranges) for ranges in world.ledger.gaps.values()) == sum(
        len(missing)
        for said in world.devices.heard.values()
        if isinstance(missing := said["missing"], list)
    )


def test_the_worlds_are_not_empty() -> None:
    """Fevers and walks are found at all, and all that can change does: otherwise the comparison
    above would hold of nothing."""
    found: set[Rule] = set()
    befell: Counter[str] = Counter()
    for seed in range(20):
        world = _world(seed)
        world.run()
        found |= {finding.key.rule for finding in calm(world)}
        befell += world.troubles
    vitals = {Rule.FEVER, Rule.PULSE, Rule.OXYGEN}
    assert found == vitals | {Rule.LEFT_HOME, Rule.NOT_WORN, Rule.BATTERY_LOW}
    assert {*KINDS} <= {*befell}


def test_a_seed_gives_one_trace() -> None:
    """The same seed, the same world, step by step."""
    traces = []
    for _ in range(2):
        world = _world(7)
        world.run()
        traces.append(world.trace)
    assert traces[0] == traces[1]
