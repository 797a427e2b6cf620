"""The rule state: its size, and rows that are not there yet."""

import numpy as np

from rules.run import IDLE, Run
from rules.state import JOURNAL_COLUMNS, RUNS, STATE, fresh, gather


def test_a_wearer_of_whom_nothing_is_found_costs_at_most_200_bytes() -> None:
    sparse = sum(STATE[name].itemsize for name in (*RUNS, "watch"))
    assert STATE.itemsize - sparse <= 200


def test_runs_have_the_columns_of_the_scalar_path_in_its_order() -> None:
    fields = tuple(Run.__dataclass_fields__)
    for run in RUNS:
        assert STATE[run].names == fields
        assert fresh(1)[run][0].item() == IDLE


def test_columns_that_depend_on_arrival_exist() -> None:
    assert set(JOURNAL_COLUMNS) < set(STATE.names or ())


def test_rows_beyond_the_end_are_fresh_and_all_are_copies() -> None:
    state = fresh(2)
    state["watermark_at"] = [5, 6]
    rows = gather(state, np.array([1, 3]))
    assert rows["watermark_at"].tolist() == [6, 0]
    gather(state, np.array([0, 1]))["watermark_at"][:] = 99
    assert state["watermark_at"].tolist() == [5, 6]
