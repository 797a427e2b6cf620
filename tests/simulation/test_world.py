"""Promises 1 and 2 over seeded worlds: whatever the faults, the same accepted readings, once each,
and the findings of one calm pass over them in order; and receipts that never claim too much."""

import json
import os
import random
import sys

import numpy as np
import pytest

from domain.instant import DAY_US, MINUTE_US, format_rfc3339, parse_rfc3339
from domain.people import Assignment, Device, Episode, Home, Roster
from domain.reading import Datum, Site
from rules.engine import replay
from rules.finding import Finding, Rule
from rules.rulebook import DEFAULT
from rules.wearers import Wearers
from tests.simulation.checkers import checkers
from tests.simulation.devices import covered, number
from tests.simulation.world import World

SEEDS = [int(seed) for seed in os.environ.get("SEED", "").split()] or range(200)
"""`make sim SEED=7` runs one, and prints its trace."""
STARTED_AT = parse_rfc3339("2026-02-03T04:00:00Z")
WEARERS = 4
MINUTES = 90
RESTARTED = 50
"""At this minute some devices begin a new boot."""
ROUNDS = 3
"""So often devices send again what is not receipted."""


def _roster() -> Roster:
    devices = {
        f"w-{n}": Device(n + 1, f"w-{n}", "band-a", Site.AXILLARY, 60, spot=False)
        for n in range(WEARERS)
    }
    episodes = {
        n + 1: Episode(
            no=n + 1,
            id=f"e-{n}",
            starts_at=STARTED_AT - DAY_US,
            ends_at=STARTED_AT + 14 * DAY_US,
            home=Home(Datum.WGS84, 32.0603, 118.7969, 50.0),
            birth_year=1970,
        )
        for n in range(WEARERS)
    }
    assignments = {
        n + 1: (Assignment(n + 1, n + 1, STARTED_AT - DAY_US, None),) for n in range(WEARERS)
    }
    return Roster(1, devices, episodes, assignments)


def _messages(rng: random.Random) -> list[tuple[str, bytes]]:
    """An hour and a half, a fever and a walk at random; delayed, doubled, poisoned, skipped."""
    sent: list[tuple[float, str, bytes]] = []
    for n in range(WEARERS):
        fever = rng.randint(5, 60)
        walk = rng.randint(5, 60)
        late = rng.choice((0, 0, 30, 60))
        boots = rng.choice(((None, None), ("a", "a"), ("a", "b")))
        clock_us = rng.choice((0, 0, -120_000_000, 90_000_000))
        stepped = rng.randint(20, 70)
        off, low, fast = (rng.randint(0, 2 * MINUTES) for _ in range(3))
        never = {rng.randrange(3, RESTARTED - 1) for _ in range(rng.randint(0, 3))}
        for minute in range(MINUTES):
            if minute in never:
                continue
            again = boots[0] != boots[1] and minute >= RESTARTED
            at = STARTED_AT + minute * MINUTE_US + rng.randint(0, 1_000_000)
            at += clock_us * (minute >= stepped)
            body = {
                "measured_at": format_rfc3339(at),
                "boot": boots[again],
                "seq": minute - RESTARTED * again + 1,
                "temperature_c": 36.5
                + 1.5 * (fever <= minute < fever + 20)
                + rng.uniform(-0.2, 0.2),
                "lat": 32.0603 + 0.005 * (walk <= minute < walk + 12),
                "lon": 118.7969,
                "accuracy_m": 12.0,
                "pulse_bpm": 70 + minute % 9 + 55 * (fast <= minute < fast + 25),
                "spo2_pct": 97 - 6 * (fast <= minute < fast + 12),
                "worn": not off <= minute < off + 30,
                "battery_pct": 60 - 50 * (low <= minute < low + 40),
            }
            if rng.random() < 0.05:
                body["temperature_c"] = "hot"
            delay = rng.uniform(0, late) if rng.random() < 0.2 else rng.uniform(0, 0.5)
            payload = json.dumps(body).encode()
            topic = f"doorstep/v1/devices/w-{n}/readings"
            sent += [(minute + delay, topic, payload)] * (1 + (rng.random() < 0.05))
            if rng.random() < 0.03:
                sent.append((minute, topic, payload[:-5]))
    return [(topic, payload) for _, topic, payload in sorted(sent)]


def _calm(world: World) -> set[Finding]:
    """What one pass over everything stored, in order, finds."""
    wearers = Wearers.of(_roster(), DEFAULT)
    rows = world.ledger.rows()
    found: set[Finding] = set()
    for (episode_no, device_no), slot in wearers.slots.items():
        mine = rows[(rows["episode_no"] == episode_no) & (rows["device_no"] == device_no)].copy()
        mine["slot"] = slot
        found |= set(replay(mine, np.array([slot]), wearers, DEFAULT)[1][0])
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_faults_change_nothing(seed: int, request: pytest.FixtureRequest) -> None:
    messages = _messages(random.Random(seed))
    world = World(seed, _roster(), messages, STARTED_AT + MINUTES * MINUTE_US)
    world.run()
    every = {payload for _, payload in messages}
    good = {payload for payload in every if payload.endswith(b"}") and b"hot" not in payload}
    assert len(world.ledger.stored) == len(good), world.faults
    assert {payload for _, payload in world.acked} == every
    assert {message.payload for message in world.ledger.rejected} == every - good
    for checker in checkers(_calm(world)):
        checker.check(world)
    if "SEED" in os.environ:
        told = [f"{step.event.kind.value} {step.after.summary}" for step in world.ledger.steps]
        sys.stdout.write("\n".join([*world.trace, *told, ""]))
    request.node.user_properties += [*world.troubles.items(), ("worlds", 1)]
    request.node.user_properties.append(("alert events", len(world.ledger.steps)))
    _receipts_cover_everything(world, messages)


def _receipts_cover_everything(world: World, messages: list[tuple[str, bytes]]) -> None:
    """At once where no process died; else once devices have sent again what they hold.

    What was claimed on the way is checked at each receipt, see `tests.simulation.devices`.
    """
    held = world.devices.held(messages)
    assert not held or world.crashes
    for _ in range(ROUNDS):
        world.send_again(held)
        world.run_calmly()
        held = world.devices.held(messages)
    assert not held
    sent = {number(*message) for message in messages}
    for boot, said in world.devices.heard.items():
        numbers = {seq for of, seq in sent if of == boot and seq is not None}
        assert covered(said) == numbers
    gaps = {pair: ranges for pair, ranges in world.ledger.gaps.items() if ranges}
    assert sum(len(ranges) for ranges in gaps.values()) == sum(
        len(missing)
        for said in world.devices.heard.values()
        if isinstance(missing := said["missing"], list)
    )


def test_the_worlds_are_not_empty() -> None:
    """Fevers and walks are found at all: otherwise the comparison above would hold of nothing."""
    world = World(0, _roster(), _messages(random.Random(0)), STARTED_AT + MINUTES * MINUTE_US)
    world.run()
    assert {finding.key.rule for finding in _calm(world)} >= {Rule.FEVER, Rule.LEFT_HOME}
    found: set[Rule] = set()
    for seed in range(12):
        messages = _messages(random.Random(seed))
        world = World(seed, _roster(), messages, STARTED_AT + MINUTES * MINUTE_US)
        world.run()
        found |= {finding.key.rule for finding in _calm(world)}
    vitals = {Rule.FEVER, Rule.PULSE, Rule.OXYGEN}
    assert found == vitals | {Rule.LEFT_HOME, Rule.NOT_WORN, Rule.BATTERY_LOW}


def test_a_seed_gives_one_trace() -> None:
    """The same seed, the same world, step by step."""
    traces = []
    for _ in range(2):
        world = World(7, _roster(), _messages(random.Random(7)), STARTED_AT + MINUTES * MINUTE_US)
        world.run()
        traces.append(world.trace)
    assert traces[0] == traces[1]
