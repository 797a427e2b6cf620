"""The hold machine: "held for ten minutes over three readings", for every rule that says so.

Theory of operation. A run counts qualifying readings while nothing is active: it starts at a
qualifying reading; a reading that does not qualify, or a gap, breaks it; and when the time from its
first to its latest reading and their number suffice (or one reading is enough by itself) a finding
begins, with the first reading as its onset. While a finding is active the same counting goes on
with clearing readings: one that qualifies or is neither, or a gap, breaks it; when it suffices the
finding ends at the first of them. A qualifying reading supports the finding: newest support, worst
value, highest severity. A gap alone does not end a finding: no news is not good news.

Readings of one instant come in order of content. One that clears at the instant of the newest
support is passed over: no finding is over as it begins, and no two of a machine have one onset.

There are two paths, equal to the last bit: `rules.runs` takes one reading of each of many wearers,
`rules.run` one reading of one. Batches are stepped in rounds, the k-th reading of everybody at
once, until a round is too narrow to pay; the rest goes wearer by wearer.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from rules import runs as many
from rules.columns import RUN
from rules.marks import Column, Kind, Mark, Marks
from rules.run import IDLE, Cells, Run, Step
from rules.runs import Runs, Steps
from rules.touched import Touched

NARROW: Final = 48
"""A round over fewer wearers costs more than stepping them one by one (measured)."""


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """What happened in one machine, in order of rows. Shapes (n,)."""

    run: str
    row: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]
    step: Steps
    runs: Runs
    """The run after each event; of an ended one, before it was thrown away."""


_NOTHING: Final = Events(
    row=np.empty(0, dtype=np.int64),
    group=np.empty(0, dtype=np.int64),
    step=np.empty(0, dtype=np.uint8),
    runs=np.empty(0, dtype=RUN),
    run="",
)

_Told = tuple[Column, Steps, Runs]
"""Marks that did something, what they did, and the runs then."""


def step_through(states: Touched, marks: Marks, narrow: int = NARROW) -> Events:
    """Steps the machine through the marks and leaves the new runs in `states`.

    Wearers to whom nothing can happen (no run going on, no qualifying reading) are passed over.

    `narrow` moves the border between the two paths; it changes the cost and nothing else.
    """
    awake = states.going(marks.run)
    awake[marks.column["group"][marks.column["kind"] == Kind.QUALIFIES]] = True
    worth = marks.column[awake[marks.column["group"]]]
    if not len(worth):
        return _NOTHING
    runs = states[marks.run]
    rounds, rest = _rounds(worth, narrow)
    told = [_step_round(runs, round_) for round_ in rounds]
    told.append(_one_by_one(runs, rest))
    told_marks = np.concatenate([each for each, _, _ in told])
    order = np.argsort(told_marks["row"], kind="stable")
    return Events(
        run=marks.run,
        row=told_marks["row"][order],
        group=told_marks["group"][order],
        step=np.concatenate([steps for _, steps, _ in told])[order],
        runs=np.concatenate([after for _, _, after in told])[order],
    )


def _rounds(column: Column, narrow: int) -> tuple[list[Column], Column]:
    """The k-th mark of every wearer, for k = 0, 1, ... while there are enough; and what is left."""
    group = column["group"]
    place = np.arange(len(column))
    first = np.ones(len(column), dtype=np.bool_)
    first[1:] = group[1:] != group[:-1]
    nth = place - np.maximum.accumulate(np.where(first, place, 0))
    widths = np.bincount(nth)
    # Widths never rise: who has a k-th mark has all before it.
    wide = int(np.count_nonzero(widths >= narrow))
    order = np.argsort(nth, kind="stable")
    ends = np.cumsum(widths[:wide])
    return [column[which] for which in np.split(order, ends)[:wide]], column[nth >= wide]


def _step_round(runs: Runs, marks: Column) -> _Told:
    after = runs[marks["group"]]
    steps = many.step(after, marks)
    told = np.flatnonzero(steps)
    seen = after[told]
    after[steps == Step.ENDED] = np.zeros((), dtype=runs.dtype)
    runs[marks["group"]] = after
    return marks[told], steps[told], seen


def _one_by_one(runs: Runs, column: Column) -> _Told:
    """The scalar path: the marks are in order of rows, so wearer by wearer."""
    told: list[int] = []
    steps: list[Step] = []
    cells: list[Cells] = []
    group, run = -1, Run(*IDLE)
    for n, mark in enumerate(map(Mark._make, column.tolist())):
        if mark.group != group:
            if group >= 0:
                runs[group] = run.cells
            group, run = mark.group, Run(*runs[mark.group].item())
        step = run.step(mark)
        if step:
            told.append(n)
            steps.append(step)
            cells.append(run.cells)
            if step is Step.ENDED:
                run = Run(*IDLE)
    if group >= 0:
        runs[group] = run.cells
    marks = column[np.array(told, dtype=np.intp)]
    return marks, np.array(steps, dtype=np.uint8), np.array(cells, dtype=runs.dtype)
