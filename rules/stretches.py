"""Consecutive rows of one wearer within one span of local time: an hour, a day between nights.

What is summed over such a span is the same however the rows come in batches. Wearers are stepped
by their k-th stretch, all at once, for k = 0, 1, ...: there are few of them, whatever is uploaded.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]

MOST: Final = 65_535
"""Readings of one span that count; what comes after them does not."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """Shapes (n,)."""

    group: Numbers
    span: Numbers
    first: Numbers
    """Where its rows begin,"""
    until: Numbers
    """and where they end."""

    @classmethod
    def of(cls, group: Numbers, span: Numbers) -> Self:
        """The stretches of rows of these wearers in these spans, in order."""
        other = np.ones(len(group), dtype=np.bool_)
        other[1:] = (group[1:] != group[:-1]) | (span[1:] != span[:-1])
        first = np.flatnonzero(other)
        return cls(group[first], span[first], first, np.append(first[1:], len(group)))

    def rounds(self) -> Iterator[npt.NDArray[np.intp]]:
        """The places of every wearer's first stretch, then of the second ones, and so on."""
        place = np.arange(len(self.group))
        begins = np.ones(len(place), dtype=np.bool_)
        begins[1:] = self.group[1:] != self.group[:-1]
        nth = place - np.maximum.accumulate(np.where(begins, place, 0))
        order = np.argsort(nth, kind="stable")
        widths = np.bincount(nth)
        yield from np.split(order, np.cumsum(widths)[:-1]) if len(place) else ()


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Of the rows before each place, those that count. Shapes (n + 1,)."""

    n: Numbers
    value: Numbers

    @classmethod
    def of(cls, values: Numbers, counts: npt.NDArray[np.bool_]) -> Self:
        """Of all rows, of which some count."""
        n = np.concatenate(([0], np.cumsum(counts)))
        return cls(n, np.concatenate(([0], np.cumsum(np.where(counts, values, 0)))))

    def within(self, first: Numbers, until: Numbers, so_far: Numbers) -> tuple[Numbers, Numbers]:
        """(how many count, their sum) from `first` to `until`, where `so_far` counted before."""
        n = np.minimum(self.n[until] - self.n[first], MOST - so_far)
        full = so_far + n == MOST
        if full.any():
            until = until.copy()
            until[full] = np.searchsorted(self.n, self.n[first[full]] + n[full])
        return n, self.value[until] - self.value[first]
