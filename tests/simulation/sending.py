"""What the devices of a simulated world send in an hour and a half, and when it comes."""

import json
import random
from typing import Any, NamedTuple

from domain.instant import MINUTE_US, SECOND_US, format_rfc3339, parse_rfc3339
from tests.simulation.devices import Message
from tests.simulation.people import SPARE, WEARERS

STARTED_AT = parse_rfc3339("2026-02-03T04:00:00Z")
MINUTES = 90
RESTARTED = 50
"""At this minute some devices begin a new boot."""


class Due(NamedTuple):
    """A message, and when the broker has it."""

    at: int
    message: Message


def sent(rng: random.Random) -> list[Due]:
    """A fever and a walk at random; delayed, doubled, poisoned, skipped. In order of `at`."""
    return sorted(due for n in range(WEARERS + SPARE) for due in _of_device(rng, n))


def _of_device(rng: random.Random, n: int) -> list[Due]:
    late = rng.choice((0, 0, 30, 60))
    boots = rng.choice(((None, None), ("a", "a"), ("a", "b")))
    clock_us = rng.choice((0, 0, -120 * SECOND_US, 90 * SECOND_US))
    stepped = rng.randint(20, 70)
    offline = rng.choice((range(0), range(rng.randint(0, 40), rng.randint(41, MINUTES))))
    never = {rng.randrange(3, RESTARTED - 1) for _ in range(rng.randint(0, 3))}
    says = _Wearer(rng)
    found: list[Due] = []
    for minute in (each for each in range(MINUTES) if each not in never):
        again = boots[0] != boots[1] and minute >= RESTARTED
        at = STARTED_AT + minute * MINUTE_US + rng.randint(0, SECOND_US)
        body = {
            "measured_at": format_rfc3339(at + clock_us * (minute >= stepped)),
            "boot": boots[again],
            "seq": minute - RESTARTED * again + 1,
            **says.at(minute),
        }
        if rng.random() < 0.05:
            body["temperature_c"] = "hot"
        comes = max(minute, offline.stop) if minute in offline else minute
        delay = rng.uniform(0, late) if rng.random() < 0.2 else rng.uniform(0, 0.5)
        due = Due(
            STARTED_AT + round((comes + delay) * MINUTE_US) + SECOND_US,
            (f"doorstep/v1/devices/w-{n}/readings", json.dumps(body).encode()),
        )
        found += [due] * (1 + (rng.random() < 0.05))
        if rng.random() < 0.03:
            found.append(Due(due.at, (due.message[0], due.message[1][:-5])))
    return found


class _Wearer:
    """One person's hour and a half."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._fever, self._walk = rng.randint(5, 60), rng.randint(5, 60)
        self._off, self._low, self._fast = (rng.randint(0, 2 * MINUTES) for _ in range(3))

    def at(self, minute: int) -> dict[str, Any]:
        """The quantities of one reading, as on the wire."""
        fever, walk, fast = minute - self._fever, minute - self._walk, minute - self._fast
        return {
            "temperature_c": 36.5 + 1.5 * (0 <= fever < 20) + self._rng.uniform(-0.2, 0.2),
            "lat": 32.0603 + 0.005 * (0 <= walk < 12),
            "lon": 118.7969,
            "accuracy_m": 12.0,
            "pulse_bpm": 70 + minute % 9 + 55 * (0 <= fast < 25),
            "spo2_pct": 97 - 6 * (0 <= fast < 12),
            "worn": not 0 <= minute - self._off < 30,
            "battery_pct": 60 - 50 * (0 <= minute - self._low < 40),
        }


def is_good(payload: bytes) -> bool:
    """Whether it is a reading; the others are spoilt for good."""
    return payload.endswith(b"}") and b"hot" not in payload
