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
from domain.tables import Tables
from rules.slots import Slots

ASK_THE_ROSTER: Final = -1


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
    tables: Tables

    @classmethod
    def of(cls, roster: Roster, slots: Mapping[tuple[int, int], int]) -> Self:
        """The columns of a roster."""
        tables = Tables.of(roster)
        devices, episodes, given = tables.devices, tables.episodes, tables.assignments
        length = 1 + int(devices.no.max(initial=0))
        slot = np.full(length, ASK_THE_ROSTER, dtype=np.int32)
        episode_no = np.zeros(length, dtype=np.int32)
        from_at, until_at = (np.zeros(length, dtype=np.int64) for _ in range(2))
        once = np.bincount(given.device_no, minlength=length) == 1
        only = np.flatnonzero(once[given.device_no] & np.isin(given.episode_no, episodes.no))
        device, worn = given.device_no[only], given.episode_no[only]
        place = episodes.places(worn)
        found = (slots if isinstance(slots, Slots) else Slots.of(slots)).find(worn, device)
        assert (found >= 0).all(), "every assignment has a slot"
        slot[device], episode_no[device] = found, worn
        from_at[device] = np.maximum(given.from_at[only], episodes.starts_at[place])
        until_at[device] = np.minimum(given.to_at[only], episodes.ends_at[place])
        ids = devices.ids.spread(devices.no, length)
        return cls(
            tables.roster(roster.version), slots, slot, episode_no, from_at, until_at, ids, tables
        )

    def numbers(self, device_ids: Sequence[str]) -> list[int]:
        """The number of each of these devices, -1 for one that nobody knows."""
        numbers: list[int] = self.tables.devices.numbers(device_ids).tolist()
        return numbers
