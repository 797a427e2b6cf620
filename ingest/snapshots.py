"""Which part of the rule state is written down next: pages, in turn, one with a step.

Theory of operation. The state of the rules is in memory, and a crash loses it. So that it need not
be judged anew from all stored readings, it is written down in pages of `WEARERS`, each with the
step of the journal that it is the state before; a process that starts reads them and judges what
the journal has had since (`store.rerun`). All pages come round once in `CYCLE_US`, as far as there
are steps to go with: one step takes one page, which is small, so that no commit waits for it
noticeably.

When a round is complete, nothing is needed any more of what an earlier process wrote.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from domain.instant import SECOND_US
from ingest.sequences import Sequences
from rules.slots import packed
from rules.snapshots import pack
from rules.state import State
from rules.wearers import Wearers

WEARERS: Final = 4_096
"""Of a page: some 600 KB."""
CYCLE_US: Final = 60 * SECOND_US


@dataclass(frozen=True, slots=True)
class Page:
    """Part of the state before a step."""

    number: int
    rules: bytes
    """`rules.snapshots`."""
    sequences: bytes
    """`Sequences.kept` of their devices."""
    completes: bool
    """Every page is written now: nothing that an earlier process wrote is needed any more."""


class SnapshotPlan:
    """See the module's theory of operation."""

    def __init__(self) -> None:
        self._begun_at: int | None = None
        """Of this round; None before the first."""
        self._next = 0
        """The page that comes next in this round."""

    def due(self, state: State, wearers: Wearers, sequences: Sequences, now: int) -> Page | None:
        """The page that goes with the step that begins now, if it is time for one."""
        pages = -(-len(wearers) // WEARERS)
        if self._begun_at is None:
            self._begun_at = now
        if self._next >= pages:
            if now - self._begun_at < CYCLE_US:
                return None
            self._begun_at, self._next = now, 0
        if not pages or (now - self._begun_at) * pages < self._next * CYCLE_US:
            return None
        return self._page(state, wearers, sequences, pages)

    def _page(self, state: State, wearers: Wearers, sequences: Sequences, pages: int) -> Page:
        number = self._next
        self._next += 1
        slots = np.arange(number * WEARERS, min((number + 1) * WEARERS, len(wearers)))
        devices = wearers.device_no[slots]
        return Page(
            number=number,
            rules=pack(packed(wearers.episode_no[slots], devices), state.gather(slots)),
            sequences=sequences.kept(devices),
            completes=self._next >= pages,
        )
