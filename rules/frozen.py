"""A value that does not change: since when, and over how many readings.

One stretch of equal values is kept of temperature and of pulse, for everybody. Only what is on the
body counts; off the body, a stretch begins anew. When it began is known to the minute, which is all
that six hours ask for. `after_rows` takes many wearers' readings at once, `after` one reading; they
come to the same, and a test holds them to it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.batch import MISSING, Rows
from domain.instant import MINUTE_US
from rules.rulebook import DeviceFault
from rules.stretches import Stretches
from rules.touched import Touched

OFF: Final = 0
"""The value of what is off the body."""
_WRAP: Final = 1 << 16
"""Minutes are kept modulo this: 45 days, longer than any reading we accept is old."""
_MOST: Final = 255

Numbers = npt.NDArray[np.int64]

Cells = tuple[int, int, int]
"""(value, the minute since which it is so, over how many readings)."""


def said(rows: Rows, quantity: str, most: int) -> Numbers:
    """The value of each row, as it is kept; `OFF`, and -1 where it says nothing. Shape (n,)."""
    off = (rows["worn"] == 0) | (rows["pulse_bpm"] == 0)
    value = rows[quantity].astype(np.int64)
    kept = np.where(value == MISSING[quantity], -1, np.minimum(value, most))
    return np.where(off, OFF, kept)


def after(cells: Cells, value: int, at: int) -> Cells:
    """The stretch after one more value. `at` in microseconds."""
    before, since, n = cells
    if value != OFF and value == before and n:
        return value, since, min(n + 1, _MOST)
    return value, at // MINUTE_US % _WRAP, int(value != OFF)


def lasts_min(cells: Cells, at: int) -> int:
    """How long it has been so by `at`, in minutes."""
    return (at // MINUTE_US - cells[1]) % _WRAP


def is_frozen(cells: Cells, at: int, figures: DeviceFault) -> bool:
    """Whether that is a sensor which does not change."""
    long = lasts_min(cells, at) >= figures.frozen_s // 60
    return long and cells[2] >= figures.frozen_readings


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """What the readings of many wearers come to. Not written down yet."""

    whose: Numbers
    """Places in the states, ascending; those of whom something was said. Shape (k,)."""
    value: Numbers
    since: Numbers
    n: Numbers
    froze: npt.NDArray[np.bool_]
    """Whether it was frozen at some time meanwhile. Shape (k,)."""

    def write(self, states: Touched, column: str, which: npt.NDArray[np.bool_]) -> None:
        """Writes down those of `which`, by place in the states. Shape (len(states),)."""
        mine = np.flatnonzero(which[self.whose])
        places = self.whose[mine]
        rows = states[column][places]
        rows["value"], rows["since"], rows["n"] = self.value[mine], self.since[mine], self.n[mine]
        states[column][places] = rows


def after_rows(
    known: npt.NDArray[np.void], group: Numbers, values: Numbers, at: Numbers, figures: DeviceFault
) -> Taken:
    """The stretches after rows of which each says something; `group` tells whose, and rises."""
    if not len(group):
        none = np.empty(0, dtype=np.int64)
        return Taken(none, none, none, none, np.empty(0, dtype=np.bool_))
    stretches = Stretches.of(group, values)
    whose, value = stretches.group, stretches.span
    begins = np.ones(len(whose), dtype=np.bool_)
    begins[1:] = whose[1:] != whose[:-1]
    goes_on = begins & (known["value"][whose] == value) & (known["n"][whose] > 0)
    n = stretches.until - stretches.first + np.where(goes_on, known["n"][whose].astype(np.int64), 0)
    n = np.where(value != OFF, np.minimum(n, _MOST), 0)
    began = at[stretches.first] // MINUTE_US % _WRAP
    # What is off the body is no stretch: its newest reading is all there is of it.
    newest = at[stretches.until - 1] // MINUTE_US % _WRAP
    since = np.where(goes_on, known["since"][whose].astype(np.int64), began)
    since = np.where(value == OFF, newest, since)
    length = (newest - since) % _WRAP
    frozen = (n >= figures.frozen_readings) & (length >= figures.frozen_s // 60)
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(whose)) - 1
    froze = np.logical_or.reduceat(frozen, first)
    return Taken(whose[last], value[last], since[last], n[last], froze)
