"""`watch`: a resting pulse that is up two nights running (NightSignal, `rules.nights`).

Theory of operation. A night is the community's midnight to seven. Its resting pulse is the mean of
the pulses without a step, cut to a whole number. It is over with the first reading of the wearer
from seven on; or else when the clock strikes half past, and then whatever comes for it afterwards
is late. So it is judged causally, every morning; and where a single missing night is filled in as
published, which the next night or the one after it decides, the levels of the nights since are
judged once more, and a finding gets an earlier onset, or one that had ended goes on.

A finding is nights running that are yellow or red: it begins at seven after the first of them and
ends at seven after the first night that is green or missing. Its value is the newest night's pulse,
its limit what would have made that night yellow. What is known are the newest 31 nights: a longer
row is judged as if it had begun with them. When a device is taken off, what is not over is
forgotten, and its finding's last two nights are: no finding goes on across the gap.

The state (`rules.state`) is the nights, the sum of the one that is not over, and the levels, of
which the finding of any morning follows.
"""

import json
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from domain.instant import SECOND_US
from rules.changes import BASELINE_ORIGIN, Placed
from rules.columns import BIT, NIGHTS, RUNS
from rules.finding import Change, Finding, FindingChange, FindingKey, Rule, Severity, SiteClass
from rules.local_time import date_of
from rules.marks import Batch
from rules.nights import (
    GREEN,
    WORDS,
    baseline,
    imputed,
    moved,
    next_levels,
    shifted,
    unpacked,
)
from rules.revision import revise
from rules.rulebook import Rulebook, Watch
from rules.state import State
from rules.stretches import Stretches, Sums
from rules.touched import Touched
from rules.wearers import Wearers

_ORDER: Final = len(RUNS) + 1
"""Reported after silence."""
_HIGHEST_BPM: Final = 255
"""What a night is stored as at most."""
_REVISED: Final = 3
"""The newest night that can be green for good is so many nights before the newest of all."""
_NEWEST: Final = NIGHTS - 1
_RECENT_BITS: Final = (1 << (2 * (_REVISED + 1))) - 1

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Of:
    """Whose nights are looked at, for whom, and where what is found belongs. Shapes (n,)."""

    states: Touched
    group: Numbers
    slots: Numbers
    row: Numbers
    wearers: Wearers
    figures: Watch

    def some(self, which: npt.NDArray[np.intp]) -> "_Of":
        return replace(self, group=self.group[which], slots=self.slots[which], row=self.row[which])


def mornings(batch: Batch) -> list[Placed]:
    """Judges the nights that are over by each reading, and takes in the pulses of the next."""
    figures, pulse = batch.rulebook.watch, batch.rows["pulse_bpm"].astype(np.int64)
    every = np.arange(len(batch.rows))
    hours = batch.hours(every)
    day, hour = hours // 24, hours % 24
    resting = (pulse > 0) & (batch.rows["steps"] <= 0) & ~batch.muted
    resting &= (hour >= figures.night_from_h) & (hour < figures.night_until_h)
    sums = Sums.of(pulse, resting)
    stretches = Stretches.of(batch.group, day - (hour < figures.night_until_h))
    placed: list[Placed] = []
    for round_ in stretches.rounds():
        first, over = stretches.first[round_], stretches.span[round_]
        whose = stretches.group[round_]
        of = _Of(batch.states, whose, batch.slots[first], first, batch.wearers, figures)
        placed += _judge(of, over)
        _take_in(of, over + 1, first, stretches.until[round_], sums)
    return placed


def _take_in(of: _Of, night: Numbers, first: Numbers, until: Numbers, sums: Sums) -> None:
    """Adds the pulses of a night that is not over to what is there of it."""
    states, group = of.states, of.group
    so_far = states["tonight_n"][group].astype(np.int64)
    n, value = sums.within(first, until, so_far)
    fits = (so_far == 0) | (states["tonight_at"][group] == night)
    # Nights a wearer has had already do not come again: the clocks of a place can be set back.
    which = np.flatnonzero((n > 0) & fits & (night > states["night_at"][group]))
    group = group[which]
    states["tonight_at"][group] = night[which]
    states["tonight_n"][group] = (so_far + n)[which]
    states["tonight_sum"][group] += value[which].astype(np.int32)


def going_on(state: State, count: int) -> npt.NDArray[np.bool_]:
    """Who has a night that is not over. Shape (count,)."""
    found: npt.NDArray[np.bool_] = state.padded("tonight_n", count) != 0
    return found


def due(state: State, wearers: Wearers, rulebook: Rulebook, now: int) -> Numbers:
    """The slots for which `strike` has something to do."""
    count = len(wearers)
    upto = _over_in_zones(wearers, rulebook.watch, now)[wearers.zone]
    ready = (state.padded("tonight_n", count) != 0) & (state.padded("tonight_at", count) <= upto)
    judged = state.padded("going", count) & BIT["watch"] != 0
    slots = np.flatnonzero(ready | judged)
    rows = np.arange(len(slots))
    of = _Of(state.gather(slots), rows, slots, rows, wearers, rulebook.watch)
    return slots[_next(of)[0] <= upto[slots]]


def strike(
    states: Touched, group: Numbers, slots: Numbers, wearers: Wearers, rulebook: Rulebook, now: int
) -> list[Placed]:
    """Judges the nights that are over by the clock, in place. Of each of `group`, its slot.

    The watermark moves to the end of the night: what comes for it now is late.
    """
    of = _Of(states, group, slots, np.zeros(len(group), dtype=np.int64), wearers, rulebook.watch)
    over = _over(of, now)
    of = of.some(np.flatnonzero(_next(of)[0] <= over))
    placed = _judge(of, _over(of, now))
    ends_at = wearers.zones.instants(
        wearers.zone[of.slots],
        states["night_at"][of.group].astype(np.int64),
        of.figures.night_until_h,
    )
    mark = states["watermark_at"][of.group]
    states["watermark_at"][of.group] = np.maximum(mark, ends_at - 1)
    return placed


def end(
    states: Touched, nth: int, slot: int, until_at: int, wearers: Wearers, rulebook: Rulebook
) -> list[Placed]:
    """Ends, in place, what there is of one wearer whose device is taken off at `until_at`."""
    of = _Of(states, np.array([nth]), np.array([slot]), np.array([-1]), wearers, rulebook.watch)
    placed = _judge(of, _over(of, until_at))
    for standing in _findings(of, 0, _Record.of(of, 0)):
        if standing.ended_at is None:
            over = replace(standing, ended_at=max(until_at, standing.onset_at))
            placed.append(((slot, -1, _ORDER), FindingChange(Change.ENDED, over, standing)))
    if _active(states["watch"]["levels"][of.group])[0]:
        states["nights"][nth, -2:] = 0
        states["watch"]["levels"][nth] = 0
    _forget_tonight(states, of.group)
    return placed


def _over(of: _Of, now: int) -> Numbers:
    """The newest night that is over by the clock, for each of them."""
    return _over_in_zones(of.wearers, of.figures, now)[of.wearers.zone[of.slots]]


def _over_in_zones(wearers: Wearers, figures: Watch, now: int) -> Numbers:
    """The same by time zone."""
    zones = np.arange(len(wearers.zones.names), dtype=np.uint16)
    at = np.full(len(zones), now - figures.grace_s * SECOND_US)
    hours = wearers.zones.hours(zones, at)
    return hours // 24 - (hours % 24 < figures.night_until_h)


def _active(levels: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = (levels & 3) != GREEN
    return found


def _next(of: _Of) -> tuple[Numbers, Numbers]:
    """(the next night to judge, its pulse); far ahead where there is none, 0 if it is missing."""
    states, group = of.states, of.group
    n = states["tonight_n"][group].astype(np.int64)
    tonight = states["tonight_at"][group].astype(np.int64)
    waiting = np.where(n > 0, tonight, np.iinfo(np.int64).max)
    following = states["night_at"][group].astype(np.int64) + 1
    night = np.where(_active(states["watch"]["levels"][group]), following, waiting)
    mean = states["tonight_sum"][group] // np.maximum(n, 1)
    return night, np.where((n > 0) & (tonight == night), np.minimum(mean, _HIGHEST_BPM), 0)


def _judge(of: _Of, over: Numbers) -> list[Placed]:
    """Judges the nights up to `over`, one of each wearer after the other."""
    placed: list[Placed] = []
    while len(which := np.flatnonzero(_next(of)[0] <= over)):
        of, over = of.some(which), over[which]
        placed += _judge_one(of)
    return placed


def _judge_one(of: _Of) -> list[Placed]:
    states, group = of.states, of.group
    night, pulse = _next(of)
    gap = night - states["night_at"][group]
    before, said = states["nights"][group].astype(np.int64), states["watch"]["levels"][group]
    nights, levels = shifted(before, gap), moved(said, gap)
    recent = (levels & _RECENT_BITS) != 0
    nights[:, _NEWEST] = pulse
    there = np.flatnonzero(pulse)
    levels[there] = next_levels(nights[there], levels[there], of.figures)
    tell = np.flatnonzero(recent | ((levels & _RECENT_BITS) != 0))
    old = [_Record.of(of, n) for n in tell.tolist()]
    states["nights"][group], states["night_at"][group] = nights, night
    states["watch"]["levels"][group] = levels
    _forget_tonight(states, group[states["tonight_at"][group] == night])
    return [
        ((int(of.slots[n]), int(of.row[n]), _ORDER), replace(change, late=False))
        for n, record in zip(tell.tolist(), old, strict=True)
        for change in _changes(of, n, record)
    ]


def _forget_tonight(states: Touched, group: Numbers) -> None:
    for name in ("tonight_at", "tonight_n", "tonight_sum"):
        states[name][group] = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Record:
    """What is known of one wearer's nights after a morning."""

    nights: Numbers
    """Shape (NIGHTS,)."""
    levels: int
    newest: int
    """The day of the newest night, since 1970."""

    @classmethod
    def of(cls, of: _Of, n: int) -> "_Record":
        states, nth = of.states, int(of.group[n])
        return cls(
            states["nights"][nth].astype(np.int64),
            int(states["watch"]["levels"][nth]),
            int(states["night_at"][nth]),
        )


def _changes(of: _Of, n: int, before: _Record) -> list[FindingChange]:
    """What the newest morning says of findings that the one before did not."""
    after = _Record.of(of, n)
    oldest = after.newest - _REVISED
    return revise(_findings(of, n, before, oldest), _findings(of, n, after, oldest), 0)


def _findings(of: _Of, n: int, record: _Record, oldest: int = 0) -> list[Finding]:
    """The findings of one wearer whose last night is not before the day `oldest`, in order."""
    levels = [*unpacked(record.levels), GREEN]
    found, first = [], -1
    for place, level in enumerate(levels):
        if level != GREEN and first < 0:
            first = place
        if level == GREEN and first >= 0:
            if record.newest - _NEWEST + place - 1 >= oldest:
                found.append(_finding(of, n, record, range(first, place)))
            first = -1
    return found


def _finding(of: _Of, n: int, record: _Record, places: range) -> Finding:
    slot = int(of.slots[n])
    filled = imputed(record.nights[None, :])
    usual = [int(baseline(filled, place)[0]) for place in places]
    pulses = [int(filled[0, place]) for place in places]
    days = np.array([places[0], places[-1], places[-1] + 1]) + record.newest - _NEWEST
    zone = of.wearers.zone[np.full(3, slot)]
    onset_at, last_at, green_at = of.wearers.zones.instants(
        zone, days, of.figures.night_until_h
    ).tolist()
    levels = unpacked(record.levels)
    nights = [
        _night(record, place, levels[place], pulse, base)
        for place, pulse, base in zip(places, pulses, usual, strict=True)
    ]
    return Finding(
        key=FindingKey(
            int(of.wearers.episode_no[slot]),
            int(of.wearers.device_no[slot]),
            Rule.WATCH,
            SiteClass.NONE,
        ),
        onset_at=onset_at,
        ended_at=None if places[-1] == _NEWEST else green_at,
        severity=Severity.ROUTINE,
        last_at=last_at,
        value=pulses[-1],
        peak=max(pulses),
        limit=usual[-1] + of.figures.yellow_bpm,
        origin=BASELINE_ORIGIN,
        site="",
        detail=json.dumps({"nights": nights}, sort_keys=True, separators=(",", ":")),
    )


def _night(record: _Record, place: int, level: int, pulse: int, usual: int) -> dict[str, Any]:
    """One of `evidence.nights` of contract section 5; `imputed` where nothing was measured."""
    said: dict[str, Any] = {
        "night": date_of(record.newest - _NEWEST + place),
        "level": WORDS[level],
        "resting_pulse_bpm": pulse,
        "baseline_bpm": usual,
    }
    return said if record.nights[place] else said | {"imputed": True}
