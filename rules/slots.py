"""Which slot each wearer has: a row of `rules.wearers` and of the rule state."""

from collections.abc import Iterator, Mapping
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from typing_extensions import override

Pair = tuple[int, int]
"""(episode_no, device_no)."""

Numbers = npt.NDArray[np.int32]

NO_SLOT: Final = -1
_WIDTH: Final = 32


class Slots(Mapping[Pair, int]):
    """(episode_no, device_no) -> slot, in order of the pairs. Never changes."""

    __slots__ = ("_keys", "_slots")

    def __init__(self, keys: npt.NDArray[np.int64], slots: Numbers) -> None:
        """`keys` are packed (`packed`) and ascending."""
        self._keys = keys
        self._slots = slots

    @classmethod
    def of(cls, given: Mapping[Pair, int]) -> Self:
        """The same as any other mapping says."""
        table = np.array([(*pair, slot) for pair, slot in given.items()], dtype=np.int64)
        episode_no, device_no, slots = table.reshape(-1, 3).T
        keys = packed(episode_no, device_no)
        order = np.argsort(keys)
        return cls(keys[order], slots[order].astype(np.int32))

    def grown(self, keys: npt.NDArray[np.int64]) -> "Slots":
        """These, and new ones in order for those of `keys` (ascending) that have none yet."""
        new = keys[self.at(keys) == NO_SLOT]
        if not len(new):
            return self
        merged = np.concatenate([self._keys, new])
        order = np.argsort(merged, kind="stable")
        # Slots are given without gaps, so the first `len(self)` are taken.
        slots = np.concatenate([self._slots, np.arange(len(self), len(merged), dtype=np.int32)])
        return Slots(merged[order], slots[order])

    def find(
        self, episode_no: npt.NDArray[np.integer], device_no: npt.NDArray[np.integer]
    ) -> Numbers:
        """The slot of each pair, `NO_SLOT` for one that has none. Shape (n,)."""
        return self.at(packed(episode_no, device_no))

    def at(self, keys: npt.NDArray[np.int64]) -> Numbers:
        """The same for packed pairs."""
        if not len(self._keys):
            return np.full(len(keys), NO_SLOT, dtype=np.int32)
        places = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.where(self._keys[places] == keys, self._slots[places], np.int32(NO_SLOT))

    @override
    def __getitem__(self, pair: Pair) -> int:
        key = (pair[0] << _WIDTH) | pair[1]
        place = int(self._keys.searchsorted(key))
        if place == len(self._keys) or self._keys[place] != key:
            raise KeyError(pair)
        return int(self._slots[place])

    @override
    def __iter__(self) -> Iterator[Pair]:
        for key in self._keys.tolist():
            yield key >> _WIDTH, key & ((1 << _WIDTH) - 1)

    @override
    def __len__(self) -> int:
        return len(self._keys)


NO_SLOTS: Final = Slots(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int32))


def packed(
    episode_no: npt.NDArray[np.integer], device_no: npt.NDArray[np.integer]
) -> npt.NDArray[np.int64]:
    """One number for each pair, in the order of the pairs. Numbers are positive."""
    return (episode_no.astype(np.int64) << _WIDTH) | device_no.astype(np.int64)
