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
from rules import silent, watch
from rules.changes import Placed, finding_of
from rules.finding import Change, FindingChange
from rules.run import Cells, Run
from rules.state import RUNS, State, StateRow
from rules.wearers import Spans, Spell, Wearers

Slots = npt.NDArray[np.int64]


def spell_at(spells: tuple[Spell, ...], at: int) -> Spell:
    """The newest spell that has begun by `at`, else the first."""
    begun = [spell for spell in spells if spell[0] <= at]
    return begun[-1] if begun else spells[0]


def end_of(row: StateRow, slot: int, wearers: Wearers) -> int:
    """When the spell ends that the state has come to."""
    return spell_at(wearers.spells_of(slot), int(row["watermark_at"]))[1]


def over(state: State, wearers: Wearers, spans: Spans, now: int) -> Slots:
    """The slots for which `close` may have something to do. `state` has a row for each wearer."""
    ended = spans[1] <= now
    # A device that is worn again may have been taken off while nobody looked.
    ended[list(wearers.spells)] = True
    which = np.flatnonzero(ended)
    going_on = state["silence"]["began_at"][which] != 0
    going_on |= watch.going_on(state)[which]
    for run in RUNS:
        columns = state[run]
        going_on |= (columns["active"][which] != 0) | (columns["n"][which] != 0)
    found: Slots = which[going_on]
    return found


def close(
    row: StateRow, slot: int, wearers: Wearers, now: int, receive_clock_us: int
) -> list[Placed]:
    """Ends what belongs to a spell that is over by `now`, in place."""
    placed = close_runs(row, slot, wearers, now)
    _, until_at = spell_at(wearers.spells_of(slot), int(row["silence"]["heard_at"]))
    if until_at <= now:
        silence = silent.close(row, slot, until_at, wearers, receive_clock_us)
        if silence is not None:
            placed.append(((slot, -1, len(RUNS)), silence))
    return placed


def close_runs(row: StateRow, slot: int, wearers: Wearers, now: int) -> list[Placed]:
    """The same for the rules of event time only."""
    until_at = end_of(row, slot, wearers)
    if until_at > now:
        return []
    placed = _end_runs(row, slot, until_at, wearers)
    row["watermark_at"] = max(int(row["watermark_at"]), until_at)
    return placed


def later(
    states: State, slots: Slots, rows: Rows, group: npt.NDArray[np.int64], wearers: Wearers
) -> npt.NDArray[np.bool_]:
    """Which rows belong to a later spell than what their wearer's state has come to."""
    found = np.zeros(len(rows), dtype=np.bool_)
    if wearers.spells:
        for nth in np.flatnonzero(np.isin(slots, list(wearers.spells))).tolist():
            following = _following(states[nth], wearers.spells[int(slots[nth])])
            if following is not None:
                found |= (group == nth) & (rows["measured_at"] >= following[1][0])
    return found


def leave_behind(row: StateRow, slot: int, wearers: Wearers) -> list[Placed]:
    """Ends, in place, what belongs to the spell the state has come to: the next one begins."""
    following = _following(row, wearers.spells[slot])
    assert following is not None
    (_, until_at), (from_at, _) = following
    placed = _end_runs(row, slot, until_at, wearers)
    row["watermark_at"] = from_at
    return placed


def _following(row: StateRow, spells: tuple[Spell, ...]) -> tuple[Spell, Spell] | None:
    """The spell a state has come to and the one after it, if there is one."""
    reached = spells.index(spell_at(spells, int(row["watermark_at"])))
    return None if reached + 1 == len(spells) else (spells[reached], spells[reached + 1])


def _end_runs(row: StateRow, slot: int, ended_at: int, wearers: Wearers) -> list[Placed]:
    """No end is before its onset, even if the roster has moved it there."""
    placed: list[Placed] = []
    for order, run in enumerate(RUNS):
        cells: Cells = row[run].item()
        row[run] = np.zeros((), dtype=row.dtype[run])
        if Run(*cells).active:
            before = finding_of(run, cells, slot, wearers)
            after = replace(before, ended_at=max(ended_at, before.onset_at))
            placed.append(((slot, -1, order), FindingChange(Change.ENDED, after, before)))
    return placed
