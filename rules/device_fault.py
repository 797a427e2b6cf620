"""`device_fault`: half of what a device sends cannot be used.

Theory of operation. This rule asks how messages came, not what was measured: a message counts when
it arrives, twice if it came twice, and is bad if anything in it was rejected. The newest of each
wearer are kept as bits, so that a verdict follows from the order of arrival alone, however it was
cut into batches. Nothing is found before `messages` of them have come; what is found ends when as
many in a row were good. What was rejected has no row, so it is told in `Heard`.

Almost everybody's messages are all good, and have been: `concerned` leaves those out, and of the
others only those with a bad one among the newest are gone through message by message.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from rules.changes import RULEBOOK_ORIGIN, Placed
from rules.columns import BIT, RUNS
from rules.finding import Change, Finding, FindingChange, FindingKey, Rule, Severity, SiteClass
from rules.rulebook import Rulebook
from rules.state import State
from rules.touched import Touched
from rules.wearers import Wearers

KEPT: Final = 26
"""The newest messages whose bits are kept; a rulebook may ask for no more."""

_ORDER: Final = len(RUNS) + 2
"""Reported after silence and the nights."""
_BITS: Final = (1 << KEPT) - 1
_ONLY_GOOD: Final = KEPT << KEPT
"""The column of somebody who has sent so many, all good."""

Slots = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """Messages of devices that somebody wore as they came, in that order. Shapes (n,)."""

    slot: Slots
    good: npt.NDArray[np.bool_]
    """Whether nothing in it was rejected."""
    received_at: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.slot)

    def of(self, which: npt.NDArray[np.bool_]) -> "Heard":
        """Some of them."""
        return Heard(self.slot[which], self.good[which], self.received_at[which])

    def between(self, begin: int, end: int) -> "Heard":
        """Those from one place to another."""
        return Heard(self.slot[begin:end], self.good[begin:end], self.received_at[begin:end])


def concerned(state: State, heard: Heard) -> Heard:
    """Those messages that can change anything, by wearer, each wearer's in order of arrival."""
    known = heard.slot < len(state)
    kept = state.dense["messages"][np.where(known, heard.slot, 0)] if len(state) else 0
    change = ~(heard.good & known & (kept == _ONLY_GOOD))
    if not change.all():
        # A good message after a bad one of the same batch counts as well.
        change |= np.isin(heard.slot, heard.slot[~heard.good])
        heard = heard.of(change)
    order = np.argsort(heard.slot, kind="stable")
    return Heard(heard.slot[order], heard.good[order], heard.received_at[order])


def hear(
    states: Touched, slots: Slots, heard: Heard, wearers: Wearers, rulebook: Rulebook
) -> list[Placed]:
    """Counts messages, in place. `heard` is from `concerned`, its slots among `slots`."""
    first = np.flatnonzero(np.append(True, heard.slot[1:] != heard.slot[:-1]))[: len(heard)]
    lengths = np.diff(np.append(first, len(heard)))
    nth = np.searchsorted(slots, heard.slot[first])
    column = states["messages"]
    kept = column[nth].astype(np.int64)
    plain = ((kept & _BITS) == 0) & ~states.going("device_fault")[nth]
    plain &= np.logical_and.reduceat(heard.good, first) if len(first) else plain
    column[nth[plain]] = np.minimum((kept[plain] >> KEPT) + lengths[plain], KEPT) << KEPT
    placed: list[Placed] = []
    for each in np.flatnonzero(~plain).tolist():
        end = int(first[each] + lengths[each])
        mine, one = heard.between(int(first[each]), end), int(nth[each])
        placed += [
            ((int(slots[one]), -1, _ORDER), change)
            for change in _go_through(states, one, mine, wearers, rulebook)
        ]
    return placed


def _go_through(
    states: Touched, nth: int, heard: Heard, wearers: Wearers, rulebook: Rulebook
) -> list[FindingChange]:
    """Message by message, of one wearer."""
    slot = int(heard.slot[0])
    figures = rulebook.device_fault
    window = (1 << figures.messages) - 1
    count, bits = divmod(int(states["messages"][nth]), 1 << KEPT)
    standing = bool(states.going("device_fault")[nth])
    changes: list[FindingChange] = []
    for is_good, at in zip(heard.good.tolist(), heard.received_at.tolist(), strict=True):
        bits = (bits << 1 | (not is_good)) & _BITS
        count += count < KEPT
        if count < figures.messages:
            continue
        bad = (bits & window).bit_count()
        if not standing and 100 * bad >= figures.rejected_pct * figures.messages:
            standing = True
            states["device_fault"][nth] = at, bad, figures.messages, figures.rejected_pct
            changes.append(FindingChange(Change.BEGAN, _finding(states, nth, slot, wearers)))
        elif standing and not bad:
            standing = False
            changes.append(_end(states, nth, slot, at, wearers))
    states["messages"][nth] = count << KEPT | bits
    return changes


def close(states: Touched, nth: int, slot: int, ended_at: int, wearers: Wearers) -> list[Placed]:
    """Ends what was found of one wearer, in place: the device is not worn any more."""
    if not states.going("device_fault")[nth]:
        return []
    states["messages"][nth] = 0
    return [((slot, -1, _ORDER), _end(states, nth, slot, ended_at, wearers))]


def restore_standing(state: State, standing: Sequence[tuple[int, Finding]]) -> None:
    """Sets, in place, what has not ended, by slot; nobody else has such a finding.

    Whoever's state said otherwise is counted anew: their bits are older than what is known.
    """
    going = np.flatnonzero(state.dense["going"] & BIT["device_fault"])
    of_slot = dict(standing)
    slots = np.array(sorted({*going.tolist(), *of_slot}), dtype=np.int64)
    rows = state.gather(slots)
    column = rows["device_fault"]
    for nth, slot in enumerate(slots.tolist()):
        finding = of_slot.get(slot)
        if (finding is None) is bool(column["onset_at"][nth]):
            rows["messages"][nth] = 0
        if finding is None:
            column[nth] = 0, 0, 0, 0
        else:
            said = json.loads(finding.detail)
            column[nth] = finding.onset_at, said["bad"], said["of"], finding.limit
    state.put(slots, rows)


def _end(states: Touched, nth: int, slot: int, ended_at: int, wearers: Wearers) -> FindingChange:
    before = _finding(states, nth, slot, wearers)
    ended_at = max(ended_at, before.onset_at)
    states["device_fault"][nth] = np.zeros((), dtype=states["device_fault"].dtype)
    return FindingChange(Change.ENDED, replace(before, ended_at=ended_at, last_at=ended_at), before)


def _finding(states: Touched, nth: int, slot: int, wearers: Wearers) -> Finding:
    onset_at, bad, of, limit = states["device_fault"][nth].item()
    value = 100 * bad // of
    said = {"bad": bad, "cause": "rejected messages", "of": of}
    return Finding(
        key=FindingKey(
            int(wearers.episode_no[slot]),
            int(wearers.device_no[slot]),
            Rule.DEVICE_FAULT,
            SiteClass.NONE,
        ),
        onset_at=onset_at,
        ended_at=None,
        severity=Severity.ROUTINE,
        last_at=onset_at,
        value=value,
        peak=value,
        limit=limit,
        origin=RULEBOOK_ORIGIN,
        site="",
        detail=json.dumps(said, sort_keys=True, separators=(",", ":")),
    )
