"""What is known of a wearer's battery: whether a silence is that of an empty one.

Theory of operation. The newest level is kept, to the minute, and the level and instant at which
the present discharge began: the first one said after the charger, or after a rise. From the two
follows how long a percent has lasted. In event time and order, so that replay comes to the same.

Contract section 5: battery explains silence only if the last level was at most 5 %, or would have
run out meanwhile. A level said on the charger explains nothing.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from domain.batch import MISSING
from domain.instant import MINUTE_US
from rules.marks import Batch
from rules.rulebook import Rulebook
from rules.touched import Touched

_NONE: Final = 0
"""No discharge: nothing is known, or it is on the charger. Levels are kept one higher."""
_WRAP: Final = 1 << 16
"""Minutes are kept modulo this: 45 days, longer than anybody is silent."""


def note(batch: Batch) -> None:
    """Takes the levels of new readings over into the state, in place."""
    said = np.flatnonzero(batch.rows["battery_pct"] != MISSING["battery_pct"])
    if not len(said):
        return
    states, group = batch.states, batch.group[said]
    level = batch.rows["battery_pct"][said].astype(np.int64)
    at = batch.rows["measured_at"][said] // MINUTE_US % _WRAP
    charging = batch.rows["charging"][said] == 1
    first = np.append(True, group[1:] != group[:-1])
    last = np.flatnonzero(np.append(first[1:], True))
    before = np.where(first, states["battery_pct"][group], np.append(0, level[:-1]))
    charged = np.where(
        first, states["discharge_pct"][group] == _NONE, np.append(False, charging[:-1])
    )
    begins = charging | charged | (level > before)
    place = np.maximum.accumulate(np.where(begins | first, np.arange(len(said)), 0))[last]
    which = np.flatnonzero(begins[place])
    of, begun = group[last], place[which]
    states["discharge_pct"][of[which]] = np.where(charging[begun], _NONE, level[begun] + 1)
    states["discharge_at"][of[which]] = at[begun]
    states["battery_pct"][of], states["battery_at"][of] = level[last], at[last]


def explains(
    states: Touched, which: npt.NDArray[np.integer], rulebook: Rulebook, now: int
) -> npt.NDArray[np.bool_]:
    """Of which of these nothing can be heard `now` because the battery is empty. Shape (n,)."""
    level, at, from_pct, from_at = (
        states[name][which].astype(np.int64)
        for name in ("battery_pct", "battery_at", "discharge_pct", "discharge_at")
    )
    drop, since = from_pct - 1 - level, (now // MINUTE_US - at) % _WRAP
    # To the minute, so that two levels within one are at least one apart.
    lasted = np.maximum((at - from_at) % _WRAP, 1)
    ran_out = since * drop >= level * lasted
    found: npt.NDArray[np.bool_] = (from_pct != _NONE) & (
        (level <= rulebook.silent.battery_pct) | ran_out
    )
    return found


def told_at(states: Touched, which: npt.NDArray[np.integer], now: int) -> npt.NDArray[np.int64]:
    """The minute, since 1970, of the newest level of each. Shape (n,)."""
    minute = now // MINUTE_US
    at = states["battery_at"][which].astype(np.int64)
    found: npt.NDArray[np.int64] = minute - (minute - at) % _WRAP
    return found
