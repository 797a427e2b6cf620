"""Who wore a device when, for what names a device and an instant only."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from rules.slots import NO_SLOT
from rules.wearers import Wearers


@dataclass(frozen=True, slots=True, eq=False)
class Wearing:
    """Slots in order of their devices."""

    wearers: Wearers
    slots: npt.NDArray[np.int64]
    device_no: npt.NDArray[np.int32]

    @classmethod
    def of(cls, wearers: Wearers) -> Self:
        """Of all that the roster names."""
        slots = np.argsort(wearers.device_no, kind="stable")
        return cls(wearers, slots, wearers.device_no[slots])

    def slot(self, device_no: int, at: int) -> int:
        """The slot of who wore it at an instant; `NO_SLOT` when nobody did."""
        first, last = np.searchsorted(self.device_no, [device_no, device_no + 1])
        for slot in self.slots[first:last].tolist():
            if any(from_at <= at < to_at for from_at, to_at in self.wearers.spells_of(slot)):
                return int(slot)
        return NO_SLOT
