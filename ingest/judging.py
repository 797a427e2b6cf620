"""Binds the rules to the state a step began with: the pure functions a `Work` carries along."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.batch import Rows
from ingest.work import History, Places
from rules.engine import Evaluation, evaluate, merge_replayed, replay, revise
from rules.heard import NOTHING_HEARD, Heard
from rules.rulebook import Rulebook
from rules.slots import packed
from rules.snapshots import pack
from rules.state import State
from rules.touched import Touched
from rules.wearers import Wearers


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """The rules, as of one step."""

    state: State
    wearers: Wearers
    rulebook: Rulebook
    now: int
    receive_clock_us: int
    heard: Heard = NOTHING_HEARD

    def judge(self, rows: Rows, places: Places | None = None) -> Evaluation:
        """What new rows, in order, mean; `places` are theirs among the rows of `heard`."""
        return evaluate(
            self.state,
            rows,
            self.wearers,
            self.rulebook,
            self.now,
            self.receive_clock_us,
            self.heard if places is None else self.heard.with_rows(places),
        )

    def rejudge(self, histories: Sequence[History]) -> Evaluation:
        """What whole histories mean now that late readings are among them.

        Wearers who have left the roster meanwhile are passed over.
        """
        known: dict[int, History] = {}
        for history in histories:
            slot = self.wearers.slots.get((history.episode_no, history.device_no))
            if slot is not None:
                known[slot] = history
        if not known:
            return nothing()
        slots = np.array(sorted(known), dtype=np.int64)
        rows = np.concatenate([known[slot].rows for slot in slots.tolist()])
        rows["slot"] = np.repeat(slots, [len(known[slot].rows) for slot in slots.tolist()])
        states, findings = replay(rows, slots, self.wearers, self.rulebook, self.now)
        states = merge_replayed(self.state.gather(slots), states)
        changes = [
            change
            for slot, found in zip(slots.tolist(), findings, strict=True)
            for change in revise(known[slot].findings, found, known[slot].late_from)
        ]
        return Evaluation(slots=slots, rows=states, changes=changes, late=[])

    def pack(self, evaluation: Evaluation) -> bytes:
        """The rows of an evaluation, to be written down: see `rules.snapshots`."""
        wearers, slots = self.wearers, evaluation.slots
        return pack(packed(wearers.episode_no[slots], wearers.device_no[slots]), evaluation.rows)


def nothing() -> Evaluation:
    """An evaluation that touches no wearer."""
    return Evaluation(slots=np.empty(0, dtype=np.int32), rows=Touched.fresh(0), changes=[], late=[])
