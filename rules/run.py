"""One run of one hold machine, stepped by one mark: the scalar path of `rules.hold`.

Says the same as `rules.runs`, to the last bit. This is the one to read first.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from rules.marks import Kind, Mark

MOST: Final = 255
"""Counters stop here; no rulebook asks for more."""

Cells = tuple[int, ...]
"""A run as plain numbers, in the order of `rules.columns.RUN`."""

IDLE: Final[Cells] = (0,) * 12
"""Nothing is active and nothing pending."""


class Step(IntEnum):
    """What a reading did to a run."""

    NOTHING = 0
    BEGAN = 1
    SEEN = 2
    WORSENED = 3
    ENDED = 4


@dataclass(slots=True)
class Run:
    """Fields in the order of the columns; `rules.columns` says what they mean."""

    first_at: int
    last_at: int
    clear_at: int
    clear_last_at: int
    value: int
    peak: int
    limit: int
    n: int
    active: int
    severity: int
    site: int
    own: int

    @property
    def cells(self) -> Cells:
        """What is stored."""
        return (
            self.first_at,
            self.last_at,
            self.clear_at,
            self.clear_last_at,
            self.value,
            self.peak,
            self.limit,
            self.n,
            self.active,
            self.severity,
            self.site,
            self.own,
        )

    def step(self, mark: Mark) -> Step:
        """Takes the next reading. A run that ended is left to be read, then thrown away."""
        if mark.kind == Kind.QUALIFIES:
            return self._support(mark) if self.active else self._wait(mark)
        if not self.active:
            self.first_at = self.last_at = self.value = self.peak = self.limit = 0
            self.n = self.severity = self.site = self.own = 0
            return Step.NOTHING
        if mark.kind == Kind.CLEARS:
            return self._release(mark)
        self._forget_clearing()
        return Step.NOTHING

    def _wait(self, mark: Mark) -> Step:
        if self.n == 0 or mark.at - self.last_at > mark.gap_us:
            self.first_at, self.n = mark.at, 1
            self.limit, self.site, self.own = mark.limit, mark.site, mark.own
            self.peak, self.severity = mark.value, mark.severity
        else:
            self.n = min(self.n, MOST - 1) + 1
            self.peak = max(self.peak, mark.value)
            self.severity = max(self.severity, mark.severity)
        self.last_at, self.value = mark.at, mark.value
        held = self.n >= mark.need and mark.at - self.first_at >= mark.hold_us
        if not (held or mark.at_once):
            return Step.NOTHING
        self.active, self.n = 1, 0
        return Step.BEGAN

    def _support(self, mark: Mark) -> Step:
        worse = mark.severity > self.severity
        self.severity = max(self.severity, mark.severity)
        self.peak = max(self.peak, mark.value)
        self.last_at, self.value = mark.at, mark.value
        self._forget_clearing()
        return Step.WORSENED if worse else Step.SEEN

    def _release(self, mark: Mark) -> Step:
        if mark.at <= self.last_at:
            return Step.NOTHING
        if self.n == 0 or mark.at - self.clear_last_at > mark.gap_us:
            self.clear_at, self.n = mark.at, 1
        else:
            self.n = min(self.n, MOST - 1) + 1
        self.clear_last_at = mark.at
        done = self.n >= mark.clear_need and mark.at - self.clear_at >= mark.clear_us
        return Step.ENDED if done else Step.NOTHING

    def _forget_clearing(self) -> None:
        self.n = self.clear_at = self.clear_last_at = 0
