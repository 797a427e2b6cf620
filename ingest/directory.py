"""Who wears which device, as columns by device number: the roster as the straight road needs it.

A device with exactly one assignment has its slot, episode and the time it is worn here. Any other
(none, or worn by several one after the other) has slot -1 and is looked up in the roster itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from domain.people import Roster

ASK_THE_ROSTER: Final = -1
_FOR_GOOD: Final = 2**62


@dataclass(frozen=True, slots=True, eq=False)
class Directory:
    """Columns by device number. Instants are microseconds; `until_at` is not part of the time."""

    roster: Roster
    slots: Mapping[tuple[int, int], int]
    """(episode number, device number) -> slot, of every assignment."""
    slot: npt.NDArray[np.int32]
    episode_no: npt.NDArray[np.int32]
    from_at: npt.NDArray[np.int64]
    until_at: npt.NDArray[np.int64]
    ids: Sequence[str]
    """By device number; empty where there is none."""

    @classmethod
    def of(cls, roster: Roster, slots: Mapping[tuple[int, int], int]) -> Self:
        """The columns of a roster."""
        length = 1 + max((device.no for device in roster.devices.values()), default=0)
        slot = np.full(length, ASK_THE_ROSTER, dtype=np.int32)
        episode_no = np.zeros(length, dtype=np.int32)
        from_at, until_at = np.zeros((2, length), dtype=np.int64)
        ids = [""] * length
        for device in roster.devices.values():
            ids[device.no] = device.id
        for device_no, assignments in roster.assignments.items():
            if len(assignments) == 1:
                only = assignments[0]
                episode = roster.episodes[only.episode_no]
                to_at = _FOR_GOOD if only.to_at is None else only.to_at
                slot[device_no] = slots[only.episode_no, device_no]
                episode_no[device_no] = only.episode_no
                from_at[device_no] = max(only.from_at, episode.starts_at)
                until_at[device_no] = min(to_at, episode.ends_at)
        return cls(roster, slots, slot, episode_no, from_at, until_at, ids)
