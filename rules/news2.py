"""NEWS2 points for what a band can measure: three of the score's seven parameters.

The table is the chart of the Royal College of Physicians (National Early Warning Score 2, 2017),
SpO2 on scale 1. It is for people of 16 and older who are not pregnant. Because four parameters are
missing, the sum is never called NEWS2, only *partial NEWS2*.

For children there is no such sum. Their pulse is held against the range for their age (Advanced
Paediatric Life Support; its upper ends up to five years are also the amber lines of NICE NG143):
above it counts as 2 points, 20 above as 3, as the step from 111 to 131 does for adults. Asleep,
children go below these ranges (Fleming et al., Lancet 2011), so that only 30 below counts, as 3.
From 12 years the range is that of adults, and so are the points. Of whom the age is not known, the
adults' table holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

ADULT: Final = 16
"""Years from which NEWS2 is meant."""


class PulseBand(NamedTuple):
    """Beats a minute at rest."""

    until_age: int
    """Years; the band is for those younger."""
    low: int
    """3 points here and below."""
    high: int
    """2 points here and above,"""
    very_high: int
    """and 3 here."""


CHILDREN: Final = (
    PulseBand(1, 80, 161, 181),
    PulseBand(2, 70, 151, 171),
    PulseBand(5, 64, 141, 161),
    PulseBand(12, 50, 121, 141),
)
"""In order of age."""

TEMPERATURE: Final = "temperature"
PULSE: Final = "pulse"
OXYGEN: Final = "oxygen"


@dataclass(frozen=True, slots=True)
class Partial:
    """The points of those parameters that are known, in the order of their names above."""

    points: Mapping[str, int]

    @property
    def total(self) -> int:
        """At most 9 of NEWS2's 20."""
        return sum(self.points.values())

    @property
    def missing(self) -> tuple[str, ...]:
        """The parameters of which nothing is known."""
        return tuple(each for each in (TEMPERATURE, PULSE, OXYGEN) if each not in self.points)


def partial(
    temperature_cc: int | None, pulse_bpm: int | None, spo2_pct: int | None, age: int | None
) -> Partial | None:
    """The points of an adult, or of whom the age is not known; None for a child.

    `temperature_cc` is of a core-like site, centi-degrees; the skin says nothing here.
    """
    if age is not None and age < ADULT:
        return None
    points = {}
    if temperature_cc is not None:
        points[TEMPERATURE] = temperature_points(temperature_cc)
    if pulse_bpm is not None:
        points[PULSE] = pulse_points(pulse_bpm)
    if spo2_pct is not None:
        points[OXYGEN] = spo2_points(spo2_pct)
    return Partial(points)


def temperature_points(temperature_cc: int) -> int:
    """Of centi-degrees at a core-like site. The chart knows tenths: halves go up."""
    tenths = (temperature_cc + 5) // 10
    if tenths <= 350:
        return 3
    if tenths >= 391:
        return 2
    return int(tenths <= 360 or tenths >= 381)


def pulse_points(pulse_bpm: int) -> int:
    """Of an adult's beats a minute at rest."""
    if pulse_bpm <= 40 or pulse_bpm >= 131:
        return 3
    if pulse_bpm >= 111:
        return 2
    return int(pulse_bpm <= 50 or pulse_bpm >= 91)


def spo2_points(spo2_pct: int) -> int:
    """Of per cent, on scale 1."""
    return 3 if spo2_pct <= 91 else 2 if spo2_pct <= 93 else int(spo2_pct <= 95)


def child_band(age: int) -> PulseBand | None:
    """The band of a child of so many years; None where the adults' table holds."""
    return next((band for band in CHILDREN if age < band.until_age), None)


def child_bounds(
    ages: npt.NDArray[np.integer[Any]],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(low, high, very_high) for children under 12. Shapes of `ages`."""
    table = np.array(CHILDREN)
    row = np.searchsorted(table[:, 0], ages, side="right")
    return table[row, 1], table[row, 2], table[row, 3]
