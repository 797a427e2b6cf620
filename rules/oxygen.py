"""`oxygen`: oxygen in the blood at 93 % or less, held for five minutes.

Theory of operation. 92 and 93 are two points of NEWS2 on scale 1, 91 and less three (RCP 2017). It
ends at 95; between the two a reading is neither. Muted readings say nothing (`rules.not_worn`), and
0 is no value already on the wire. In the run the figures are kept negative, so that the worst value
is the largest.
"""

import numpy as np

from rules.finding import Severity
from rules.marks import Batch, Kind, Marks


def marks(batch: Batch) -> list[Marks]:
    """What each SpO2 says."""
    figures = batch.rulebook.oxygen
    spo2 = batch.rows["spo2_pct"]
    says = (spo2 > 0) & ~batch.muted
    which = batch.worth("oxygen", says, says & (spo2 <= figures.low_pct))
    column = batch.marks(which)
    value = spo2[which].astype(np.int64)
    column["kind"] = np.where(
        value <= figures.low_pct,
        Kind.QUALIFIES,
        np.where(value >= figures.clear_pct, Kind.CLEARS, Kind.NEITHER),
    )
    column["value"] = -value
    column["limit"] = -figures.low_pct
    worst = value <= figures.very_low_pct
    column["severity"] = np.where(worst, Severity.CRITICAL, Severity.URGENT)
    batch.hold(column, figures.hold_s, figures.readings, figures.clear_s)
    return [Marks("oxygen", column)]
