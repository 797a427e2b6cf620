"""Binds the rules to the state a step began with: the pure functions a `Work` carries along."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.batch import Rows
from ingest.work import History
from rules.engine import Evaluation, evaluate, merge_replayed, replay, revise
from rules.rulebook import Rulebook
from rules.state import State, fresh
from rules.wearers import Wearers


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """The rules, as of one step."""

    state: State
    wearers: Wearers
    rulebook: Rulebook
    now: int
    receive_clock_us: int

    def judge(self, rows: Rows) -> Evaluation:
        """What new rows, in order, mean."""
        return evaluate(
            self.state, rows, self.wearers, self.rulebook, self.now, self.receive_clock_us
        )

    def rejudge(self, histories: Sequence[History]) -> Evaluation:
        """What whole histories mean now that late readings are among them.

        Wearers who have left the roster meanwhile are passed over.
        """
        known = [
            history
            for history in histories
            if (history.episode_no, history.device_no) in self.wearers.slots
        ]
        slots, states, changes = [], fresh(len(known)), []
        for n, history in enumerate(known):
            slot = self.wearers.slots[history.episode_no, history.device_no]
            rows = history.rows.copy()
            rows["slot"] = slot
            replayed, findings = replay(rows, slot, self.wearers, self.rulebook, self.now)
            current = self.state[slot] if slot < len(self.state) else fresh(1)[0]
            states[n] = merge_replayed(current, replayed)
            slots.append(slot)
            changes.extend(revise(history.findings, findings, history.late_from))
        return Evaluation(
            slots=np.array(slots, dtype=np.int32), rows=states, changes=changes, late=[]
        )


def nothing() -> Evaluation:
    """An evaluation that touches no wearer."""
    return Evaluation(slots=np.empty(0, dtype=np.int32), rows=fresh(0), changes=[], late=[])
