"""The end of a spell: what is still active when a device is taken off or an episode ends.

A finding ends with the spell it belongs to, and what is pending is forgotten, whether a tick
notices the end (`over`, `close`) or the first reading of the next spell (`later`, `leave_behind`).
The watermark moves with it, so that a reading of the spell that comes afterwards is late, and
judged with the whole history: when the end was noticed does not matter.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from domain.batch import Rows
from rules import left_home, silent, watch
from rules.changes import Placed, finding_of
from rules.columns import RUN, RUNS
from rules.finding import Change, FindingChange
from rules.run import Cells, Run
from rules.state import State
from rules.touched import Touched
from rules.wearers import Spans, Spell, Wearers

Slots = npt.NDArray[np.int64]


def spell_at(spells: tuple[Spell, ...], at: int) -> Spell:
    """The newest spell that has begun by `at`, else the first."""
    begun = [spell for spell in spells if spell[0] <= at]
    return begun[-1] if begun else spells[0]


def worn(slots: Slots, at: npt.NDArray[np.int64], wearers: Wearers) -> npt.NDArray[np.bool_]:
    """Whether the wearer wore the device at that instant. Shapes (n,); `slots` never fall.

    All that comes in is; what is stored may not be, once an assignment is corrected.
    """
    found: npt.NDArray[np.bool_] = (wearers.from_at[slots] <= at) & (at < wearers.until_at[slots])
    if wearers.spells:
        for slot in np.intersect1d(slots, list(wearers.spells)).tolist():
            begin, end = np.searchsorted(slots, [slot, slot + 1])
            mine = at[begin:end]
            inside = [(mine >= from_at) & (mine < to_at) for from_at, to_at in wearers.spells[slot]]
            found[begin:end] = np.any(inside, axis=0)
    return found


def end_of(states: Touched, nth: int, slot: int, wearers: Wearers) -> int:
    """When the spell ends that the state has come to."""
    return spell_at(wearers.spells_of(slot), int(states["watermark_at"][nth]))[1]


def over(state: State, wearers: Wearers, spans: Spans, now: int) -> Slots:
    """The slots for which `close` may have something to do."""
    ended = spans[1] <= now
    # A device that is worn again may have been taken off while nobody looked.
    ended[list(wearers.spells)] = True
    going_on = (state.padded("going", len(wearers)) != 0) | watch.going_on(state, len(wearers))
    return np.flatnonzero(ended & going_on)


def close(
    states: Touched, nth: int, slot: int, wearers: Wearers, now: int, receive_clock_us: int
) -> list[Placed]:
    """Ends what belongs to a spell that is over by `now`, in place."""
    placed = close_runs(states, nth, slot, wearers, now)
    _, until_at = spell_at(wearers.spells_of(slot), int(states["heard_at"][nth]))
    if until_at <= now:
        silence = silent.close(states, nth, slot, until_at, wearers, receive_clock_us)
        if silence is not None:
            placed.append(((slot, -1, len(RUNS)), silence))
    return placed


def close_runs(states: Touched, nth: int, slot: int, wearers: Wearers, now: int) -> list[Placed]:
    """The same for the rules of event time only."""
    until_at = end_of(states, nth, slot, wearers)
    if until_at > now:
        return []
    placed = _end_runs(states, nth, slot, until_at, wearers)
    reached_at = max(int(states["watermark_at"][nth]), until_at)
    left_home.move_on(states, nth, slot, reached_at, wearers)
    states["watermark_at"][nth] = reached_at
    return placed


def later(
    states: Touched, slots: Slots, rows: Rows, group: npt.NDArray[np.int64], wearers: Wearers
) -> npt.NDArray[np.bool_]:
    """Which rows belong to a later spell than what their wearer's state has come to."""
    found = np.zeros(len(rows), dtype=np.bool_)
    if wearers.spells:
        for nth in np.flatnonzero(np.isin(slots, list(wearers.spells))).tolist():
            following = _following(states, nth, wearers.spells[int(slots[nth])])
            if following is not None:
                found |= (group == nth) & (rows["measured_at"] >= following[1][0])
    return found


def leave_behind(states: Touched, nth: int, slot: int, wearers: Wearers) -> list[Placed]:
    """Ends, in place, what belongs to the spell the state has come to: the next one begins."""
    following = _following(states, nth, wearers.spells[slot])
    assert following is not None
    (_, until_at), (from_at, _) = following
    placed = _end_runs(states, nth, slot, until_at, wearers)
    left_home.move_on(states, nth, slot, from_at, wearers)
    states["watermark_at"][nth] = from_at
    return placed


def _following(states: Touched, nth: int, spells: tuple[Spell, ...]) -> tuple[Spell, Spell] | None:
    """The spell a state has come to and the one after it, if there is one."""
    reached = spells.index(spell_at(spells, int(states["watermark_at"][nth])))
    return None if reached + 1 == len(spells) else (spells[reached], spells[reached + 1])


def _end_runs(
    states: Touched, nth: int, slot: int, ended_at: int, wearers: Wearers
) -> list[Placed]:
    """No end is before its onset, even if the roster has moved it there."""
    placed: list[Placed] = []
    for order, run in enumerate(RUNS):
        if not states.going(run)[nth]:
            continue
        cells: Cells = states[run][nth].item()
        states[run][nth] = np.zeros((), dtype=RUN)
        if Run(*cells).active:
            before = finding_of(run, cells, slot, wearers)
            after = replace(before, ended_at=max(ended_at, before.onset_at))
            placed.append(((slot, -1, order), FindingChange(Change.ENDED, after, before)))
    return placed
