"""`device_fault`: a band half of whose messages cannot be used, or whose sensor does not change.

Theory of operation. Like `silent` this rule goes by the journal, the order in which messages came,
duplicates included. Of each wearer the last twenty messages are remembered, one bit each: whether
something in it was rejected, were it only one quantity, as a band with a broken sensor sends them.
Half of them bad begin a finding, twenty good ones in a row end it.

A sensor is frozen when temperature or pulse has had one value over thirty readings and six hours
(`rules.frozen`). Only readings that come in order count. Of a frozen sensor a message is good that
says another value; one that says nothing of it, or the same value once more, is neither, and a
rejected one, or a sensor that is frozen again, begins the count of twenty anew. Spot thermometers
are never frozen.

With nearly everybody nothing is the matter, and they are looked at all at once. Whoever has, or
gets, a frozen sensor is walked through message by message, each with the readings that came in it:
so where a batch ends makes no difference.

It is a finding about a band, and nobody's severity follows from it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.batch import Rows
from domain.instant import MINUTE_US
from rules import frozen
from rules.band_faults import MESSAGES, BandFaults, Cause, Slots
from rules.changes import Placed
from rules.heard import Heard
from rules.rulebook import DeviceFault
from rules.touched import Touched
from rules.wearers import Wearers

_RING: Final = (1 << MESSAGES) - 1

_FROZEN: Final = (
    (Cause.TEMPERATURE, "temperature_cc", "frozen_t"),
    (Cause.PULSE, "pulse_bpm", "frozen_p"),
)


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """The readings of a step that came in order."""

    rows: Rows
    group: Slots
    """Places in the states. Shape of `rows`."""
    origin: npt.NDArray[np.int64]
    """Places in what was heard; -1 for what came in no message that counts. Shape of `rows`."""
    said: dict[Cause, Slots]
    """`rules.frozen.said` of each row."""


def hear(  # noqa: PLR0913, PLR0917 - the step, and all that it depends on
    states: Touched,
    slots: Slots,
    rows: Rows,
    group: Slots,
    heard: Heard,
    wearers: Wearers,
    figures: DeviceFault,
) -> list[Placed]:
    """Takes messages in, in order, and the readings in them that came in order.

    `states` are those of `slots`, ascending, with the watermarks of before; `group` says which of
    them each row is of. `heard.origins` goes with `rows`.
    """
    of = BandFaults(states, slots, wearers, figures)
    measured = _measured(of, rows, group, heard)
    walked = _tangled(measured, len(slots)) | _frozen_now(states)
    taken = {cause: _taken(of, measured, cause, column) for cause, _, column in _FROZEN}
    for each in taken.values():
        walked[each.whose[each.froze]] = True
    for cause, _, column in _FROZEN:
        taken[cause].write(states, column, ~walked)
    nth = np.searchsorted(slots, heard.slot)
    placed = _count(of, nth, heard, walked)
    for one in np.flatnonzero(walked).tolist():
        placed += _Walk(of, one, measured).through(heard, np.flatnonzero(nth == one))
    return placed


def _measured(of: BandFaults, rows: Rows, group: Slots, heard: Heard) -> _Measured:
    origin = np.full(len(rows), -1, dtype=np.int64) if heard.origins is None else heard.origins
    spot = of.wearers.spot[of.slots[group]]
    said = {}
    for cause, quantity, column in _FROZEN:
        most = int(np.iinfo(of.states[column]["value"].dtype).max)
        said[cause] = np.where(spot, -1, frozen.said(rows, quantity, most))
    return _Measured(rows, group, origin, said)


def _tangled(measured: _Measured, count: int) -> npt.NDArray[np.bool_]:
    """Whose readings are not in the order of their messages. Shape (count,)."""
    found = np.zeros(count, dtype=np.bool_)
    group, origin, at = measured.group, measured.origin, measured.rows["measured_at"]
    after = (origin[1:] > origin[:-1]) & (at[1:] > at[:-1])
    tangled = (group[1:] == group[:-1]) & (origin[1:] != origin[:-1]) & ~after
    found[group[1:][tangled]] = True
    return found


def _frozen_now(states: Touched) -> npt.NDArray[np.bool_]:
    """Whose sensor is known to be frozen. Shape of `states`."""
    going = states.going("device_fault")
    if going.any():
        going = going & (states["device_fault"]["cause"] != Cause.MESSAGES)
    return going.copy()


def _taken(of: BandFaults, measured: _Measured, cause: Cause, column: str) -> frozen.Taken:
    said = measured.said[cause]
    which = np.flatnonzero(said >= 0)
    at = measured.rows["measured_at"][which]
    known = of.states[column]
    return frozen.after_rows(known, measured.group[which], said[which], at, of.figures)


def _count(of: BandFaults, nth: Slots, heard: Heard, walked: npt.NDArray[np.bool_]) -> list[Placed]:
    """Counts the messages of all but the walked: of them no value matters."""
    count = np.bincount(nth, minlength=len(of.slots))
    bad = np.bincount(nth[heard.bad], minlength=len(of.slots)) > 0
    known = of.states["messages"]
    calm = ~walked & ~bad & (known & _RING == 0) & ~of.states.going("device_fault")
    full = np.minimum((known >> MESSAGES) + count, MESSAGES) << MESSAGES
    known[calm] = full[calm]
    placed: list[Placed] = []
    for one in np.flatnonzero(~walked & ~calm & (count > 0)).tolist():
        placed += _Walk(of, one, None).through(heard, np.flatnonzero(nth == one))
    return placed


class _Walk:
    """One wearer's messages, one after the other, each with its readings."""

    def __init__(self, of: BandFaults, nth: int, measured: _Measured | None) -> None:
        self._of = of
        self._nth = nth
        self._measured = measured
        self._placed: list[Placed] = []
        self._seen: list[tuple[int, int]] = []
        """Of the finding that stands, not told yet: (at, how many were bad)."""
        self._newest = int(of.states["watermark_at"][nth])

    def through(self, heard: Heard, mine: npt.NDArray[np.intp]) -> list[Placed]:
        """All of them; `mine` are the places in `heard`."""
        for _, rows in self._readings(-1, -1):
            self._measure(rows)
        parts = dict(self._readings(0, len(heard.slot)))
        for place in mine.tolist():
            said = self._measure(parts[place]) if place in parts else _NOTHING_SAID
            self._message(int(heard.at[place]), said, bad=bool(heard.bad[place]))
        self._tell_seen()
        return self._placed

    def _readings(self, first: int, last: int) -> Iterator[tuple[int, npt.NDArray[np.intp]]]:
        """(message, its rows) of the messages in between."""
        if self._measured is None:
            return
        group, origin = self._measured.group, self._measured.origin
        begin, end = np.searchsorted(group, [self._nth, self._nth + 1])
        own = origin[begin:end]
        for message in np.unique(own[(own >= first) & (own <= last)]).tolist():
            yield message, begin + np.flatnonzero(own == message)

    def _measure(self, rows: npt.NDArray[np.intp]) -> "_Said":
        """Takes the readings of one message in, of which those count that came in order."""
        assert self._measured is not None
        at = self._measured.rows["measured_at"][rows]
        rows, at = rows[at > self._newest], at[at > self._newest]
        if len(rows):
            self._newest = int(at[-1])
        found = _NOTHING_SAID
        for cause, _, column in _FROZEN:
            values = self._measured.said[cause][rows].tolist()
            for value, when in zip(values, at.tolist(), strict=True):
                if value >= 0:
                    found = self._value(cause, column, value, when).after(found)
        return found

    def _value(self, cause: Cause, column: str, value: int, at: int) -> "_Said":
        """One value of a quantity."""
        known = self._of.states[column]
        cells = frozen.after(known[self._nth].item(), value, at)
        known[self._nth] = cells
        standing = self._of.states["device_fault"][self._nth]
        if frozen.is_frozen(cells, at, self._of.figures):
            if not standing["onset_at"]:
                onset_at = at - frozen.lasts_min(cells, at) * MINUTE_US
                self._begin(cause, onset_at, at, MESSAGES, value)
            if standing["cause"] == cause:
                self._seen.append((at, MESSAGES))
                return _Said(frozen=True)
        other = standing["cause"] == cause and value not in (frozen.OFF, int(standing["value"]))
        return _Said(other=bool(other))

    def _message(self, at: int, said: "_Said", *, bad: bool) -> None:
        """One message has come, whose readings are taken in."""
        states, nth = self._of.states, self._nth
        known = int(states["messages"][nth])
        ring = ((known << 1) | bad) & _RING
        count = min((known >> MESSAGES) + 1, MESSAGES)
        states["messages"][nth] = ring | (count << MESSAGES)
        standing = states["device_fault"][nth]
        if not standing["onset_at"]:
            if count == MESSAGES and 100 * ring.bit_count() >= self._of.figures.bad_pct * MESSAGES:
                self._begin(Cause.MESSAGES, at, at, ring.bit_count())
        elif standing["cause"] == Cause.MESSAGES:
            if ring == 0:
                self._end(at)
            elif bad:
                self._seen.append((at, ring.bit_count()))
        else:
            good = int(standing["good"])
            standing["good"] = 0 if bad or said.frozen else min(good + said.other, _MOST)
            if standing["good"] >= MESSAGES:
                self._end(at)

    def _begin(self, cause: Cause, onset_at: int, at: int, bad: int, value: int = 0) -> None:
        self._placed.append(self._of.began(self._nth, cause, onset_at, at, bad, value))

    def _end(self, at: int) -> None:
        self._tell_seen()
        self._placed.append(self._of.ended(self._nth, at))

    def _tell_seen(self) -> None:
        if self._seen:
            at, bad = self._seen[-1]
            most = max(count for _, count in self._seen)
            self._placed.append(self._of.seen(self._nth, at, bad, most))
            self._seen.clear()


@dataclass(frozen=True, slots=True)
class _Said:
    """What a message says of the sensor that is frozen."""

    other: bool = False
    """Another value,"""
    frozen: bool = False
    """or one that does not change either."""

    def after(self, earlier: "_Said") -> "_Said":
        """Together with what it said before."""
        return _Said(self.other or earlier.other, self.frozen or earlier.frozen)


_NOTHING_SAID: Final = _Said()
_MOST: Final = 255


def close(
    states: Touched, nth: int, slot: int, ended_at: int, wearers: Wearers, figures: DeviceFault
) -> list[Placed]:
    """Ends, in place, what there is of one wearer: the device is not worn any more."""
    if not states.going("device_fault")[nth]:
        return []
    slots = np.full(len(states), slot, dtype=np.int64)
    return [BandFaults(states, slots, wearers, figures).ended(nth, ended_at)]
