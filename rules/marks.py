"""What a rule says of each reading, one at a time: does it qualify, does it clear, how bad is it?

Every event-time rule is one function `marks(batch) -> list[Marks]`, one `Marks` per hold machine it
drives. A mark depends on the reading and the roster, never on the run it falls into: that is the
business of `rules.hold`. A rule that remembers something of its own keeps it in `batch.states`.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from domain.batch import Rows
from domain.instant import SECOND_US
from rules.rulebook import Rulebook
from rules.touched import Touched
from rules.wearers import Wearers


class Kind(IntEnum):
    """What a reading is to a run."""

    QUALIFIES = 1
    NEITHER = 2
    """It breaks a run of qualifying readings and one of clearing readings."""
    CLEARS = 3


MARK: Final = np.dtype(
    [
        ("row", "<i8"),  # which row of the batch
        ("group", "<i8"),  # which row of the batch's states
        ("at", "<i8"),  # measured_at
        ("gap_us", "<i8"),  # a longer gap to the reading before starts the run again
        ("hold_us", "<i8"),  # a finding begins after so long
        ("clear_us", "<i8"),  # and ends after so long
        ("value", "<i4"),
        ("limit", "<i4"),
        ("need", "u1"),  # over so many qualifying readings
        ("clear_need", "u1"),  # over so many clearing ones
        ("kind", "u1"),
        ("severity", "u1"),
        ("site", "u1"),
        ("own", "u1"),  # where the limit comes from; rules.finding.Origin
        ("at_once", "u1"),  # this reading alone is enough
    ]
)

Column = npt.NDArray[np.void]
"""A structured array of `MARK`, in order of `row`."""


class Mark(NamedTuple):
    """One of them as plain numbers. Fields as in `MARK`."""

    row: int
    group: int
    at: int
    gap_us: int
    hold_us: int
    clear_us: int
    value: int
    limit: int
    need: int
    clear_need: int
    kind: int
    severity: int
    site: int
    own: int
    at_once: int


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """What one rule says to one of its hold machines."""

    run: str
    """The columns of the machine in `rules.state.STATE`."""
    column: Column
    """Readings that say nothing to it are left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Rows to judge, in order, with what is known of their wearers."""

    rows: Rows
    slots: npt.NDArray[np.int64]
    """Of each row."""
    group: npt.NDArray[np.int64]
    """Of each row: which of `states` is its wearer's. Never falls."""
    states: Touched
    """The wearers' state before the first row. The batch's own copy."""
    wearers: Wearers
    rulebook: Rulebook
    muted: npt.NDArray[np.bool_]
    """Of each row: vitals do not hear it, `rules.not_worn`."""

    def worth(
        self, run: str, says: npt.NDArray[np.bool_], qualifies: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.intp]:
        """The rows worth a mark, of those that say something to a run.

        Those of wearers with whom it is going on, or whom a row of this batch may set going.
        """
        awake = self.states.going(run)
        awake[self.group[qualifies]] = True
        if not awake.any():
            return np.empty(0, dtype=np.intp)
        return np.flatnonzero(says & awake[self.group])

    def hold(self, column: Column, hold_s: int, readings: int, clear_s: int) -> None:
        """Fills in how long and how often, for rules that say so in contract section 5.

        Of a device that uploads seldom two consecutive readings suffice, here and there.
        """
        runs, slots = self.rulebook.runs, self.slots[column["row"]]
        sparse = self.wearers.sparse[slots]
        column["gap_us"] = self.wearers.gap_us[slots]
        column["hold_us"] = np.where(sparse, 0, hold_s * SECOND_US)
        column["need"] = np.where(sparse, runs.sparse_readings, readings)
        column["clear_us"] = np.where(sparse, 0, clear_s * SECOND_US)
        column["clear_need"] = np.where(sparse, runs.sparse_readings, 1)

    def hours(self, which: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
        """Hours since 1970 by the local clock of some rows. Shape of `which`."""
        zone = self.wearers.zone[self.slots[which]]
        return self.wearers.zones.hours(zone, self.rows["measured_at"][which])

    def marks(self, which: npt.NDArray[np.intp]) -> Column:
        """Marks for some rows: `row`, `group` and `at` are filled in, the rest is the rule's."""
        column = np.zeros(len(which), dtype=MARK)
        column["row"] = which
        column["group"] = self.group[which]
        column["at"] = self.rows["measured_at"][which]
        return column
