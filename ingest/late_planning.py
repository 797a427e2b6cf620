"""When wearers whose readings came late, or whose roster was corrected, are judged anew.

A step takes as many as hold up the others' readings for a fraction of a second, which is learnt
from the steps before. One that took as many as it might is followed by another, after a batch if
there is one; otherwise a tick is waited for, so that what comes late by and by is judged in one go.
"""

from typing import Final

from ingest.work import Result

READINGS: Final = 100_000
"""Read and judged anew in a step: some 200 ms, in which no batch is stored."""
WEARERS: Final = 50
"""In the first step, before it is known how much they have."""
WEARERS_MOST: Final = 2_000


class LatePlan:
    """Late work there is, and whether it is its turn."""

    def __init__(self, *, left: bool) -> None:
        self.left = left
        """Somebody waits."""
        self.limit = WEARERS
        """How many wearers a step takes."""
        self._due = False
        self._more = False

    def tick(self) -> None:
        """About a second has passed."""
        self._due = True

    def roster_changed(self) -> None:
        """Somebody of whom it was corrected may wait: the ledger is asked after the next tick."""
        self.left = True
        self._due = False

    def before_a_batch(self) -> bool:
        """Whether a step goes before the open batch; it is taken to begin."""
        begins = self.left and self._due
        if begins:
            self._due = False
        return begins

    def batch_begins(self) -> None:
        """A batch had its turn."""
        self._due |= self._more

    def without_a_batch(self) -> bool:
        """Whether a step goes when there is nothing else to do."""
        return self.left and self._more

    def stored(self, result: Result) -> None:
        """Any step is stored, and says whether somebody waits."""
        self.left = result.late_left

    def judged(self, result: Result) -> None:
        """A step of late work is stored."""
        self._more = result.late_left and result.late_wearers >= self.limit
        if result.late_wearers:
            readings_each = max(1, result.late_readings // result.late_wearers)
            self.limit = min(WEARERS_MOST, max(1, READINGS // readings_each))
