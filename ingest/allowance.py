"""How many readings a device may send: a token bucket for each, so that none crowds out the rest.

A bucket holds `capacity` readings and starts full, so that weeks of buffered readings pass at once;
it is refilled by `per_second`. A message passes whole or not at all, and one that does not pass
costs nothing. What one device sends never changes what another may.

It does not know what is in a message or what becomes of one that may not pass.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from ingest.forward_clock import ForwardClock

# In integers, so that no order of additions matters; and in these, so that a microsecond of
# refilling is `per_second` of them.
_PER_READING: Final = 1_000_000
_FEWEST_DEVICES: Final = 1024


class Allowance:
    """What each device has left. A device costs 8 bytes."""

    def __init__(self, capacity: int = 100_000, per_second: int = 50) -> None:
        assert capacity > 0
        assert per_second > 0
        self._most = capacity * _PER_READING
        self._per_us = per_second
        self._clock = ForwardClock()
        self._elapsed_us = 0
        self._refilled = 0
        """By how much a bucket would have been refilled since the start, had it room."""
        self._full_at = np.zeros(_FEWEST_DEVICES, dtype=np.int64)
        """At which `_refilled` the bucket of a device is full again."""

    @property
    def bytes_in_columns(self) -> int:
        """The memory that grows with the devices."""
        return self._full_at.nbytes

    def take(
        self,
        device_no: npt.NDArray[np.integer] | Sequence[int],
        readings: npt.NDArray[np.integer] | Sequence[int],
        now: int,
    ) -> npt.NDArray[np.bool_]:
        """Which messages may pass; those are charged. In order of arrival, one entry a message."""
        devices = np.asarray(device_no, dtype=np.intp)
        costs = np.asarray(readings, dtype=np.int64) * _PER_READING
        may_pass = np.ones(len(devices), dtype=bool)
        self._refill(now)
        if not len(devices):
            return may_pass
        self._hold(int(devices.max()) + 1)
        before = np.maximum(self._full_at[devices], self._refilled)
        self._full_at[devices] = before
        np.add.at(self._full_at, devices, costs)
        beyond = self._full_at[devices] > self._refilled + self._most
        if beyond.any():
            some = np.flatnonzero(beyond)
            self._full_at[devices[some]] = before[some]
            may_pass[some] = self._one_by_one(devices[some].tolist(), costs[some].tolist())
        return may_pass

    def _refill(self, now: int) -> None:
        elapsed_us = self._clock.tell(now)
        # More than what fills an empty bucket makes no difference, and might overflow.
        self._refilled += min((elapsed_us - self._elapsed_us) * self._per_us, self._most)
        self._elapsed_us = elapsed_us

    def _hold(self, devices: int) -> None:
        if devices > len(self._full_at):
            room = np.zeros(max(devices, 2 * len(self._full_at)), dtype=np.int64)
            room[: len(self._full_at)] = self._full_at
            self._full_at = room

    def _one_by_one(self, devices: list[int], costs: list[int]) -> list[bool]:
        """The messages of devices of which not all may pass. None of these is charged yet."""
        last = self._refilled + self._most
        full_at = {device: int(self._full_at[device]) for device in devices}
        may_pass = []
        for device, cost in zip(devices, costs, strict=True):
            passes = full_at[device] + cost <= last
            may_pass.append(passes)
            if passes:
                full_at[device] += cost
        self._full_at[list(full_at)] = list(full_at.values())
        return may_pass
