"""Which sequence numbers of which device and boot are committed: stored, or rejected and kept.

Theory of operation. Nearly every reading carries the number after the last one of its device. So
the boot a device is in stands in columns by `device_no`, and a batch is looked at as *runs*, rows
of one (device, boot) beside each other. A run that climbs by steps of 0 or 1 from where its device
stands is settled in columns; any other device is taken out and settled by itself, exactly, by
`ingest.missing`. Both ways give the same answer.

A device may have several boots under way, when what it kept from before a restart is sent after
it. `MOST_BOOTS` are remembered, the one touched last in the columns; then the least recently
touched is forgotten. A number of a forgotten boot starts it anew: all below is called missing
again, which is safe.

It does not know what a receipt is, when one is due, or how a gap is stored.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from ingest.missing import NOTHING, Range, Ranges, Standing, committed
from ingest.sequence_runs import Integers, Runs, Truths, first_rows, once

_Kept = TypeVar("_Kept", Ranges, dict[int, Standing])

MOST_BOOTS: Final = 4
"""Of one device."""

_SEEN: Final = 1
_MISSING: Final = 2
_DEVICE: Final = np.dtype(
    [
        ("boot_key", "<i8"),  # the boot touched last
        ("high", "<i8"),  # its highest committed number; 0 as well where nothing was seen
        # Its first missing range when that begins at 1, which is so of every device that was
        # counting before we were there: too many for a dictionary. 0 none.
        ("below_to", "<i8"),
        ("below_at", "<i8"),
        ("run", "<i4"),  # for finding devices with more than one run in a batch; means nothing else
        ("flags", "u1"),
    ],
    align=True,  # 40 bytes: one cache line of a device serves all columns
)
_FEWEST_DEVICES: Final = 1024
_LAYOUT: Final = hashlib.sha256(repr(_DEVICE.descr).encode()).digest()[:16]
"""What the columns of this version are, for `Sequences.kept`."""


class Gap(NamedTuple):
    """All that is missing of one (device, boot); nothing when it was filled."""

    device_no: int
    boot_key: int
    missing: Ranges


@dataclass(frozen=True, slots=True, eq=False)
class Advance:
    """What a batch changes. Nothing of it is so before `Sequences.take_over`."""

    device_no: Integers
    """With `boot_key`: each pair that the batch touched, once. Shape (pairs,), like the next."""
    boot_key: Integers
    readings: Integers
    """How many of the batch were of this pair, duplicates included."""
    changed: Truths
    """Whether its missing ranges are others than before."""
    now: int
    high: Integers
    """Of the first pairs, which are settled in columns: the new highest number."""
    below_to: Integers
    """Of the same pairs: where the range from 1 ends that is new with them; 0 none."""
    by_itself: tuple[tuple[int, dict[int, Standing]], ...]
    """All boots of each other device, the one touched last at the end."""
    gaps_by_itself: tuple[Gap, ...]

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What is missing where that changed, in order of (device_no, boot_key)."""
        gaps = list(self.gaps_by_itself)
        for pair in np.flatnonzero(self.below_to).tolist():
            below = Range(1, int(self.below_to[pair]), self.now)
            gaps.append(Gap(int(self.device_no[pair]), int(self.boot_key[pair]), (below,)))
        return tuple(sorted(gaps))


class _Others(NamedTuple):
    """The runs that are not settled in columns, and what became of them."""

    runs: tuple[int, ...]
    """By device, its boots in the order they were touched. `changed` goes with it."""
    changed: tuple[bool, ...]
    gaps: tuple[Gap, ...]
    by_itself: tuple[tuple[int, dict[int, Standing]], ...]


class Sequences:
    """See the module's theory of operation. One advance is under way at a time."""

    def __init__(self) -> None:
        self._devices = np.zeros(_FEWEST_DEVICES, dtype=_DEVICE)
        self._others: dict[int, Ranges] = {}
        """Missing ranges of the boot in the columns that do not begin at 1."""
        self._older: dict[int, dict[int, Standing]] = {}
        """The boots that are not in the columns, least recently touched first."""

    @property
    def bytes_in_columns(self) -> int:
        """The memory that grows with the devices."""
        return self._devices.nbytes

    def advance(
        self,
        device_no: npt.NDArray[np.integer],
        boot_key: Integers,
        seq: Integers,
        now: int,
    ) -> Advance:
        """What committing these rows would change; nothing is changed yet.

        Rows may come in any order and twice; a row without a number (-1) is left out. Of several
        boots of a device, the one in the last row counts as the one touched last.
        """
        numbered = seq >= 0
        if not numbered.all():
            device_no, boot_key, seq = device_no[numbered], boot_key[numbered], seq[numbered]
        if not len(seq):
            return _NO_ADVANCE
        devices = device_no.astype(np.intp)
        self._hold(int(devices.max()) + 1)
        return self._settle(self._runs(devices, boot_key, seq), now)

    def take_over(self, advance: Advance) -> None:
        """Makes it so."""
        in_columns = slice(len(advance.high))
        devices, table = advance.device_no[in_columns], self._devices
        table["boot_key"][devices] = advance.boot_key[in_columns]
        table["high"][devices] = advance.high
        table["flags"][devices] |= _SEEN
        if advance.below_to.any():
            new = advance.below_to > 0
            table["below_to"][devices[new]] = advance.below_to[new]
            table["below_at"][devices[new]] = advance.now
            table["flags"][devices[new]] |= _MISSING
        for device_no, boots in advance.by_itself:
            self._put(device_no, boots)

    def recall(
        self,
        device_no: npt.NDArray[np.integer],
        boot_key: Integers,
        seq: Integers,
        now: int,
    ) -> None:
        """Takes in what was committed before the start, piece by piece.

        What was stored and what was rejected belong into the same piece: a piece without the one
        has holes where the other is, and beyond `MOST_RANGES` holes are joined for good.
        """
        self.take_over(self.advance(device_no, boot_key, seq, now))

    def restore_noticed(self, rows: Iterable[tuple[int, int, int, int, int]]) -> None:
        """Says of what is missing after `recall` since when that is known.

        `rows` are (device_no, boot_key, from_seq, to_seq, noticed_at), as they were written from
        `Advance.gaps`; the oldest that overlaps a range counts. Of others, it stays as it is.
        """
        for device_no, of_device in groupby(sorted(rows), key=lambda row: row[0]):
            boots = self._boots(device_no)
            for boot_key, of_boot in groupby(of_device, key=lambda row: row[1]):
                if boot_key in boots:
                    known = [Range(*row[2:]) for row in of_boot]
                    boots[boot_key] = _noticed(boots[boot_key], known)
            if boots:
                self._put(device_no, boots)

    def kept(self, device_no: npt.NDArray[np.integer]) -> bytes:
        """All that is known of these devices, for `restore`."""
        known = np.unique(device_no[device_no < len(self._devices)]).astype("<i4")
        several = {
            number: [[key, *standing] for key, standing in self._boots(number).items()]
            for number in known.tolist()
            if number in self._others or number in self._older
        }
        head = _LAYOUT + len(known).to_bytes(4, "little") + known.tobytes()
        rows = self._devices[known]
        rows["run"] = 0
        body: bytes = rows.tobytes()
        return head + body + json.dumps(several, separators=(",", ":")).encode()

    def restore(self, body: bytes) -> npt.NDArray[np.int32]:
        """Takes over what another process knew of its devices: the numbers of those.

        In place of what is known here. Bytes of another version, whose columns differ, say nothing.
        """
        if body[: len(_LAYOUT)] != _LAYOUT:
            return np.empty(0, dtype=np.int32)
        at = len(_LAYOUT) + 4
        count = int.from_bytes(body[at - 4 : at], "little")
        device_no = np.frombuffer(body, dtype="<i4", count=count, offset=at)
        at += device_no.nbytes
        rows = np.frombuffer(body, dtype=_DEVICE, count=count, offset=at)
        self._hold(int(device_no.max(initial=0)) + 1)
        self._devices[device_no] = rows
        for number in device_no.tolist():
            self._others.pop(number, None)
            self._older.pop(number, None)
        for number, boots in json.loads(body[at + rows.nbytes :]).items():
            kept = {key: Standing(high, _ranges(missing)) for key, high, missing in boots}
            self._put(int(number), kept)
        return device_no

    def standing(self, device_no: int, boot_key: int) -> Standing | None:
        """Where a boot stands, if it is remembered."""
        return self._boots(device_no).get(boot_key)

    def _hold(self, devices: int) -> None:
        """Makes room, which is no change anybody could see."""
        if devices > len(self._devices):
            room = np.zeros(max(devices, 2 * len(self._devices)), dtype=_DEVICE)
            room[: len(self._devices)] = self._devices
            self._devices = room

    def _runs(self, device_no: npt.NDArray[np.intp], boot_key: Integers, seq: Integers) -> Runs:
        first = first_rows(device_no, boot_key)
        starts = np.flatnonzero(first)
        alone = self._alone(device_no[starts])
        order = None
        if not alone.all():
            order = np.lexsort((seq, boot_key, device_no))
            device_no, boot_key, seq = device_no[order], boot_key[order], seq[order]
            first = first_rows(device_no, boot_key)
            starts = np.flatnonzero(first)
            alone = once(device_no[starts])
        # As unsigned numbers, steps down are large.
        breaks = np.diff(seq).view(np.uint64) > 1
        breaks &= ~first[1:]
        steady = np.ones(len(starts), dtype=bool)
        if breaks.any():
            steady[np.searchsorted(starts, np.flatnonzero(breaks) + 1, side="right") - 1] = False
        return Runs(
            device_no=device_no[starts],
            boot_key=boot_key[starts],
            starts=starts,
            ends=np.append(starts[1:], len(seq)),
            alone=alone,
            steady=steady,
            seq=seq,
            order=order,
        )

    def _alone(self, device_no: npt.NDArray[np.intp]) -> Truths:
        """Which of these names a device that no later one names. No sort: this is every batch."""
        numbers = np.arange(len(device_no), dtype=np.int32)
        column: npt.NDArray[np.int32] = self._devices["run"]
        column[device_no] = numbers
        return np.equal(column[device_no], numbers)

    def _settle(self, runs: Runs, now: int) -> Advance:
        columns = self._devices
        first, last = runs.seq[runs.starts], runs.seq[runs.ends - 1]
        high = columns["high"][runs.device_no]
        flags = columns["flags"][runs.device_no]
        unseen = flags == 0
        goes_on = columns["boot_key"][runs.device_no] == runs.boot_key
        # Nothing is skipped, and nothing that was missing comes.
        goes_on &= (first - 1 == high) | ((first - 1 < high) & (flags & _MISSING == 0))
        settled = (goes_on | unseen) & runs.steady & runs.alone
        below_to = np.where(unseen & (first > 1), first - 1, 0)
        high = np.maximum(high, last)
        others = _Others((), (), (), ())
        pairs = np.flatnonzero(settled)
        if len(pairs) < len(settled):
            others = self._one_by_one(runs, np.flatnonzero(~settled), now)
            high, below_to = high[settled], below_to[settled]
            pairs = np.append(pairs, np.array(others.runs, dtype=np.intp))
        changed = np.zeros(len(pairs), dtype=bool)
        changed[: len(high)] = below_to > 0
        changed[len(high) :] = others.changed
        return Advance(
            device_no=runs.device_no[pairs],
            boot_key=runs.boot_key[pairs],
            readings=(runs.ends - runs.starts)[pairs],
            changed=changed,
            now=now,
            high=high,
            below_to=below_to,
            by_itself=others.by_itself,
            gaps_by_itself=others.gaps,
        )

    def _one_by_one(self, runs: Runs, some: npt.NDArray[np.intp], now: int) -> _Others:
        in_turn = sorted(
            (device_no, runs.last_row(run), run)
            for run, device_no in zip(some.tolist(), runs.device_no[some].tolist(), strict=True)
        )
        by_itself = []
        found: list[Gap | None] = []
        for device_no, of_device in groupby(in_turn, key=lambda turn: turn[0]):
            boots = self._boots(device_no)
            found += [_commit(boots, runs, run, now) for _, _, run in of_device]
            by_itself.append((device_no, dict(list(boots.items())[-MOST_BOOTS:])))
        return _Others(
            runs=tuple(run for _, _, run in in_turn),
            changed=tuple(gap is not None for gap in found),
            gaps=tuple(gap for gap in found if gap is not None),
            by_itself=tuple(by_itself),
        )

    def _boots(self, device_no: int) -> dict[int, Standing]:
        """All boots of a device, the one in the columns last. The caller's own."""
        boots = dict(self._older.get(device_no, ()))
        if device_no >= len(self._devices):
            return boots
        row = self._devices[device_no]
        if row["flags"] & _SEEN:
            below = Range(1, int(row["below_to"]), int(row["below_at"]))
            others = self._others.get(device_no, ())
            missing = (below, *others) if below.to_seq else others
            boots[int(row["boot_key"])] = Standing(int(row["high"]), missing)
        return boots

    def _put(self, device_no: int, boots: dict[int, Standing]) -> None:
        boots = dict(boots)
        boot_key, (high, missing) = boots.popitem()
        below = missing[:1] if missing and missing[0].from_seq == 1 else ()
        others = missing[len(below) :]
        _, below_to, below_at = below[0] if below else (1, 0, 0)
        flags = _SEEN | (_MISSING if missing else 0)
        self._devices[device_no] = (boot_key, high, below_to, below_at, 0, flags)
        _set_or_drop(self._others, device_no, others)
        _set_or_drop(self._older, device_no, boots)


def _ranges(missing: Iterable[tuple[int, int, int]]) -> Ranges:
    return tuple(Range(*each) for each in missing)


def _set_or_drop(where: dict[int, _Kept], device_no: int, what: _Kept) -> None:
    if what:
        where[device_no] = what
    else:
        where.pop(device_no, None)


def _commit(boots: dict[int, Standing], runs: Runs, run: int, now: int) -> Gap | None:
    """Commits a run to its boot among a device's; what is missing now, if that changed."""
    boot_key = int(runs.boot_key[run])
    numbers: list[int] = np.unique(runs.seq[runs.starts[run] : runs.ends[run]]).tolist()
    before = boots.pop(boot_key, NOTHING)
    after = committed(before, numbers, now)
    boots[boot_key] = after
    # It may have been here and been forgotten, so its gaps may be written though we know of none.
    returned = before is NOTHING and len(boots) > MOST_BOOTS
    if after.missing == before.missing and not returned:
        return None
    return Gap(int(runs.device_no[run]), boot_key, after.missing)


def _noticed(standing: Standing, known: list[Range]) -> Standing:
    """The same with the instants of known ranges that overlap."""
    missing = []
    for begin, end, noticed_at in standing.missing:
        earlier = [old.noticed_at for old in known if old.from_seq <= end and begin <= old.to_seq]
        missing.append(Range(begin, end, min(earlier, default=noticed_at)))
    return Standing(standing.high, tuple(missing))


_NONE: Final[Integers] = np.empty(0, dtype=np.int64)
_NO_ADVANCE: Final = Advance(
    device_no=_NONE,
    boot_key=_NONE,
    readings=_NONE,
    changed=np.empty(0, dtype=np.bool_),
    now=0,
    high=_NONE,
    below_to=_NONE,
    by_itself=(),
    gaps_by_itself=(),
)
