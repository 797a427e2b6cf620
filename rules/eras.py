"""What was in force when: settings that were corrected, and what held before, as sparse columns.

A wearer's home and thresholds are looked up by slot. Of the few for whom something else held
before, what held then has a row of its own behind the wearers', and `Eras.places` says which row
goes for a reading. Where nothing was ever corrected that is the slots as they are, at no cost.
The same for the rulebook: `in_force` parts readings by the one that held when they were measured.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from rules.rulebook import Rulebook

Places = npt.NDArray[np.int64]
Instants = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Eras:
    """Which row says what held at an instant. Rows `wearers` and up are of what held before."""

    wearers: int
    first: npt.NDArray[np.int64]
    """By slot, where its earlier rows begin in `until_at`; 0 if there are none."""
    count: npt.NDArray[np.int64]
    until_at: Instants
    """Of row `wearers` + n. Ascending for each slot; not part of the era."""

    @classmethod
    def of(cls, ends: Mapping[int, Sequence[int]], count: int) -> Self:
        """For some of `count` slots, the ends of their earlier eras in order.

        The rows follow in ascending order of slot, then of end.
        """
        # Zeros that nobody wrote to cost no memory: few people have an earlier era.
        first, counts = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
        slots = sorted(ends)
        counts[slots] = [len(ends[slot]) for slot in slots]
        first[slots] = np.cumsum(counts[slots]) - counts[slots]
        flat = [end for slot in slots for end in ends[slot]]
        return cls(count, first, counts, np.array(flat, dtype=np.int64))

    def places(self, slots: Places, at: Instants) -> Places:
        """The row in force for each (slot, instant). Shapes (n,)."""
        if not len(self.until_at):
            return slots
        found = slots.copy()
        left = np.flatnonzero(self.count[slots])
        nth = 0
        while len(left):
            era = self.first[slots[left]] + nth
            earlier = at[left] < self.until_at[era]
            found[left[earlier]] = self.wearers + era[earlier]
            nth += 1
            left = left[~earlier]
            left = left[self.count[slots[left]] > nth]
        return found

    def place(self, slot: int, at: int) -> int:
        """The same for one."""
        begin = int(self.first[slot])
        ends = self.until_at[begin : begin + int(self.count[slot])]
        nth = int(np.searchsorted(ends, at, side="right"))
        return slot if nth == len(ends) else self.wearers + begin + nth


def in_force(
    at: Instants, rulebook: Rulebook
) -> Iterator[tuple[Rulebook, npt.NDArray[np.bool_] | slice]]:
    """The rulebooks that held at these instants, the earliest first, and which instants are theirs.

    Nearly always it is the newest for all of them.
    """
    earlier = rulebook.earlier
    if not earlier or not len(at) or at.min() >= earlier[-1][0]:
        yield rulebook, slice(None)
        return
    ends = np.array([until_at for until_at, _ in earlier], dtype=np.int64)
    era = np.searchsorted(ends, at, side="right")
    books = [*(book for _, book in earlier), rulebook]
    for nth in np.unique(era).tolist():
        yield books[nth], era == nth
