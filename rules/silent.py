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

import json
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.instant import MINUTE_US, SECOND_US, format_rfc3339, parse_rfc3339
from rules import battery_life
from rules.changes import RULEBOOK_ORIGIN, Placed
from rules.columns import BIT, RUNS
from rules.finding import Change, Finding, FindingChange, FindingKey, Rule, Severity, SiteClass
from rules.rulebook import Rulebook
from rules.state import State
from rules.touched import Touched
from rules.wearers import Spans, Wearers

_ORDER: Final = len(RUNS)
"""Reported after the machines."""

Slots = npt.NDArray[np.int64]
Instants = npt.NDArray[np.int64]


def hear(
    states: Touched,
    which: Slots,
    slots: Slots,
    heard: tuple[Instants, Instants],
    wearers: Wearers,
    receive_clock_us: int,
) -> list[Placed]:
    """Notes in `states` that some wearers were heard.

    `which` says which of `states` they are, `slots` are theirs, and `heard` is (first, newest)
    received_at. Shapes (n,).
    """
    was_silent = states.going("silence")[which]
    ended = [
        (
            (slot, -1, _ORDER),
            _end(states, int(which[k]), slot, int(heard[0][k]), wearers, receive_clock_us),
        )
        for k in np.flatnonzero(was_silent).tolist()
        for slot in [int(slots[k])]
    ]
    # However the clock was set meanwhile, the next silence has another onset.
    states["heard_at"][which] = np.maximum(states["heard_at"][which] + was_silent, heard[1])
    states["heard_rc"][which] = receive_clock_us
    return ended


def due(state: State, wearers: Wearers, spans: Spans, now: int, receive_clock_us: int) -> Slots:
    """The slots for which `count` has something to do."""
    heard_at, heard_rc = (state.padded(each, len(wearers)) for each in ("heard_at", "heard_rc"))
    silent = state.padded("going", len(wearers)) & BIT["silence"] != 0
    worn = (spans[0] <= now) & (now < spans[1])
    unheard = heard_at < spans[0]
    least_us = np.minimum(wearers.silence_us, wearers.fragile_us)
    long_ = (receive_clock_us - heard_rc >= least_us) & ~silent
    return np.flatnonzero(worn & (unheard | long_))


def begin(state: State, wearers: Wearers, now: int, receive_clock_us: int) -> None:
    """Starts counting for everybody worn and not heard in this spell, in place.

    `count` would do so at the first tick. With everybody at once, a copy of all rows is too much.
    """
    from_at, until_at = wearers.spells_at(now)
    unheard = (from_at <= now) & (now < until_at) & (state["heard_at"] < from_at)
    unheard &= state["going"] & BIT["silence"] == 0
    np.copyto(state["heard_at"], from_at, where=unheard)
    np.copyto(state["heard_rc"], receive_clock_us, where=unheard)


def count(
    states: Touched,
    counted: npt.NDArray[np.intp],
    slots: Slots,
    wearers: Wearers,
    rulebook: Rulebook,
    times: tuple[int, int],
) -> list[Placed]:
    """Starts counting for those not heard in this spell, and finds those silent for too long.

    `counted` says which of `states` they are, `slots` are theirs, and `times` is (now, the receive
    clock). Every wearer must be worn now.
    """
    now, receive_clock_us = times
    from_at = wearers.spells_at(now)[0][slots]
    heard_at, heard_rc = states["heard_at"][counted], states["heard_rc"][counted]
    # A silence that stands keeps its onset, if the spell is said to begin later since.
    unheard = (heard_at < from_at) & ~states.going("silence")[counted]
    states["heard_at"][counted] = np.where(unheard, from_at, heard_at)
    heard_rc[unheard] = receive_clock_us
    states["heard_rc"][counted] = heard_rc
    fragile = wearers.fragile(slots, now, rulebook.silent.fragile_age)
    limit_us = np.where(fragile, wearers.fragile_us[slots], wearers.silence_us[slots])
    silent_us = receive_clock_us - heard_rc
    which = np.flatnonzero((silent_us >= limit_us) & ~states.going("silence")[counted])
    if not len(which):
        return []
    silence, rows = states["silence"], counted[which]
    silence["began_at"][rows] = now
    silence["value"][rows] = silent_us[which] // SECOND_US
    silence["limit"][rows] = limit_us[which] // SECOND_US
    silence["severity"][rows] = np.where(fragile[which], Severity.URGENT, Severity.ROUTINE)
    empty = rows[battery_life.explains(states, rows, rulebook, now)]
    silence["battery_pct"][empty] = states["battery_pct"][empty]
    silence["battery_at"][empty] = battery_life.told_at(states, empty, now)
    return [
        ((slot, 0, _ORDER), FindingChange(Change.BEGAN, _finding(states, nth, slot, wearers)))
        for nth, slot in zip(rows.tolist(), slots[which].tolist(), strict=True)
    ]


def close(
    states: Touched, nth: int, slot: int, ended_at: int, wearers: Wearers, receive_clock_us: int
) -> FindingChange | None:
    """Ends the silence of one wearer, in place: the device is not worn any more."""
    if not states.going("silence")[nth]:
        return None
    change = _end(states, nth, slot, ended_at, wearers, receive_clock_us)
    # Should the spell turn out to go on, the next silence is counted from here.
    states["heard_at"][nth] = max(int(states["heard_at"][nth]) + 1, ended_at)
    states["heard_rc"][nth] = receive_clock_us
    return change


def restore(state: State, slots: Slots, heard_at: Instants, receive_clock_us: Instants) -> None:
    """Sets, in place, what cannot be had by replaying.

    `heard_at` is the newest received_at (0: never heard), `receive_clock_us` the receive clock
    then. Shapes of `slots`.
    """
    state["heard_at"][slots], state["heard_rc"][slots] = heard_at, receive_clock_us


def restore_standing(state: State, slot: int, standing: Finding) -> None:
    """The same, after it, for the finding of this rule that has not ended.

    Its onset is when the wearer was last heard, also if readings were given to them since.
    """
    slots = np.array([slot])
    rows = state.gather(slots)
    said = json.loads(standing.detail) if standing.detail else {}
    battery_at = parse_rfc3339(said["battery_at"]) // MINUTE_US if said else 0
    battery = said.get("battery_pct", 0), battery_at
    cells = standing.last_at, standing.value, standing.limit, int(standing.severity), *battery
    rows["silence"][0] = cells
    rows["heard_at"][0] = standing.onset_at
    state.put(slots, rows)


def _end(
    states: Touched, nth: int, slot: int, ended_at: int, wearers: Wearers, receive_clock_us: int
) -> FindingChange:
    before = _finding(states, nth, slot, wearers)
    ended_at = max(ended_at, before.onset_at)
    silent_s = (receive_clock_us - int(states["heard_rc"][nth])) // SECOND_US
    finding = replace(before, ended_at=ended_at, last_at=ended_at, value=silent_s, peak=silent_s)
    states["silence"][nth] = np.zeros((), dtype=states["silence"].dtype)
    return FindingChange(Change.ENDED, finding, before)


def _finding(states: Touched, nth: int, slot: int, wearers: Wearers) -> Finding:
    """The finding an active silence stands for, not ended."""
    heard_at = int(states["heard_at"][nth])
    began_at, value, limit, severity, *battery = states["silence"][nth].item()
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
        detail=_explained(*battery),
    )


def _explained(battery_pct: int, battery_at: int) -> str:
    if not battery_at:
        return ""
    said = {
        "battery_at": format_rfc3339(battery_at * MINUTE_US),
        "battery_pct": battery_pct,
        "explained_by": "battery",
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":"))
