"""A person's own skin temperature by hour of the day, learnt reading by reading.

Theory of operation. A skin is warm or cold by person, by device and by hour; a fever is what it is
above itself. The readings of one local hour are summed. When the first skin reading of another hour
comes, the hour is complete, and its mean (halves up) is one day's value for that hour of the day.
The first two days are kept, the third gives the median of the three, and from then on the baseline
moves towards each day's value by at most 0.10 degrees: one odd day in the first three does nothing,
and a week of fever moves it by 0.7. Three completed days are contract section 5; the step is ours
(decision 0013). What is learnt of an hour is used on later days only, as the hour has to end first.

The state is a function of the readings in order, and the same to the last bit however they come in
batches: consecutive readings of one wearer in one hour are a *stretch*, and stretches are stepped
in rounds like marks (`rules.hold`). Muted readings are not heard (`rules.not_worn`); those of spot
thermometers do not count, but end an hour like any other. Columns: `skin_hour` (since 1970, local,
modulo 2,730 days), `skin_sum` and `skin_n` of its readings, and `skin_days`, by hour of the day
(0, 0), (first, 0), (first, second), or (baseline, -1).
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from rules.marks import Batch
from rules.stretches import Stretches, Sums
from rules.touched import Touched

STEP_CC: Final = 10
"""So far a known baseline moves in a day."""
UNKNOWN: Final = 0
KNOWN: Final = -1
_WRAP: Final = 24 * 2_730
"""Local hours are kept modulo this: seven years, in whole days."""

Numbers = npt.NDArray[np.int64]


def known(batch: Batch, which: npt.NDArray[np.intp]) -> Numbers:
    """What was known before each of these rows, and learns from them. Shape of `which`.

    `which` are the skin readings of the batch that are heard, in order. Centi-degrees, `UNKNOWN`
    where fewer than three days are complete.
    """
    values = batch.rows["temperature_cc"][which].astype(np.int64)
    counts = ~batch.wearers.spot[batch.slots[which]]
    sums = Sums.of(values, counts)
    stretches = Stretches.of(batch.group[which], batch.hours(which))
    before = np.zeros(len(stretches.group), dtype=np.int64)
    for round_ in stretches.rounds():
        before[round_] = _step(batch.states, stretches, round_, sums)
    return np.repeat(before, stretches.until - stretches.first)


def _step(
    states: Touched, stretches: Stretches, round_: npt.NDArray[np.intp], sums: Sums
) -> Numbers:
    """Steps each wearer by one stretch; what is known for its hour then."""
    group, hour = stretches.group[round_], stretches.span[round_] % _WRAP
    over = (states["skin_n"][group] > 0) & (states["skin_hour"][group] != hour)
    if over.any():
        _complete(states, group[over])
    so_far = states["skin_n"][group].astype(np.int64)
    n, value = sums.within(stretches.first[round_], stretches.until[round_], so_far)
    states["skin_sum"][group] += value.astype(np.int32)
    states["skin_n"][group] = so_far + n
    states["skin_hour"][group] = np.where(so_far + n > 0, hour, 0)
    days = states["skin_days"][group, hour % 24]
    return np.where(days[:, 1] == KNOWN, days[:, 0], UNKNOWN).astype(np.int64)


def _complete(states: Touched, group: Numbers) -> None:
    """Takes the mean of each of these wearers' hours for a day's value, and begins another."""
    n = states["skin_n"][group].astype(np.int64)
    mean = (2 * states["skin_sum"][group].astype(np.int64) + n) // (2 * n)
    of_day = states["skin_hour"][group] % 24
    first, second = states["skin_days"][group, of_day].astype(np.int64).T
    nothing, one = first == 0, second == 0
    moved = first + np.clip(mean - first, -STEP_CC, STEP_CC)
    median = np.maximum(np.minimum(first, second), np.minimum(np.maximum(first, second), mean))
    learnt = np.select([nothing, one, second == KNOWN], [mean, first, moved], median)
    then = np.select([nothing, one], [0, mean], KNOWN)
    states["skin_days"][group, of_day] = np.stack((learnt, then), axis=1)
    states["skin_sum"][group] = 0
    states["skin_n"][group] = 0
