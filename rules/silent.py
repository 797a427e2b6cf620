"""`silent`: nothing received for longer than three intervals, or a quarter of an hour.

Theory of operation. This rule alone asks when readings came, not when they were measured: late ones
are heard like any other. It is clocked by the receive clock, which the service runs and which
stands still while nothing could have been heard, so that our own outage is never a wearer's
silence. A wearer never heard, or not since the device was put on again, is counted from the first
tick at which it is worn.

A finding's onset is when the wearer was last heard (or the device was put on), its value the
seconds of silence on the receive clock, its newest support the tick that found it; any reading ends
it. The verdict depends on the order of arrival and is deterministic in the order of the journal.
"""

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.instant import SECOND_US
from rules.changes import RULEBOOK_ORIGIN, Placed
from rules.finding import Change, Finding, FindingChange, FindingKey, Rule, Severity, SiteClass
from rules.rulebook import Rulebook
from rules.state import RUNS, SILENCE, State, StateRow
from rules.wearers import Spans, Wearers

_ORDER: Final = len(RUNS)
"""Reported after the machines."""

_FINDING: Final = ("began_at", "value", "limit", "severity")
"""The columns that are zero while a wearer is not silent."""

Slots = npt.NDArray[np.int64]
Instants = npt.NDArray[np.int64]


def hear(
    states: State,
    slots: Slots,
    heard: tuple[Instants, Instants],
    wearers: Wearers,
    receive_clock_us: int,
) -> list[Placed]:
    """Notes in `states` that these wearers were heard: `heard` is (first, newest) received_at."""
    silence = states["silence"]
    was_silent = silence["began_at"] != 0
    ended = [
        ((slot, -1, _ORDER), _ended(silence[group], slot, at, wearers, receive_clock_us))
        for group in np.flatnonzero(was_silent).tolist()
        for slot, at in [(int(slots[group]), int(heard[0][group]))]
    ]
    for name in _FINDING:
        silence[name] = 0
    # However the clock was set meanwhile, the next silence has another onset.
    silence["heard_at"] = np.maximum(silence["heard_at"] + was_silent, heard[1])
    silence["heard_rc"] = receive_clock_us
    return ended


def due(state: State, wearers: Wearers, spans: Spans, now: int, receive_clock_us: int) -> Slots:
    """The slots for which `count` has something to do. `state` has a row for each wearer."""
    silence = state["silence"]
    worn = (spans[0] <= now) & (now < spans[1])
    unheard = silence["heard_at"] < spans[0]
    least_us = np.minimum(wearers.silence_us, wearers.fragile_us)
    long_ = (receive_clock_us - silence["heard_rc"] >= least_us) & (silence["began_at"] == 0)
    return np.flatnonzero(worn & (unheard | long_))


def begin(state: State, wearers: Wearers, now: int, receive_clock_us: int) -> None:
    """Starts counting for everybody worn and not heard in this spell, in place.

    `count` would do so at the first tick. With everybody at once, a copy of all rows is too much.
    """
    from_at, until_at = wearers.spells_at(now)
    silence = state["silence"]
    unheard = (from_at <= now) & (now < until_at) & (silence["heard_at"] < from_at)
    np.copyto(silence["heard_at"], from_at, where=unheard)
    np.copyto(silence["heard_rc"], receive_clock_us, where=unheard)


def count(
    states: State,
    slots: Slots,
    wearers: Wearers,
    rulebook: Rulebook,
    now: int,
    receive_clock_us: int,
) -> list[Placed]:
    """Starts counting for those not heard in this spell, and finds those silent for too long.

    Every wearer must be worn at `now`.
    """
    silence = states["silence"]
    from_at = wearers.spells_at(now)[0][slots]
    unheard = silence["heard_at"] < from_at
    silence["heard_at"] = np.where(unheard, from_at, silence["heard_at"])
    silence["heard_rc"] = np.where(unheard, receive_clock_us, silence["heard_rc"])
    fragile = wearers.fragile(slots, now, rulebook.silent.fragile_age)
    limit_us = np.where(fragile, wearers.fragile_us[slots], wearers.silence_us[slots])
    silent_us = receive_clock_us - silence["heard_rc"]
    which = np.flatnonzero((silent_us >= limit_us) & (silence["began_at"] == 0))
    silence["began_at"][which] = now
    silence["value"][which] = silent_us[which] // SECOND_US
    silence["limit"][which] = limit_us[which] // SECOND_US
    silence["severity"][which] = np.where(fragile[which], Severity.URGENT, Severity.ROUTINE)
    return [
        (
            (slot, 0, _ORDER),
            FindingChange(Change.BEGAN, _finding(silence[group], slot, wearers)),
        )
        for group, slot in zip(which.tolist(), slots[which].tolist(), strict=True)
    ]


def close(
    row: StateRow, slot: int, ended_at: int, wearers: Wearers, receive_clock_us: int
) -> FindingChange | None:
    """Ends the silence of one wearer, in place: the device is not worn any more."""
    silence = row["silence"]
    if not silence["began_at"]:
        return None
    change = _ended(silence, slot, ended_at, wearers, receive_clock_us)
    for name in _FINDING:
        silence[name] = 0
    # Should the spell turn out to go on, the next silence is counted from here.
    silence["heard_at"] = max(int(silence["heard_at"]) + 1, ended_at)
    silence["heard_rc"] = receive_clock_us
    return change


def restore(state: State, slots: Slots, heard_at: Instants, receive_clock_us: Instants) -> None:
    """Sets, in place, what cannot be had by replaying.

    `heard_at` is the newest received_at (0: never heard), `receive_clock_us` the receive clock
    then. Shapes of `slots`.
    """
    silence = np.zeros(len(slots), dtype=SILENCE)
    silence["heard_at"], silence["heard_rc"] = heard_at, receive_clock_us
    state["silence"][slots] = silence


def restore_standing(state: State, slot: int, standing: Finding) -> None:
    """The same, after it, for the finding of this rule that has not ended."""
    silence = state["silence"][slot]
    silence["began_at"], silence["value"] = standing.last_at, standing.value
    silence["limit"], silence["severity"] = standing.limit, standing.severity


def _ended(
    silence: np.void, slot: int, ended_at: int, wearers: Wearers, receive_clock_us: int
) -> FindingChange:
    before = _finding(silence, slot, wearers)
    ended_at = max(ended_at, before.onset_at)
    silent_s = (receive_clock_us - int(silence["heard_rc"])) // SECOND_US
    finding = replace(before, ended_at=ended_at, last_at=ended_at, value=silent_s, peak=silent_s)
    return FindingChange(Change.ENDED, finding, before)


def _finding(silence: np.void, slot: int, wearers: Wearers) -> Finding:
    """The finding an active silence stands for, not ended."""
    heard_at, _, began_at, value, limit, severity = silence.item()
    return Finding(
        key=FindingKey(
            int(wearers.episode_no[slot]),
            int(wearers.device_no[slot]),
            Rule.SILENT,
            SiteClass.NONE,
        ),
        onset_at=heard_at,
        ended_at=None,
        severity=Severity(severity),
        last_at=began_at,
        value=value,
        peak=value,
        limit=limit,
        origin=RULEBOOK_ORIGIN,
        site="",
    )
