"""What the devices of a crash run send, and what must come of it. All of it follows from the seed.

A reading a minute from each wearer, up to the present. Some have fevers, long enough to be found or
too short; some cross the fence. Some messages come late or twice, some hold the readings of half an
hour without reception, and some are poison.
"""

import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from domain.instant import DAY_US, MINUTE_US, format_rfc3339
from domain.people import Home
from domain.reading import Datum, Site
from rules.finding import Finding
from tests.acceptance import publishing
from tests.unit.rules import oracle
from tests.unit.rules.making import Worn

MINUTES = 180
"""Readings of each wearer. The oracle's work grows with the square of it."""
FEWEST_WEARERS = 12
GRIDS = ("grid-01", "grid-02")
STAFF = {"dr-01": GRIDS[:1], "dr-02": GRIDS[1:], "sup-01": GRIDS}
"""Who listens to which grids."""
BOOT = "b1"
"""Of every device. Its numbers begin with 1: 0 would be called committed in any case."""
NORTH_DEG = 0.005
"""556 m on any sphere: clearly outside, however the distance is measured."""


@dataclass(frozen=True, slots=True)
class Message:
    """One MQTT message; `reason` is why it is to be rejected, empty when it is accepted."""

    topic: str
    payload: bytes
    reason: str = ""
    first: int = 0
    """The number of the reading it begins with,"""
    count: int = 0
    """and how many it holds. Poison has no numbers."""

    @property
    def device(self) -> str:
        """Whose it is, by its topic."""
        return self.topic.split("/")[3]

    @property
    def numbers(self) -> int:
        """Those of its readings, a bit each."""
        return ((1 << self.count) - 1) << self.first


@dataclass(frozen=True)
class Traffic:
    """Everything that is sent, in order, and the readings in it."""

    messages: list[Message]
    readings: dict[str, list[dict[str, Any]]]
    """By device, in order of time."""
    roster: dict[str, Any]
    worn: dict[str, Worn] = field(repr=False)

    def findings(self, device: str) -> list[Finding]:
        """What the oracle holds to be so of one wearer."""
        return oracle.findings(self.worn[device], self.readings[device])


FEVERS: Final = (1.2, 0.4)
"""How many spells of fever every third wearer has, and how many the others, on average."""


def traffic(
    rng: random.Random, now: int, count: int, fevers: tuple[float, float] = FEVERS
) -> Traffic:
    """About `count` messages, the newest reading in them a minute before `now`."""
    wearers = max(FEWEST_WEARERS, count // MINUTES)
    devices = [f"w-{n:04d}" for n in range(wearers)]
    sites = {device: rng.choice((Site.AXILLARY,) * 4 + (Site.WRIST,)) for device in devices}
    home = Home(Datum.WGS84, *publishing.HOME, 50.0)
    begin, end = now - DAY_US, now + DAY_US
    always = Worn(home=home, starts_at=begin, ends_at=end, spells=((begin, None),))
    readings: dict[str, list[dict[str, Any]]] = {}
    sent: list[tuple[float, int, Message]] = []
    for n, device in enumerate(devices):
        mean = fevers[0] if n % 3 == 0 else fevers[1]
        readings[device] = list(_life(rng, now - MINUTES * MINUTE_US + n, n, mean))
        for minute, message in _delivery(rng, device, readings[device]):
            sent.append((minute, len(sent), message))
    for n in range(max(3, count // 200)):
        # Before the last reading: whatever is receipted in the end, poison has passed before it.
        minute = rng.uniform(0, MINUTES - 1)
        sent.append((minute, len(sent), _poison(rng, rng.choice(devices), n, now)))
    return Traffic(
        messages=[message for _, _, message in sorted(sent)],
        readings=readings,
        roster=_roster(now, sites),
        worn={device: replace(always, site=sites[device]) for device in devices},
    )


def _life(
    rng: random.Random, started_at: int, number: int, fevers: float
) -> Iterator[dict[str, Any]]:
    """One wearer's readings. Hundredths of a degree differ, so that no two readings are alike."""
    warm = _spells(rng, fevers, 45)
    away = _spells(rng, 1.0 if number % 4 == 0 else 0.2, 12)
    top = rng.choice((150, 150, 280))
    for minute in range(MINUTES):
        yield {
            "measured_at": started_at + minute * MINUTE_US,
            "seq": minute + 1,
            "temperature_cc": 3640 + rng.randint(-30, 30) + top * warm[minute],
            "site": int(Site.NOT_GIVEN),
            "lat_e7": round((publishing.HOME[0] + NORTH_DEG * away[minute]) * 1e7),
            "lon_e7": round(publishing.HOME[1] * 1e7),
            "accuracy_dm": 120,
            "near_home": 0,
        }


def _spells(rng: random.Random, mean: float, longest: int) -> list[bool]:
    """For each minute whether it is in one of about `mean` spells, of a length at random."""
    spell = [False] * MINUTES
    for _ in range(int(mean) + (rng.random() < mean % 1)):
        begin, length = rng.randrange(MINUTES), rng.randint(1, longest)
        spell[begin : begin + length] = [True] * len(spell[begin : begin + length])
    return spell


def _delivery(
    rng: random.Random, device: str, readings: list[dict[str, Any]]
) -> Iterator[tuple[float, Message]]:
    """One wearer's messages, each with the minute it is sent in."""
    held: list[dict[str, Any]] = []
    dark_until = -1
    for minute, reading in enumerate(readings):
        if minute > dark_until and rng.random() < 0.005:
            dark_until = minute + rng.randint(2, 30)
        held.append(reading)
        if minute < dark_until and minute < MINUTES - 1:
            continue
        message = _message(device, held)
        held = []
        delay = rng.uniform(0, 30) if rng.random() < 0.01 else rng.random()
        yield minute + delay, message
        if rng.random() < 0.01:
            yield minute + delay + rng.uniform(0, 30), message


def _message(device: str, readings: list[dict[str, Any]]) -> Message:
    topic, payload = publishing.encoded(device, [_wire(each) for each in readings])
    return Message(sys.intern(topic), payload, first=readings[0]["seq"], count=len(readings))


def _wire(reading: dict[str, Any]) -> dict[str, object]:
    return publishing.reading(
        reading["measured_at"],
        boot=BOOT,
        seq=reading["seq"],
        temperature_c=reading["temperature_cc"] / 100,
        lat=reading["lat_e7"] / 1e7,
        lon=reading["lon_e7"] / 1e7,
        accuracy_m=12.0,
    )


def _poison(rng: random.Random, device: str, number: int, now: int) -> Message:
    """What must be rejected, each one unlike any other."""
    reason = rng.choice(("not_json", "unknown_device", "time_in_future", "out_of_range"))
    measured_at = now - DAY_US + number
    match reason:
        case "not_json":
            return Message(publishing.topic(device), b'{"poison": %d' % number, reason)
        case "unknown_device":
            where = publishing.topic(f"nobody-{number}")
        case "time_in_future":
            where, measured_at = publishing.topic(device), now + 30 * DAY_US + number
        case _:
            where = publishing.topic(device)
    temperature_c = 99.0 if reason == "out_of_range" else 36.6
    body = {"measured_at": format_rfc3339(measured_at), "temperature_c": temperature_c}
    return Message(where, json.dumps(body).encode(), reason)


def _roster(now: int, sites: dict[str, Site]) -> dict[str, Any]:
    """The roster of the acceptance tests, with a second grid, more staff, and these sites."""
    document = publishing.roster(now, len(sites))
    document["grids"] = [{"id": grid, "community": "c-01", "name": grid} for grid in GRIDS]
    document["staff"] = [
        {"id": id_, "name": id_, "role": "doctor", "grids": list(grids)}
        for id_, grids in STAFF.items()
    ]
    for n, (device, episode) in enumerate(
        zip(document["devices"], document["episodes"], strict=True)
    ):
        device["site"] = sites[device["id"]].word
        episode["grid"] = GRIDS[n % 2]
    return document
