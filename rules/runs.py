"""Many runs of one hold machine, each stepped by one mark: the vector path of `rules.hold`.

Says the same as `rules.run`, to the last bit; the functions have the same names.
"""

import numpy as np
import numpy.typing as npt

from rules.marks import Column, Kind
from rules.run import MOST, Step

Runs = npt.NDArray[np.void]
"""Rows of `rules.columns.RUN`."""

Steps = npt.NDArray[np.uint8]
"""`rules.run.Step` of each run."""


def step(runs: Runs, marks: Column) -> Steps:
    """Steps the k-th run by the k-th mark, in place; ended runs are left to be read."""
    steps = np.zeros(len(marks), dtype=np.uint8)
    active = runs["active"] != 0
    qualifies = marks["kind"] == Kind.QUALIFIES
    clears = marks["kind"] == Kind.CLEARS
    later = marks["at"] > runs["last_at"]
    for wanted, move in (
        (~active & qualifies, _wait),
        (active & qualifies, _support),
        (active & clears & later, _release),
    ):
        which = np.flatnonzero(wanted)
        if len(which):
            some = runs[which]
            steps[which] = move(some, marks[which])
            runs[which] = some
    runs[~active & ~qualifies] = np.zeros((), dtype=runs.dtype)
    _forget_clearing(runs, active & ~qualifies & ~clears)
    return steps


def _wait(runs: Runs, marks: Column) -> Steps:
    at = marks["at"]
    starts = (runs["n"] == 0) | (at - runs["last_at"] > marks["gap_us"])
    runs["first_at"] = np.where(starts, at, runs["first_at"])
    for name in ("limit", "site", "own"):
        runs[name] = np.where(starts, marks[name], runs[name])
    for worst, name in (("peak", "value"), ("severity", "severity")):
        highest = np.maximum(runs[worst], marks[name])
        runs[worst] = np.where(starts, marks[name], highest)
    runs["last_at"] = at
    runs["value"] = marks["value"]
    n = np.where(starts, 1, np.minimum(runs["n"], MOST - 1) + 1)
    held = (n >= marks["need"]) & (at - runs["first_at"] >= marks["hold_us"])
    begins = held | (marks["at_once"] != 0)
    runs["n"] = np.where(begins, 0, n)
    runs["active"] = begins
    return np.where(begins, Step.BEGAN, Step.NOTHING).astype(np.uint8)


def _support(runs: Runs, marks: Column) -> Steps:
    worse = marks["severity"] > runs["severity"]
    runs["severity"] = np.maximum(runs["severity"], marks["severity"])
    runs["peak"] = np.maximum(runs["peak"], marks["value"])
    runs["last_at"] = marks["at"]
    runs["value"] = marks["value"]
    _forget_clearing(runs, np.ones(len(runs), dtype=np.bool_))
    return np.where(worse, Step.WORSENED, Step.SEEN).astype(np.uint8)


def _release(runs: Runs, marks: Column) -> Steps:
    at = marks["at"]
    starts = (runs["n"] == 0) | (at - runs["clear_last_at"] > marks["gap_us"])
    runs["clear_at"] = np.where(starts, at, runs["clear_at"])
    runs["clear_last_at"] = at
    runs["n"] = np.where(starts, 1, np.minimum(runs["n"], MOST - 1) + 1)
    done = (runs["n"] >= marks["clear_need"]) & (at - runs["clear_at"] >= marks["clear_us"])
    return np.where(done, Step.ENDED, Step.NOTHING).astype(np.uint8)


def _forget_clearing(runs: Runs, which: npt.NDArray[np.bool_]) -> None:
    for name in ("n", "clear_at", "clear_last_at"):
        runs[name][which] = 0
