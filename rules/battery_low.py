"""`battery_low`: 15 % or less, and not on the charger.

Theory of operation. One reading is enough, and so is one at 30 % or on the charger to end it; in
between it is neither, so that nothing goes to and fro. Not saying whether it is charging counts as
not charging. Kept negative in the run, so that the worst value is the largest.
"""

import numpy as np

from domain.batch import MISSING
from rules.finding import Severity
from rules.marks import Batch, Kind, Marks


def marks(batch: Batch) -> list[Marks]:
    """What each level of the battery, and each sight of the charger, says."""
    figures = batch.rulebook.battery_low
    battery, charging = batch.rows["battery_pct"], batch.rows["charging"] == 1
    known = battery != MISSING["battery_pct"]
    low = known & (battery <= figures.low_pct) & ~charging
    which = batch.worth("battery_low", known | charging, low)
    column = batch.marks(which)
    clears = charging[which] | (battery[which] >= figures.clear_pct)
    column["kind"] = np.where(
        low[which], Kind.QUALIFIES, np.where(clears, Kind.CLEARS, Kind.NEITHER)
    )
    column["value"] = -battery[which].astype(np.int64)
    column["limit"] = -figures.low_pct
    column["severity"] = Severity.ROUTINE
    # One level is enough, here and there: nothing is held, and nothing counted.
    column["gap_us"] = batch.wearers.gap_us[batch.slots[which]]
    return [Marks("battery_low", column)]
