"""`device_fault`: a band half of whose messages cannot be used, or whose sensor does not change.

Theory of operation. Like `silent` this rule goes by the journal, the order in which messages came,
duplicates included. Of each wearer the last twenty messages are remembered, one bit each: whether
something in it was rejected, were it only one quantity, as a band with a broken sensor sends them.
Half of them bad begin a finding, twenty good ones in a row end it.

A sensor is frozen when temperature or pulse has had one value over thirty readings and six hours.
Only readings that come in order and are not off the body count; what is off the body begins anew.
Then a message is good only once the value has changed. Spot thermometers are never frozen. When a
value began is known to the minute, which is all that six hours ask for.

It is a finding about a band, and nobody's severity follows from it.
"""

import json
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.batch import MISSING, Rows
from domain.instant import MINUTE_US
from rules.changes import RULEBOOK_ORIGIN, Placed
from rules.columns import RUNS
from rules.finding import Change, Finding, FindingChange, FindingKey, Rule, Severity, SiteClass
from rules.heard import Heard
from rules.rulebook import DeviceFault
from rules.stretches import Stretches
from rules.touched import Touched
from rules.wearers import Wearers

MESSAGES: Final = 20
"""Remembered, contract section 5."""
_RING: Final = (1 << MESSAGES) - 1
_ORDER: Final = len(RUNS) + 2
"""Reported after silence and the watch."""
_WRAP: Final = 1 << 16
"""Minutes are kept modulo this: 45 days, longer than any reading we accept is old."""
_MOST: Final = 255

Slots = npt.NDArray[np.int64]


class Cause(IntEnum):
    """What is wrong. The numbers are in the state."""

    MESSAGES = 1
    TEMPERATURE = 2
    PULSE = 3

    @property
    def word(self) -> str:
        """As in the evidence."""
        return _WORDS[self]


_WORDS: Final = {
    Cause.MESSAGES: "rejected messages",
    Cause.TEMPERATURE: "frozen temperature",
    Cause.PULSE: "frozen pulse",
}
_FROZEN: Final = (
    (Cause.TEMPERATURE, "temperature_cc", "frozen_t"),
    (Cause.PULSE, "pulse_bpm", "frozen_p"),
)


@dataclass(frozen=True, slots=True, eq=False)
class _Of:
    """The wearers of a step."""

    states: Touched
    slots: Slots
    wearers: Wearers
    figures: DeviceFault

    def began(self, nth: int, cause: Cause, onset_at: int, at: int, bad: int) -> Placed:
        """A finding begins."""
        cells = (onset_at, at, bad, bad, int(cause), 0)
        self.states["device_fault"][nth] = cells
        return self._placed(nth, FindingChange(Change.BEGAN, self.finding(nth)))

    def seen(self, nth: int, at: int, bad: int, most: int) -> Placed:
        """It is still so: `bad` at `at`, and at most `most` since it was told last."""
        before = self.finding(nth)
        row = self.states["device_fault"][nth]
        row["last_at"], row["bad"], row["most"] = at, bad, max(most, int(row["most"]))
        return self._placed(nth, FindingChange(Change.SEEN, self.finding(nth), before))

    def ended(self, nth: int, at: int) -> Placed:
        """It is over."""
        before = self.finding(nth)
        column = self.states["device_fault"]
        column[nth] = np.zeros((), dtype=column.dtype)
        after = replace(before, ended_at=max(at, before.onset_at))
        return self._placed(nth, FindingChange(Change.ENDED, after, before))

    def _placed(self, nth: int, change: FindingChange) -> Placed:
        return (int(self.slots[nth]), -1, _ORDER), change

    def finding(self, nth: int) -> Finding:
        """The one that stands."""
        slot = int(self.slots[nth])
        onset_at, last_at, bad, most, cause, _ = self.states["device_fault"][nth].item()
        said: dict[str, object] = {"cause": Cause(cause).word}
        if cause == Cause.MESSAGES:
            said |= {"bad": bad, "of": MESSAGES}
        share, worst = (100 * n // MESSAGES for n in (bad, most))
        return Finding(
            key=FindingKey(
                int(self.wearers.episode_no[slot]),
                int(self.wearers.device_no[slot]),
                Rule.DEVICE_FAULT,
                SiteClass.NONE,
            ),
            onset_at=onset_at,
            ended_at=None,
            severity=Severity.ROUTINE,
            last_at=last_at,
            value=share,
            peak=worst,
            limit=self.figures.bad_pct,
            origin=RULEBOOK_ORIGIN,
            site="",
            detail=json.dumps(said, sort_keys=True, separators=(",", ":")),
        )


def hear(
    states: Touched, slots: Slots, heard: Heard, wearers: Wearers, figures: DeviceFault
) -> list[Placed]:
    """Takes messages in, in order; every wearer of theirs is one of `slots`, ascending."""
    of = _Of(states, slots, wearers, figures)
    nth = np.searchsorted(slots, heard.slot)
    count = np.bincount(nth, minlength=len(slots))
    bad = np.bincount(nth[heard.bad], minlength=len(slots)) > 0
    known = states["messages"]
    calm = ~bad & (known & _RING == 0) & ~states.going("device_fault")
    full = np.minimum((known >> MESSAGES) + count, MESSAGES) << MESSAGES
    known[calm] = full[calm]
    placed: list[Placed] = []
    for one in np.flatnonzero(~calm & (count > 0)).tolist():
        mine = np.flatnonzero(nth == one)
        pairs = zip(heard.bad[mine].tolist(), heard.at[mine].tolist(), strict=True)
        placed += _hear_one(of, one, list(pairs))
    return placed


def _hear_one(of: _Of, nth: int, messages: list[tuple[bool, int]]) -> list[Placed]:
    placed: list[Placed] = []
    known = int(of.states["messages"][nth])
    ring, count = known & _RING, known >> MESSAGES
    seen: list[tuple[int, int]] = []
    for bad, at in messages:
        ring, count = ((ring << 1) | bad) & _RING, min(count + 1, MESSAGES)
        of.states["messages"][nth] = ring | (count << MESSAGES)
        row = of.states["device_fault"][nth]
        if not row["onset_at"]:
            if count == MESSAGES and 100 * ring.bit_count() >= of.figures.bad_pct * MESSAGES:
                placed.append(of.began(nth, Cause.MESSAGES, at, at, ring.bit_count()))
                seen.clear()
        elif _is_over(of, nth, ring, bad=bad):
            placed.append(of.ended(nth, at))
            seen.clear()
        elif bad and row["cause"] == Cause.MESSAGES:
            seen.append((at, ring.bit_count()))
    if seen:
        placed.append(of.seen(nth, *seen[-1], max(count for _, count in seen)))
    return placed


def _is_over(of: _Of, nth: int, ring: int, *, bad: bool) -> bool:
    """Whether a message is the twentieth good one in a row."""
    row = of.states["device_fault"][nth]
    if row["cause"] == Cause.MESSAGES:
        return ring == 0
    good = not bad and not _is_frozen(of, nth, Cause(int(row["cause"])))
    row["good"] = int(row["good"]) + 1 if good else 0
    return bool(row["good"] >= MESSAGES)


def _is_frozen(of: _Of, nth: int, cause: Cause) -> bool:
    """Whether the value that made it frozen still stands: a new one has a count of its own."""
    column = next(column for each, _, column in _FROZEN if each is cause)
    return bool(of.states[column][nth]["n"] >= of.figures.frozen_readings)


def measure(
    states: Touched, slots: Slots, rows: Rows, group: Slots, wearers: Wearers, figures: DeviceFault
) -> list[Placed]:
    """Looks at values that do not change. `rows` came in order; `group` says which of `states`."""
    of = _Of(states, slots, wearers, figures)
    placed: list[Placed] = []
    off = (rows["worn"] == 0) | (rows["pulse_bpm"] == 0)
    fixed = ~wearers.spot[slots[group]]
    for cause, quantity, column in _FROZEN:
        which = np.flatnonzero(fixed & (off | (rows[quantity] != MISSING[quantity])))
        if len(which):
            value = np.where(off[which], 0, rows[quantity][which]).astype(np.int64)
            at = rows["measured_at"][which]
            most = np.iinfo(states[column]["value"].dtype).max
            placed += _measure(of, cause, column, group[which], np.minimum(value, most), at)
    return placed


def _measure(
    of: _Of,
    cause: Cause,
    column: str,
    group: Slots,
    value: npt.NDArray[np.int64],
    at: npt.NDArray[np.int64],
) -> list[Placed]:
    stretches = Stretches.of(group, value)
    whose, said = stretches.group, stretches.span
    begins = np.ones(len(whose), dtype=np.bool_)
    begins[1:] = whose[1:] != whose[:-1]
    known = of.states[column]
    goes_on = begins & (known["value"][whose] == said) & (known["n"][whose] > 0)
    n = stretches.until - stretches.first + np.where(goes_on, known["n"][whose].astype(np.int64), 0)
    n = np.where(said > 0, np.minimum(n, _MOST), 0)
    last_at = at[stretches.until - 1]
    began = at[stretches.first] // MINUTE_US % _WRAP
    since = np.where(goes_on, known["since"][whose].astype(np.int64), began)
    length = (last_at // MINUTE_US - since) % _WRAP
    frozen = (n >= of.figures.frozen_readings) & (length >= of.figures.frozen_s // 60)
    last = np.append(begins[1:], [True] * bool(len(whose)))
    rows = known[whose[last]]
    rows["value"], rows["since"], rows["n"] = said[last], since[last], n[last]
    known[whose[last]] = rows
    return [
        change
        for k in np.flatnonzero(frozen).tolist()
        for change in _froze(of, cause, int(whose[k]), int(last_at[k]), int(length[k]))
    ]


def _froze(of: _Of, cause: Cause, nth: int, at: int, length_min: int) -> list[Placed]:
    row = of.states["device_fault"][nth]
    if not row["onset_at"]:
        return [of.began(nth, cause, at - length_min * MINUTE_US, at, MESSAGES)]
    if row["cause"] == cause:
        return [of.seen(nth, at, MESSAGES, MESSAGES)]
    return []


def close(
    states: Touched, nth: int, slot: int, ended_at: int, wearers: Wearers, figures: DeviceFault
) -> list[Placed]:
    """Ends, in place, what there is of one wearer: the device is not worn any more."""
    if not states.going("device_fault")[nth]:
        return []
    slots = np.full(len(states), slot, dtype=np.int64)
    return [_Of(states, slots, wearers, figures).ended(nth, ended_at)]


def standing_cells(standing: Finding) -> tuple[int, int, int, int, int, int]:
    """The row of `device_fault` that a finding stands for, for a state that was lost."""
    word = json.loads(standing.detail)["cause"]
    cause = next(each for each, known in _WORDS.items() if known == word)
    bad, most = (n * MESSAGES // 100 for n in (standing.value, standing.peak))
    return standing.onset_at, standing.last_at, bad, most, int(cause), 0
