"""The scenarios, as data: who has which incident when, and the wearers' fates that follow from it.

A scenario is a script (incidents promised at fixed times after its start) and, for a community, a
mix: what befalls the others, drawn for each wearer and each block of four days. A wearer has at
most one incident in a block, so incidents never overlap. Fates are a pure function of (scenario,
noise, number of wearers, start) and reach to the end of the episodes.
"""

from dataclasses import dataclass
from typing import Final

from domain.instant import DAY_US, HOUR_US, SECOND_US
from simulator.incident import Incident, Kind
from simulator.noise import Channel, Noise
from simulator.wearer import local_hour

BLOCK_US: Final = 4 * DAY_US
BLOCKS: Final = 15
HORIZON_US: Final = BLOCKS * BLOCK_US
"""Sixty days after the start: nothing is planned beyond, and the episodes end there."""
MIX_AFTER_US: Final = HOUR_US  # the first hour belongs to the script
_MARGIN_US: Final = 3 * HOUR_US  # between blocks, for a flat band to recharge


@dataclass(frozen=True, slots=True)
class Script:
    """One promised incident: of wearer `first`, and of every `every`-th after it (0: nobody else).

    Each further wearer follows `stagger_s` after the one before. Wearers that a small city lacks
    are left out.
    """

    kind: Kind
    first: int
    after_s: float
    lasts_s: float | None
    """None: for good."""
    every: int = 0
    stagger_s: float = 0.0
    size: float = 0.0
    onset_s: float = 0.0
    fall_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Fate:
    """One kind of incident in a mix."""

    kind: Kind
    weight: float
    lasts_h: tuple[float, float]
    size: tuple[float, float] = (0.0, 0.0)
    onset_h: tuple[float, float] = (0.0, 0.0)
    fall_h: tuple[float, float] = (0.0, 0.0)
    by_day: bool = False
    """Only between 8 and 20 o'clock local time."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named set of incidents."""

    name: str
    summary: str
    wearers: int
    """Unless the caller says how many."""
    interval_s: float = 60.0
    script: tuple[Script, ...] = ()
    mix: tuple[Fate, ...] = ()
    chance: float = 0.0
    """That something out of the mix befalls a wearer in a block of four days."""


# With 60 wearers: 60 x 0.34 / 4 is about five incidents a day, a realistic load for two doctors.
_COMMUNITY_CHANCE: Final = 0.34
_COMMUNITY_MIX: Final = (
    Fate(Kind.FEVER, 0.38, (14, 60), size=(1.6, 2.7), onset_h=(1, 3), fall_h=(2, 6)),
    Fate(Kind.OUT, 0.28, (0.4, 1.5), size=(200, 900), by_day=True),
    Fate(Kind.OFF, 0.10, (0.7, 3)),
    Fate(Kind.OFFLINE, 0.10, (0.4, 2)),
    Fate(Kind.DEAD, 0.06, (3, 12)),
    Fate(Kind.FLAT, 0.08, (9, 16), onset_h=(4, 6)),
)
_MINUTE_S: Final = 60.0
_HOUR_S: Final = 3600.0

SCENARIOS: Final = {
    scenario.name: scenario
    for scenario in (
        Scenario("calm", "everybody is well, at home and wears a charged band", wearers=10),
        Scenario(
            "fever",
            "every third wearer falls ill: a fever from minute 2, over after 12 hours",
            wearers=6,
            script=(
                Script(
                    Kind.FEVER,
                    first=0,
                    every=3,
                    stagger_s=_MINUTE_S,
                    after_s=2 * _MINUTE_S,
                    lasts_s=12 * _HOUR_S,
                    size=2.2,
                    onset_s=150,
                    fall_s=3 * _HOUR_S,
                ),
            ),
        ),
        Scenario(
            "walkout",
            "every third wearer walks 350 m away at minute 5 and is back at minute 25",
            wearers=6,
            script=(
                Script(
                    Kind.OUT,
                    first=0,
                    every=3,
                    stagger_s=_MINUTE_S,
                    after_s=5 * _MINUTE_S,
                    lasts_s=20 * _MINUTE_S,
                    size=350,
                ),
            ),
        ),
        Scenario(
            "dead-band",
            "every third band stops for good at minute 3",
            wearers=6,
            script=(
                Script(
                    Kind.DEAD,
                    first=0,
                    every=3,
                    stagger_s=_MINUTE_S,
                    after_s=3 * _MINUTE_S,
                    lasts_s=None,
                ),
            ),
        ),
        Scenario(
            "community",
            "a fever, a walk and a dead band in the first minutes, then about five incidents a day"
            " for every 60 wearers",
            wearers=60,
            script=(
                Script(
                    Kind.FEVER,
                    first=0,
                    after_s=2 * _MINUTE_S,
                    lasts_s=20 * _HOUR_S,
                    size=2.2,
                    onset_s=150,
                    fall_s=4 * _HOUR_S,
                ),
                Script(
                    Kind.OUT,
                    first=1,
                    after_s=5 * _MINUTE_S,
                    lasts_s=20 * _MINUTE_S,
                    size=350,
                ),
                Script(Kind.DEAD, first=2, after_s=3 * _MINUTE_S, lasts_s=10 * _HOUR_S),
                Script(Kind.OFF, first=3, after_s=70 * _MINUTE_S, lasts_s=_HOUR_S),
                Script(Kind.OFFLINE, first=4, after_s=100 * _MINUTE_S, lasts_s=40 * _MINUTE_S),
                Script(
                    Kind.FLAT,
                    first=5,
                    after_s=62 * _MINUTE_S,
                    lasts_s=9 * _HOUR_S,
                    onset_s=3 * _HOUR_S,
                ),
            ),
            mix=_COMMUNITY_MIX,
            chance=_COMMUNITY_CHANCE,
        ),
    )
}
"""By name, in the order `simulate ls` shows them."""


def fates(
    scenario: Scenario, noise: Noise, wearers: int, start_at: int
) -> tuple[tuple[Incident, ...], ...]:
    """What happens to each wearer from `start_at` on, in order of time."""
    return tuple(_fate(scenario, noise, index, start_at) for index in range(wearers))


def _fate(scenario: Scenario, noise: Noise, index: int, start_at: int) -> tuple[Incident, ...]:
    own = Noise.of(noise.key, "fate", index)
    scripted = [
        _scripted(script, own, index, start_at)
        for script in scenario.script
        if _concerns(script, index)
    ]
    first = 1 if scripted else 0
    drawn = [_drawn(scenario, own, block, start_at) for block in range(first, BLOCKS)]
    return (*scripted, *(incident for incident in drawn if incident is not None))


def _concerns(script: Script, index: int) -> bool:
    if script.every == 0:
        return index == script.first
    return index >= script.first and (index - script.first) % script.every == 0


def _scripted(script: Script, own: Noise, index: int, start_at: int) -> Incident:
    turn = (index - script.first) // script.every if script.every else 0
    from_at = start_at + int((script.after_s + turn * script.stagger_s) * SECOND_US)
    return Incident(
        kind=script.kind,
        from_at=from_at,
        to_at=None if script.lasts_s is None else from_at + int(script.lasts_s * SECOND_US),
        size=script.size,
        onset_s=script.onset_s,
        fall_s=script.fall_s,
        bearing_deg=own.between(Channel.INCIDENT, -1, 0.0, 360.0),
    )


def _drawn(scenario: Scenario, own: Noise, block: int, start_at: int) -> Incident | None:
    n = 16 * block
    if own.uniform(Channel.INCIDENT, n) >= scenario.chance:
        return None
    fate = _pick(scenario.mix, own.uniform(Channel.INCIDENT, n + 1))
    lasts_us = int(own.between(Channel.INCIDENT, n + 2, *fate.lasts_h) * HOUR_US)
    earliest = start_at + block * BLOCK_US + (MIX_AFTER_US if block == 0 else 0)
    latest = start_at + (block + 1) * BLOCK_US - _MARGIN_US - lasts_us
    from_at = int(own.between(Channel.INCIDENT, n + 3, earliest, latest))
    if fate.by_day and not 8.0 <= local_hour(from_at) < 20.0:
        from_at += DAY_US // 2
        if from_at > latest:
            return None
    return Incident(
        kind=fate.kind,
        from_at=from_at,
        to_at=from_at + lasts_us,
        size=own.between(Channel.INCIDENT, n + 4, *fate.size),
        onset_s=3600.0 * own.between(Channel.INCIDENT, n + 5, *fate.onset_h),
        fall_s=3600.0 * own.between(Channel.INCIDENT, n + 6, *fate.fall_h),
        bearing_deg=own.between(Channel.INCIDENT, n + 7, 0.0, 360.0),
    )


def _pick(mix: tuple[Fate, ...], draw: float) -> Fate:
    left = draw * sum(fate.weight for fate in mix)
    for fate in mix:
        left -= fate.weight
        if left < 0.0:
            return fate
    return mix[-1]
