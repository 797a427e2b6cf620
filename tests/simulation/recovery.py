"""What a new process begins with: the model of `store.recovery`, of wearers without a page."""

import numpy as np

from domain.batch import Rows, in_order
from ingest.sequences import Sequences
from ingest.work import Beginning
from rules import band_faults, silent
from rules.engine import apply, evaluate
from rules.finding import Finding, Rule
from rules.slots import NO_SLOT
from rules.state import State, fresh
from rules.wearers import Wearers
from tests.simulation.ledger import Ledger


def recalled(ledger: Ledger, now: int) -> Beginning:
    """From nothing but what is committed."""
    roster, rulebook = ledger.roster, ledger.rulebook
    wearers = Wearers.of(roster, rulebook)
    state = fresh(len(wearers))
    rows = of_wearers(ledger.rows(), wearers)
    if len(rows):
        state = apply(state, evaluate(state, rows, wearers, rulebook, now, 0))
    _recall_silence(ledger, state, wearers)
    _recall_faults(ledger, state, wearers)
    silent.begin(state, wearers, now, ledger.receive_clock_us)
    return Beginning(
        rulebook=rulebook,
        roster=roster,
        wearers=wearers,
        state=state,
        receive_clock_us=ledger.receive_clock_us,
        late_left=ledger.waits(roster.version),
        sequences=_sequences(ledger),
        heard_before=ledger.batch > 0,
    )


def of_wearers(rows: Rows, wearers: Wearers) -> Rows:
    """The rows with the slots that these wearers have, in order; without those of others."""
    rows["slot"] = wearers.slots.find(rows["episode_no"], rows["device_no"])
    return in_order(rows[rows["slot"] != NO_SLOT])


def _recall_silence(ledger: Ledger, state: State, wearers: Wearers) -> None:
    """Who was last heard when, on both clocks; who never was; and who was silent already."""
    for slot in range(len(wearers)):
        pair = int(wearers.episode_no[slot]), int(wearers.device_no[slot])
        heard = [
            (int(row["received_at"]), ledger.stored_by[key])
            for key, row in ledger.stored.items()
            if (int(row["episode_no"]), int(row["device_no"])) == pair
        ]
        if heard:
            heard_at = max(at for at, _ in heard)
            clock = ledger.journal[max(batch for _, batch in heard) - 1][1]
        else:
            heard_at = int(wearers.from_at[slot])
            begun = [clock for now, clock in ledger.journal if now <= heard_at]
            heard_at, clock = (heard_at, begun[-1]) if begun else (0, 0)
        silent.restore(state, np.array([slot]), np.array([heard_at]), np.array([clock]))
    for finding in _going_on(ledger, Rule.SILENT):
        slot = wearers.slots[finding.key.episode_no, finding.key.device_no]
        silent.restore_standing(state, slot, finding)


def _recall_faults(ledger: Ledger, state: State, wearers: Wearers) -> None:
    for finding in _going_on(ledger, Rule.DEVICE_FAULT):
        slots = np.array([wearers.slots[finding.key.episode_no, finding.key.device_no]])
        rows = state.gather(slots)
        rows["device_fault"][0] = band_faults.standing_cells(finding)
        state.put(slots, rows)


def _going_on(ledger: Ledger, rule: Rule) -> list[Finding]:
    return [
        finding
        for finding in ledger.findings.values()
        if finding.key.rule is rule and finding.key.by_journal and finding.ended_at is None
    ]


def _sequences(ledger: Ledger) -> Sequences:
    """As `store.recovery` does it, of what happened within one day."""
    sequences = Sequences()
    numbers = np.array(ledger.numbers(), dtype=np.int64).reshape(-1, 3)
    sequences.recall(numbers[:, 0], numbers[:, 1], numbers[:, 2], 0)
    sequences.restore_noticed(
        (*pair, *missing) for pair, ranges in ledger.gaps.items() for missing in ranges
    )
    return sequences
