"""Which numbers of one boot of one device are committed: all up to the highest but some ranges.

A range may name more than is missing, never less: a device drops what is claimed to be committed,
so a doubt is settled by calling a number missing. That is also what keeps it bounded whatever a
device sends: at most `MOST_RANGES`, and beyond that neighbours become one, what lies between them
included.

Numbers start at 1, or at 0 where a 0 comes: 0 is never called missing.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

MOST_RANGES: Final = 16
"""Of one boot (contract section 3)."""


class Range(NamedTuple):
    """Numbers that are not known to be committed, both ends included."""

    from_seq: int
    to_seq: int
    noticed_at: int
    """When the oldest part of it first became missing."""


Ranges = tuple[Range, ...]
"""Ascending, with a committed number between each two."""


class Standing(NamedTuple):
    """Where one boot stands: committed is 1 up to `high`, without `missing`."""

    high: int
    missing: Ranges = ()


NOTHING: Final = Standing(-1)
"""Nothing was ever seen of the boot."""


def committed(standing: Standing, numbers: Sequence[int], now: int) -> Standing:
    """Where the boot stands once `numbers`, ascending, are committed too."""
    ranges: list[Range] = []
    at = 0
    for missing in standing.missing:
        begin = missing.from_seq
        at = bisect_left(numbers, begin, at)
        while at < len(numbers) and numbers[at] <= missing.to_seq:
            if numbers[at] > begin:
                ranges.append(Range(begin, numbers[at] - 1, missing.noticed_at))
            begin = numbers[at] + 1
            at += 1
        if begin <= missing.to_seq:
            ranges.append(Range(begin, missing.to_seq, missing.noticed_at))
    high = standing.high
    for number in numbers[bisect_right(numbers, high) :]:
        expected = max(high, 0) + 1
        if number > expected:
            ranges.append(Range(expected, number - 1, now))
        high = number
    return Standing(high, _bounded(ranges))


def _bounded(ranges: list[Range]) -> Ranges:
    """Joins neighbours with the fewest committed numbers between them; of equal ones the lower."""
    excess = len(ranges) - MOST_RANGES
    if excess <= 0:
        return tuple(ranges)
    # Joining two ranges does not change what lies between any others, so one sort settles it all.
    between = [after.from_seq - before.to_seq for before, after in pairwise(ranges)]
    joined = frozenset(sorted(range(len(between)), key=between.__getitem__)[:excess])
    kept = ranges[:1]
    for position, missing in enumerate(ranges[1:]):
        if position in joined:
            noticed_at = min(kept[-1].noticed_at, missing.noticed_at)
            kept[-1] = Range(kept[-1].from_seq, missing.to_seq, noticed_at)
        else:
            kept.append(missing)
    return tuple(kept)
