"""Histories of many wearers from one seed: phases of trouble with the lengths that matter."""

from typing import Final

import numpy as np

from domain.batch import MISSING, NO_POSITION, READING, Rows, digests, in_order
from domain.instant import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from domain.people import LeaveWindow, Threshold
from domain.reading import Site
from tests.unit.rules.making import METRE_E7, NANJING, T0, Worn, minutes

KINDS: Final = (
    Worn(),
    Worn(site=Site.WRIST),
    Worn(site=Site.WRIST, interval_s=600),
    Worn(site=Site.FOREHEAD, interval_s=3600, spot=True),
    Worn(site=Site.ORAL, birth_year=2022),
    Worn(fever={Site.AXILLARY: Threshold(3700, "dr-03")}),
    Worn(leave=(LeaveWindow(minutes(30), minutes(200), "swab test"),)),
    Worn(spells=((T0 - DAY_US, minutes(300)), (minutes(400), None))),
)
EVERYWHERE: Final = tuple(range(6))
"""Kinds of which nothing depends on what day it is."""
_STEPS_US: Final = (
    *(1, SECOND_US, 30 * SECOND_US, 60 * SECOND_US, 120 * SECOND_US, 150 * SECOND_US),
    *(5 * MINUTE_US, 5 * MINUTE_US + 1, 10 * MINUTE_US, 15 * MINUTE_US, 20 * MINUTE_US),
    *(20 * MINUTE_US + 1, 30 * MINUTE_US, 12 * HOUR_US, 12 * HOUR_US + 1),
)
_NORTH_M: Final = (0, 30, 60, 104, 125, 300, 3000)
_SAYS: Final[dict[str, dict[str, tuple[int, ...]]]] = {
    "calm": {
        "temperature_cc": (3650, 3700, 3701),
        "pulse_bpm": (60, 90),
        "spo2_pct": (95, 98),
        "north_m": (0, 30),
        "worn": (-1, 1),
        "battery_pct": (30, 80),
    },
    "hot": {"temperature_cc": (3730, 3780, 3830, 3910), "site": (0, 0, 5)},
    "fast": {"pulse_bpm": (111, 120, 131, 40, 145, 165), "steps": (-1, 0, 0, 9)},
    "low": {"spo2_pct": (91, 92, 93, 93, 94)},
    "away": {"north_m": (104, 125, 300, 3000), "near_home": (-1, -1, -1, 0, 1)},
    "off": {"worn": (0, 0, 0, -1, 1), "temperature_cc": (2200, 3900)},
    "flat": {"battery_pct": (3, 15, 16, 29), "charging": (-1, 0, 0, 0, 1)},
    "mixed": {
        "temperature_cc": (3650, 3730, 3699, -1),
        "pulse_bpm": (0, 70, 115, 120),
        "spo2_pct": (-1, 90, 95, 97),
        "north_m": _NORTH_M,
        "worn": (-1, 0, 1),
    },
}
"""By phase, what its readings say."""
_PHASES: Final = tuple(_SAYS)


def histories(rng: np.random.Generator, wearers: int) -> Rows:
    """Rows of so many wearers, wearer n of kind n, in order; some have days and nights."""
    tuples: list[tuple[int, ...]] = []
    for slot in range(wearers):
        days = slot % 4 == 3
        tuples += _nights(rng, slot) if days else _phases(rng, slot)
    rows = np.array(tuples, dtype=READING)
    rows["digest"] = digests(rows)
    rows = in_order(rows)
    keys = rows[["slot", "measured_at", "digest"]]
    rows = np.asarray(rows[np.append(True, keys[1:] != keys[:-1])])
    rows["received_at"] = rows["measured_at"]
    return rows


def _phases(rng: np.random.Generator, slot: int) -> list[tuple[int, ...]]:
    at, found = T0, []
    for _ in range(int(rng.integers(3, 9))):
        phase = str(rng.choice(_PHASES))
        step_us = int(rng.choice(_STEPS_US[3:12] if rng.random() < 0.8 else _STEPS_US))
        for _ in range(int(rng.integers(1, 7))):
            at += step_us
            found.append(_reading(rng, slot, at, phase))
    return found


def _nights(rng: np.random.Generator, slot: int) -> list[tuple[int, ...]]:
    """Ten days of few readings: by day at one hour, by night a pulse."""
    found = []
    rise = int(rng.integers(4, 9))
    for day in range(10):
        noon = T0 + day * DAY_US + 4 * HOUR_US
        warm = 130 * (day >= rise)
        for n in range(5):
            value = 3400 + int(rng.integers(0, 20)) + warm
            found.append(_row(slot, noon + n * 5 * MINUTE_US, temperature_cc=value))
        if rng.random() < 0.9:
            night = T0 + day * DAY_US + 17 * HOUR_US
            for n in range(2):
                beats = 60 + int(rng.integers(0, 2)) + int(rng.choice((0, 3, 4, 6))) * (day > 4)
                found.append(_row(slot, night + n * HOUR_US, pulse_bpm=beats, steps=0))
    return found


def _reading(rng: np.random.Generator, slot: int, at: int, phase: str) -> tuple[int, ...]:
    said = _SAYS[phase]
    return _row(slot, at, **{name: int(rng.choice(values)) for name, values in said.items()})


def _row(slot: int, at: int, **given: int) -> tuple[int, ...]:
    north_m = given.pop("north_m", None)
    if north_m is not None:
        given["lat_e7"] = round(NANJING.lat * 1e7 + north_m * METRE_E7)
        given["lon_e7"] = round(NANJING.lon * 1e7)
        given["accuracy_dm"] = 150
    plain = dict.fromkeys(READING.names or (), 0) | MISSING | {"lon_e7": NO_POSITION}
    plain |= {"slot": slot, "device_no": slot + 1, "episode_no": slot + 1, "measured_at": at}
    return tuple((plain | given).values())
