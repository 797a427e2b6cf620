"""Readings in, changes of findings out: the one place where the rules meet.

Theory of operation. `evaluate` takes new readings in order and the state of their wearers, and
gives back the state after them and what changed; nothing is taken over until `apply`, when the
ledger has stored both. A reading at or before the newest one judged of its wearer is *late*: it is
heard, but not judged here. Its wearer's whole history is judged anew by `replay`, from which
`revise` tells what has to change. So the findings of event-time rules are a function of the
readings, whatever the order in which they came (promise 2). Only `silent` asks the clock, in
`tick`, which also ends what is still active when a device is taken off or an episode ends.

Pure: `now` and the receive clock are arguments, arguments are never changed except by `apply`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.batch import Rows
from rules import (
    battery_life,
    battery_low,
    device_fault,
    fever,
    left_home,
    not_worn,
    oxygen,
    pulse,
    silent,
    spells,
    watch,
)
from rules.changes import Placed, in_order, told
from rules.columns import JOURNAL_COLUMNS, SPARSE
from rules.eras import in_force
from rules.finding import Finding, FindingChange, FindingKey, Rule, SiteClass
from rules.heard import NOTHING_HEARD, Heard
from rules.hold import step_through
from rules.marks import Batch
from rules.revision import revise
from rules.rulebook import Rulebook
from rules.state import State
from rules.touched import Touched
from rules.wearers import Wearers

__all__ = ["Evaluation", "apply", "evaluate", "merge_replayed", "replay", "revise", "tick"]

EVENT_TIME_RULES: Final = (
    fever.marks,
    pulse.marks,
    oxygen.marks,
    left_home.marks,
    battery_low.marks,
)
"""In any order, but after `not_worn`, which says what they do not hear."""

_NOBODY: Final = np.empty(0, dtype=np.bool_)

_PARTS: Final = 16
"""More bits than the spells of a wearer need."""

Slots = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What a step means: the new state of the wearers it touched, and what changed."""

    slots: npt.NDArray[np.integer]
    """Ascending."""
    rows: Touched
    """The state of each of `slots`."""
    changes: Sequence[FindingChange]
    """In order of slot, reading and rule."""
    late: Sequence[tuple[int, int]]
    """(slot, measured_at) of readings that were not judged here."""


def evaluate(  # noqa: PLR0913, PLR0917 - the step, and all that it depends on
    state: State,
    rows: Rows,
    wearers: Wearers,
    rulebook: Rulebook,
    now: int,
    receive_clock_us: int,
    heard: Heard = NOTHING_HEARD,
) -> Evaluation:
    """What new readings mean. `rows` are in order (`domain.batch.in_order`), none seen before.

    `state` may be shorter than `wearers`. `now` is not used: this is event time. A reading is
    judged by the rulebook that was in force when it was measured: `rulebook` or an earlier one.
    `heard` are the messages they came in, and those of which nothing was accepted.
    """
    del now
    if not (len(rows) or len(heard.slot)):
        return Evaluation(np.empty(0, dtype=np.int64), Touched.fresh(0), (), ())
    slots = np.union1d(rows["slot"], heard.slot).astype(np.int64)
    assert slots[0] >= 0
    assert slots[-1] < len(wearers)
    states = state.gather(slots)
    group = np.searchsorted(slots, rows["slot"])
    placed = _hear(states, slots, rows, group, wearers, receive_clock_us)
    late = rows["measured_at"] <= states["watermark_at"][group]
    in_time, whose = rows, group
    if late.any():
        in_time, whose, heard = rows[~late], group[~late], heard.with_rows(~late)
    figures = rulebook.device_fault
    placed += device_fault.hear(states, slots, in_time, whose, heard, wearers, figures)
    placed += _judge(states, slots, in_time, whose, wearers, rulebook)
    not_judged = zip(rows["slot"][late].tolist(), rows["measured_at"][late].tolist(), strict=True)
    return Evaluation(slots, states, in_order(placed), list(not_judged))


def _hear(
    states: Touched,
    slots: Slots,
    rows: Rows,
    group: npt.NDArray[np.int64],
    wearers: Wearers,
    receive_clock_us: int,
) -> list[Placed]:
    """What it means for silence that these rows were received."""
    if not len(rows):
        return []
    first = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
    received = rows["received_at"]
    times = np.minimum.reduceat(received, first), np.maximum.reduceat(received, first)
    which = group[first]
    return silent.hear(states, which, slots[which], times, wearers, receive_clock_us)


def _judge(
    states: Touched,
    slots: Slots,
    rows: Rows,
    group: npt.NDArray[np.int64],
    wearers: Wearers,
    rulebook: Rulebook,
) -> list[Placed]:
    """Runs the event-time rules over rows of which none is late; `states` is changed in place.

    Everybody's rows up to a change of the rulebook go first; what is pending is carried over it.
    What is outside of all spells is nobody's.
    """
    worn = spells.worn(slots[group], rows["measured_at"], wearers)
    if not worn.all():
        rows, group = rows[worn], group[worn]
    placed: list[Placed] = []
    for era, (book, which) in enumerate(in_force(rows["measured_at"], rulebook)):
        then = wearers.under(book)
        done = _judge_era(states, slots, rows[which], group[which], then, book)
        placed += _in_part(era << _PARTS, done)
    return placed


def _judge_era(
    states: Touched,
    slots: Slots,
    rows: Rows,
    group: npt.NDArray[np.int64],
    wearers: Wearers,
    rulebook: Rulebook,
) -> list[Placed]:
    """The same under one rulebook.

    Where a wearer's rows reach into a later spell, everybody's rows up to there go first.
    """
    placed: list[Placed] = []
    part = 0
    while len(rows):
        ahead = spells.later(states, slots, rows, group, wearers)
        if not ahead.any():
            done = _judge_spell(states, slots, rows, group, wearers, rulebook)
            return placed + _in_part(part, done)
        done = _judge_spell(states, slots, rows[~ahead], group[~ahead], wearers, rulebook)
        placed += _in_part(part, done)
        part += 1
        rows, group = rows[ahead], group[ahead]
        for nth in np.unique(group).tolist():
            slot = int(slots[nth])
            until_at = spells.end_of(states, nth, slot, wearers)
            ended = watch.end(states, nth, slot, until_at, wearers, rulebook)
            ended += spells.leave_behind(states, nth, slot, wearers)
            placed += _in_part(part, ended)
    return placed


def _in_part(part: int, placed: list[Placed]) -> list[Placed]:
    """Their places after those of all parts before."""
    if part == 0:
        return placed
    return [((slot, row + (part << 32), order), what) for (slot, row, order), what in placed]


def _judge_spell(
    states: Touched,
    slots: Slots,
    rows: Rows,
    group: npt.NDArray[np.int64],
    wearers: Wearers,
    rulebook: Rulebook,
) -> list[Placed]:
    before = states.runs()
    batch = Batch(rows, slots[group], group, states, wearers, rulebook, _NOBODY)
    (worn,) = not_worn.marks(batch)
    events = step_through(states, worn)
    placed = [*told(events, before, slots, wearers)]
    batch = replace(batch, muted=not_worn.muted(batch, before, events))
    placed += [
        change
        for rule in EVENT_TIME_RULES
        for marks in rule(batch)
        for change in told(step_through(states, marks), before, slots, wearers)
    ]
    placed += watch.mornings(batch)
    battery_life.note(batch)
    last = np.flatnonzero(np.append(group[1:] != group[:-1], [True] * bool(len(group))))
    states["watermark_at"][group[last]] = rows["measured_at"][last]
    return placed


def tick(
    state: State, wearers: Wearers, rulebook: Rulebook, now: int, receive_clock_us: int
) -> Evaluation:
    """What the passing of time means: silence, and the end of what outlasts its spell."""
    spans = wearers.spells_at(now)
    over = spells.over(state, wearers, spans, now)
    due = silent.due(state, wearers, spans, now, receive_clock_us)
    struck = watch.due(state, wearers, rulebook, now)
    slots = np.union1d(np.union1d(over, due), struck)
    states = state.gather(slots)
    placed: list[Placed] = []
    for nth in np.searchsorted(slots, over).tolist():
        placed += _leave(states, nth, int(slots[nth]), wearers, rulebook, now)
        placed += _close(states, nth, int(slots[nth]), wearers, rulebook, (now, receive_clock_us))
    placed += watch.strike(states, np.searchsorted(slots, struck), struck, wearers, rulebook, now)
    counted = np.searchsorted(slots, due)
    placed += silent.count(states, counted, due, wearers, rulebook, (now, receive_clock_us))
    return Evaluation(slots, states, in_order(placed), ())


def _close(
    states: Touched,
    nth: int,
    slot: int,
    wearers: Wearers,
    rulebook: Rulebook,
    times: tuple[int, int],
) -> list[Placed]:
    """Ends what belongs to a spell that is over, in place. `times` is (now, the receive clock)."""
    _, until_at = spells.spell_at(wearers.spells_of(slot), int(states["heard_at"][nth]))
    placed = spells.close(states, nth, slot, wearers, *times)
    if until_at <= times[0]:
        figures = rulebook.device_fault
        placed += device_fault.close(states, nth, slot, until_at, wearers, figures)
    return placed


def _leave(
    states: Touched, nth: int, slot: int, wearers: Wearers, rulebook: Rulebook, now: int
) -> list[Placed]:
    """Ends the nights of a wearer whose spell is over by `now`, in place."""
    until_at = spells.end_of(states, nth, slot, wearers)
    return watch.end(states, nth, slot, until_at, wearers, rulebook) if until_at <= now else []


def replay(
    rows: Rows, slots: Slots, wearers: Wearers, rulebook: Rulebook, now: int | None = None
) -> tuple[Touched, list[list[Finding]]]:
    """Whole histories: for each of `slots` the state after it, and its findings, in that order.

    `rows` are in order, from each wearer's first; `slots` are all of theirs, ascending. Findings
    are those of event-time rules, by onset. With `now`, what is active at the end of a spell that
    is over by then ends there, as `tick` would have it.
    """
    states = Touched.fresh(len(slots))
    group = np.searchsorted(slots, rows["slot"])
    placed = _judge(states, slots, rows, group, wearers, rulebook)
    placed.sort(key=lambda each: each[0])
    if now is not None:
        for nth, slot in enumerate(slots.tolist()):
            placed += _leave(states, nth, slot, wearers, rulebook, now)
            placed += sorted(
                spells.close_runs(states, nth, slot, wearers, now), key=lambda each: each[0]
            )
        placed += watch.strike(states, np.arange(len(slots)), slots, wearers, rulebook, now)
    found: list[dict[tuple[FindingKey, int], Finding]] = [{} for _ in range(len(slots))]
    nth_of = {slot: nth for nth, slot in enumerate(slots.tolist())}
    for (slot, _, _), change in placed:
        finding, before = change.finding, change.before
        if before is not None:
            del found[nth_of[slot]][before.key, before.onset_at]
        found[nth_of[slot]][finding.key, finding.onset_at] = finding
    return states, [sorted(each.values(), key=_by_onset) for each in found]


def _by_onset(finding: Finding) -> tuple[int, Rule, SiteClass]:
    return finding.onset_at, finding.key.rule, finding.key.site_class


def merge_replayed(current: Touched, replayed: Touched) -> Touched:
    """The replayed rows, with what depends on the order of arrival as it is in `current`."""
    merged = replayed.copy()
    for name in JOURNAL_COLUMNS:
        if name in SPARSE and not current.going(name).any():
            continue
        merged[name][:] = current[name]
    watermark_at = merged["watermark_at"]
    np.maximum(watermark_at, current["watermark_at"], out=watermark_at)
    return merged


def apply(state: State, evaluation: Evaluation) -> State:
    """Takes an evaluation over. Changes `state` in place, unless it has to grow; use the result."""
    slots = evaluation.slots
    if len(slots) and int(slots.max()) >= len(state):
        state = state.grown(int(slots.max()) + 1)
    state.put(slots, evaluation.rows)
    return state
