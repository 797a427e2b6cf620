"""`pulse`: a pulse at rest that NEWS2 gives two or three points, held for ten minutes.

Theory of operation. A reading counts only at rest, which is when its `steps` are 0 or not given:
whoever walks has another pulse, so that a reading with steps is no evidence either way and is
passed over. So are readings without contact (pulse 0) and muted ones (`rules.not_worn`). Points are
those of `rules.news2`; for children the bounds are those of their age, in years by the calendar.

A finding's value is the pulse, its limit the bound that its first reading crossed. In the run the
pulse of the low side is kept as what it lacks of `LOW_SIDE`, so that the worst value is the largest
on both sides, and a pulse that is too low, which is three points, is worse than any that is high.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from rules.finding import Severity
from rules.marks import Batch, Kind, Marks
from rules.news2 import CHILDREN, child_bounds

_CHILD: Final = CHILDREN[-1].until_age
_EPOCH_YEAR: Final = 1970
LOW_SIDE: Final = 1_000
"""More than any pulse, twice."""

Bound = int | npt.NDArray[np.int64]


def marks(batch: Batch) -> list[Marks]:
    """What each pulse at rest says."""
    figures = batch.rulebook.pulse
    pulse = batch.rows["pulse_bpm"]
    says = (pulse > 0) & (batch.rows["steps"] <= 0) & ~batch.muted
    low, high, very_high = _bounds(batch)
    which = batch.worth("pulse", says, says & ((pulse <= low) | (pulse >= high)))
    column = batch.marks(which)
    value, low, high = pulse[which].astype(np.int64), _of(low, which), _of(high, which)
    below = value <= low
    column["kind"] = np.where(below | (value >= high), Kind.QUALIFIES, Kind.CLEARS)
    column["value"] = np.where(below, LOW_SIDE - value, value)
    column["limit"] = np.where(below, LOW_SIDE - low, high)
    worst = below | (value >= _of(very_high, which))
    column["severity"] = np.where(worst, Severity.CRITICAL, Severity.URGENT)
    batch.hold(column, figures.hold_s, figures.readings, figures.clear_s)
    return [Marks("pulse", column)]


def _bounds(batch: Batch) -> tuple[Bound, Bound, Bound]:
    """(low, high, very high): one figure each for all, or one each row where there are children."""
    figures = batch.rulebook.pulse
    adult = figures.low_bpm, figures.high_bpm, figures.very_high_bpm
    born = batch.wearers.birth_year[batch.slots].astype(np.int64)
    at = batch.rows["measured_at"].astype("datetime64[us]").astype("datetime64[Y]")
    ages = at.astype(np.int64) + _EPOCH_YEAR - born
    child = np.flatnonzero((born > 0) & (ages >= 0) & (ages < _CHILD))
    if not len(child):
        return adult
    low, high, very_high = (np.full(len(born), bound, dtype=np.int64) for bound in adult)
    low[child], high[child], very_high[child] = child_bounds(ages[child])
    return low, high, very_high


def _of(bound: Bound, which: npt.NDArray[np.intp]) -> Bound:
    return bound[which] if isinstance(bound, np.ndarray) else bound
