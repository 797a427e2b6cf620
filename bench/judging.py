"""All rules over a million wearers: batches of 10,000 readings, each of another wearer.

CPU time of `evaluate` and `apply` on one core, beside what it costs only to take the rows of those
wearers out of the state and to put them back. The people are those of `bench.load`: calm, but one
in a hundred is feverish, one in a hundred has a low battery, and one in a hundred wears no band.
"""

import time
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.batch import READING, Rows, digests, in_order
from domain.instant import MINUTE_US, SECOND_US
from domain.reading import Site
from rules.engine import apply, evaluate
from rules.rulebook import DEFAULT
from rules.state import State
from rules.wearers import Wearers

BATCH: Final = 10_000
ROUNDS: Final = 3
"""How often every wearer is heard, a minute of event time each."""
HOME_E7: Final = (320_603_000, 1_187_969_000)


def judged(wearers: Wearers, state: State, now: int) -> dict[str, float]:
    """Microseconds a reading, and bytes of state a wearer afterwards."""
    rng = np.random.default_rng(7)
    used_ns, moved_ns = 0, 0
    for turn in range(ROUNDS):
        at = now - 60 * MINUTE_US + turn * MINUTE_US
        slots = rng.permutation(len(wearers)).astype(np.int32)
        for begin in range(0, len(slots), BATCH):
            rows = _rows(wearers, np.sort(slots[begin : begin + BATCH]), at, rng)
            begun = time.process_time_ns()
            state = apply(state, evaluate(state, rows, wearers, DEFAULT, at, at))
            between = time.process_time_ns()
            state.put(rows["slot"], state.gather(rows["slot"]))
            moved_ns += time.process_time_ns() - between
            used_ns += between - begun
    share = 1e-3 / (ROUNDS * len(wearers))
    return {
        "rules.all_us": used_ns * share,
        "rules.moved_us": moved_ns * share,
        "rules.bytes": state.nbytes / len(wearers),
    }


def _rows(
    wearers: Wearers, slots: npt.NDArray[np.int32], at: int, rng: np.random.Generator
) -> Rows:
    rows = np.zeros(len(slots), dtype=READING)
    wobble = rng.integers(0, 40, len(slots))
    kind = slots % 100
    rows["slot"] = slots
    rows["device_no"], rows["episode_no"] = wearers.device_no[slots], wearers.episode_no[slots]
    rows["measured_at"] = at + rng.integers(0, 50 * SECOND_US, len(slots))
    rows["received_at"] = rows["measured_at"] + SECOND_US
    rows["seq"] = -1
    rows["temperature_cc"] = 3440 + wobble + np.where(kind == 1, 400, 0)
    rows["site"] = Site.WRIST
    rows["pulse_bpm"] = 62 + wobble // 2
    rows["spo2_pct"] = 96 + wobble % 4
    rows["steps"] = wobble % 3
    rows["lat_e7"], rows["lon_e7"] = HOME_E7[0] + wobble * 10, HOME_E7[1] - wobble * 10
    rows["accuracy_dm"] = 85 + wobble % 9 * 10
    rows["near_home"] = -1
    rows["battery_pct"] = np.where(kind == 2, 12, 60 + wobble)
    rows["worn"] = kind != 3
    rows["digest"] = digests(rows)
    return in_order(rows)
