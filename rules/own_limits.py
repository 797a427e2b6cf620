"""What is particular to a few wearers, as sparse columns: their own thresholds and leave windows.

Most people have neither, so that both begin with one look-up of a flag per row. It is the time of
the reading that counts: a threshold holds until it expires, a leave window up to its last instant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from domain.instant import format_rfc3339
from domain.people import LeaveWindow, Threshold
from domain.reading import Site

_SITES: Final = 16
"""More than there are sites: a key is slot x 16 + site."""
_NEVER: Final = 2**62

Slots = npt.NDArray[np.int64]
Instants = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class OwnThresholds:
    """People's own fever thresholds by (slot, site)."""

    has_any: Flags
    """By slot."""
    key: npt.NDArray[np.int64]
    """Ascending."""
    value_cc: npt.NDArray[np.int32]
    expires_at: Instants
    origins: Mapping[tuple[int, int], str]

    @classmethod
    def of(cls, given: Mapping[int, Mapping[Site, Threshold]], count: int) -> Self:
        """Columns for the thresholds of some of `count` slots."""
        entries = sorted(
            (
                slot * _SITES + site,
                own.value_cc,
                _NEVER if own.expires_at is None else own.expires_at,
            )
            for slot, by_site in given.items()
            for site, own in by_site.items()
        )
        has_any = np.zeros(count, dtype=np.bool_)
        has_any[[slot for slot, by_site in given.items() if by_site]] = True
        table = np.array(entries, dtype=np.int64).reshape(-1, 3)
        return cls(
            has_any,
            table[:, 0].copy(),
            table[:, 1].astype(np.int32),
            table[:, 2].copy(),
            {(slot, site): own.origin for slot, by in given.items() for site, own in by.items()},
        )

    def over(
        self,
        limit: npt.NDArray[np.int32],
        slots: Slots,
        sites: npt.NDArray[np.uint8],
        at: Instants,
    ) -> tuple[npt.NDArray[np.int32], Flags]:
        """The limits with people's own laid over them, and which are their own. Shapes (n,)."""
        own = self.has_any[slots]
        some = np.flatnonzero(own)
        if len(some):
            wanted = slots[some] * _SITES + sites[some]
            place = np.minimum(np.searchsorted(self.key, wanted), len(self.key) - 1)
            own[some] = (self.key[place] == wanted) & (at[some] < self.expires_at[place])
            limit = limit.copy()
            hit = own[some]
            limit[some[hit]] = self.value_cc[place[hit]]
        return limit, own

    def detail(self, slot: int, site: int) -> str:
        """Until when it counts, as `Finding.detail`; `` where it has no end."""
        wanted = slot * _SITES + site
        place = int(np.searchsorted(self.key, wanted))
        if place == len(self.key) or self.key[place] != wanted or self.expires_at[place] == _NEVER:
            return ""
        return f'{{"expires_at":"{format_rfc3339(int(self.expires_at[place]))}"}}'

    def origin(self, slot: int, site: int) -> str:
        """Who set this person's threshold. The roster may have dropped it since it was used."""
        return self.origins.get((slot, site), "person")


@dataclass(frozen=True, slots=True, eq=False)
class LeaveWindows:
    """When people may be away, by slot."""

    first: npt.NDArray[np.int64]
    """Where a slot's windows begin in the columns below; 0 if there are none."""
    count: npt.NDArray[np.int64]
    from_at: Instants
    to_at: Instants

    @classmethod
    def of(cls, given: Mapping[int, Sequence[LeaveWindow]], count: int) -> Self:
        """Columns for the windows of some of `count` slots."""
        # Zeros that nobody wrote to cost no memory: few people have a window.
        first, counts = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
        slots = sorted(given)
        counts[slots] = [len(given[slot]) for slot in slots]
        first[slots] = np.cumsum(counts[slots]) - counts[slots]
        flat = [window for slot in slots for window in given[slot]]
        return cls(
            first,
            counts,
            np.array([window.from_at for window in flat], dtype=np.int64),
            np.array([window.to_at for window in flat], dtype=np.int64),
        )

    def covers(self, slots: Slots, at: Instants) -> Flags:
        """Whether the wearer may be away at that instant. Shape (n,)."""
        covered = np.zeros(len(slots), dtype=np.bool_)
        left = np.flatnonzero(self.count[slots])
        nth = 0
        while len(left):
            place = self.first[slots[left]] + nth
            covered[left] |= (self.from_at[place] <= at[left]) & (at[left] < self.to_at[place])
            nth += 1
            left = left[self.count[slots[left]] > nth]
        return covered
