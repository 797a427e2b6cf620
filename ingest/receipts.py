"""When which device is told what is committed (contract section 3), and the words of a receipt.

A device is pending from a commit that touched one of its boots until it is told of it. It is told
at most once a second, and before 100 of its readings or 5 minutes have gone untold; only a device
of which more than 50 come within a second, and not in each, may have to wait for a few more.

Who cannot wait goes first, whatever the budget: the contract does not know one. Then those whose
missing ranges changed, which is what makes a device send again; then the longest pending.

Columns by `device_no` hold the one boot that is pending of nearly every device. Where there are
more, they take turns. It does not know what is committed: see `ingest.sequences`.
"""

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from domain.instant import SECOND_US, format_rfc3339
from ingest.forward_clock import ForwardClock
from ingest.missing import Range
from ingest.sequence_runs import Integers, Truths
from ingest.sequences import MOST_BOOTS, Advance

APART_US: Final = SECOND_US
"""Between two receipts to one device, at least (contract section 3)."""
READINGS: Final = 50
"""So many untold readings do not wait: half of what the contract allows, for one tick's sake."""
WAIT_US: Final = 270 * SECOND_US
"""Whoever is pending for so long does not wait: half a minute less than the contract allows."""

# How urgent a pending receipt is.
_NOT: Final = 0
_PENDING: Final = 1
_CHANGED: Final = 2
_AT_ONCE: Final = 3

_FEWEST_DEVICES: Final = 1024
_MANY: Final = 2**31 - 1


class Due(NamedTuple):
    """Who is to be told, and of which boot."""

    device_no: int
    boot_key: int


class Receipts:
    """Who is pending. A device costs 29 bytes."""

    def __init__(self) -> None:
        self._clock = ForwardClock()
        self._urgency = np.zeros(_FEWEST_DEVICES, dtype=np.uint8)
        self._told_at = np.zeros(_FEWEST_DEVICES, dtype=np.int64)
        # Of the one boot that is pending:
        self._boot_key = np.zeros(_FEWEST_DEVICES, dtype=np.int64)
        self._since = np.zeros(_FEWEST_DEVICES, dtype=np.int64)
        self._readings = np.zeros(_FEWEST_DEVICES, dtype=np.int32)
        self._waiting: dict[int, list[int]] = {}
        """Other boots that are pending, by device, in the order they became so."""

    @property
    def bytes_in_columns(self) -> int:
        """The memory that grows with the devices."""
        columns = (self._urgency, self._told_at, self._boot_key, self._since, self._readings)
        return sum(column.nbytes for column in columns)

    @property
    def pending(self) -> int:
        """How many devices are to be told something."""
        return int(np.count_nonzero(self._urgency))

    def note(self, advance: Advance, now: int) -> None:
        """An advance was committed and taken over: whom it touched is pending."""
        if not len(advance.device_no):
            return
        at = self._at(now)
        devices = advance.device_no.astype(np.intp)
        self._hold(int(devices.max()) + 1)
        own = self._urgency[devices] == _NOT
        own |= self._boot_key[devices] == advance.boot_key
        self._boot_key[devices[own]] = advance.boot_key[own]
        # Of two boots of a device that was not pending, the one written last stands there.
        own &= self._boot_key[devices] == advance.boot_key
        if not own.all():
            others = zip(devices[~own].tolist(), advance.boot_key[~own].tolist(), strict=True)
            for device_no, boot_key in others:
                self._wait(device_no, boot_key)
        self._add(devices[own], advance.readings[own], advance.changed[own], at)

    def due(self, now: int, budget: int) -> list[Due]:
        """Whom to tell now: all that cannot wait, and of the others up to `budget` in all.

        They stay pending until `told`, which belongs into the same breath: readings committed in
        between would count as told.
        """
        at = self._at(now)
        pending = np.flatnonzero(self._urgency != _NOT)
        pending = pending[self._told_at[pending] <= at - APART_US]
        urgency, since = self._urgency[pending], self._since[pending]
        urgency[since <= at - WAIT_US] = _AT_ONCE
        chosen = [self._oldest(pending[urgency == _AT_ONCE], len(pending))]
        room = budget - len(chosen[0])
        for class_ in (_CHANGED, _PENDING):
            if room > 0:
                chosen.append(self._oldest(pending[urgency == class_], room))
                room -= len(chosen[-1])
        devices = np.concatenate(chosen)
        pairs = zip(devices.tolist(), self._boot_key[devices].tolist(), strict=True)
        return [Due(*pair) for pair in pairs]

    def told(self, those: Sequence[Due], now: int) -> None:
        """These were told; a device with another boot pending goes on with it a second later."""
        at = self._at(now)
        devices = np.fromiter((due.device_no for due in those), np.intp, len(those))
        self._told_at[devices] = at
        self._urgency[devices] = _NOT
        self._readings[devices] = 0
        if self._waiting:
            for device_no in [due.device_no for due in those if due.device_no in self._waiting]:
                self._go_on_with_the_next(device_no, at)

    def _at(self, now: int) -> int:
        """Of nobody who was never told, which is 0, was the last receipt within a second."""
        return self._clock.tell(now) + APART_US

    def _hold(self, devices: int) -> None:
        if devices <= len(self._urgency):
            return
        room = max(devices, 2 * len(self._urgency))
        self._urgency = _longer(self._urgency, room)
        self._told_at = _longer(self._told_at, room)
        self._boot_key = _longer(self._boot_key, room)
        self._since = _longer(self._since, room)
        self._readings = _longer(self._readings, room)

    def _add(
        self, devices: npt.NDArray[np.intp], readings: Integers, changed: Truths, at: int
    ) -> None:
        """Each device once, of the boot in the columns."""
        before = self._urgency[devices]
        self._since[devices[before == _NOT]] = at
        untold = np.minimum(self._readings[devices] + readings, _MANY)
        self._readings[devices] = untold
        urgency = np.where(changed, np.uint8(_CHANGED), np.uint8(_PENDING))
        urgency[untold >= READINGS] = _AT_ONCE
        self._urgency[devices] = np.maximum(before, urgency)

    def _wait(self, device_no: int, boot_key: int) -> None:
        """Pending behind another boot. There are few such devices, so they need no budget."""
        waiting = self._waiting.setdefault(device_no, [])
        if boot_key not in waiting:
            waiting.append(boot_key)
        # No more than `Sequences` remembers.
        del waiting[: 1 - MOST_BOOTS]
        self._urgency[device_no] = _AT_ONCE

    def _go_on_with_the_next(self, device_no: int, at: int) -> None:
        waiting = self._waiting[device_no]
        self._boot_key[device_no] = waiting.pop(0)
        self._since[device_no] = at
        self._urgency[device_no] = _AT_ONCE
        if not waiting:
            del self._waiting[device_no]

    def _oldest(self, devices: npt.NDArray[np.intp], room: int) -> npt.NDArray[np.intp]:
        """Up to `room` of these, those pending longest, in that order; then by number."""
        since = self._since[devices]
        if len(devices) > room:
            # A sort of a million, of which a few thousand are wanted, would be the whole tick.
            last = np.partition(since, room - 1)[room - 1]
            older, equal = since < last, np.flatnonzero(since == last)
            older[equal[: room - np.count_nonzero(older)]] = True
            devices, since = devices[older], since[older]
        return devices[np.argsort(since, kind="stable")]


def encode(boot: str | None, seq: int, missing: Iterable[Range], at: int) -> bytes:
    """The payload of a receipt: of `boot`, all up to `seq` but `missing` is committed at `at`."""
    word = "null" if boot is None else json.dumps(boot)
    ranges = ",".join([f"[{begin},{end}]" for begin, end, _ in missing])
    text = f'{{"boot":{word},"seq":{seq},"missing":[{ranges}],"at":"{_text(at)}"}}'
    return text.encode("ascii")


@lru_cache(maxsize=1)
def _text(at: int) -> str:
    """Of one tick, all are written at the same instant."""
    return format_rfc3339(at)


_Column = TypeVar("_Column", np.uint8, np.int32, np.int64)


def _longer(column: npt.NDArray[_Column], room: int) -> npt.NDArray[_Column]:
    longer = np.zeros(room, dtype=column.dtype)
    longer[: len(column)] = column
    return longer
