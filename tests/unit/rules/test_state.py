"""The rule state: its size, and the rows of few among the rows of all."""

import numpy as np

from rules.columns import BIT, DENSE, SPARSE
from rules.state import fresh

EVERYBODY = np.arange(3)


def test_a_wearer_costs_at_most_200_bytes() -> None:
    assert fresh(1000).nbytes == 1000 * DENSE.itemsize
    assert DENSE.itemsize <= 198, "and two for what is going on with the few"


def test_rows_beyond_the_end_are_fresh_and_all_are_copies() -> None:
    state = fresh(2)
    state["watermark_at"][:] = [5, 6]
    rows = state.gather(np.array([1, 2, 3]))
    assert rows["watermark_at"].tolist() == [6, 0, 0]
    state.gather(np.array([0, 1]))["watermark_at"][:] = 99
    assert state["watermark_at"].tolist() == [5, 6]


def test_what_is_going_on_is_kept_and_found_again() -> None:
    state = fresh(3)
    rows = state.gather(np.array([2, 0]))
    rows["left_home"]["first_at"][0], rows["left_home"]["peak"][0] = 7, 8
    state.put(np.array([2, 0]), rows)
    assert state["left_home"]["peak"].tolist() == [0, 0, 8]
    assert (state["going"] == [0, 0, BIT["left_home"]]).all()
    assert state.nbytes == 3 * DENSE.itemsize + SPARSE["left_home"].itemsize


def test_what_is_over_is_kept_no_more() -> None:
    state = fresh(3)
    rows = state.gather(EVERYBODY)
    rows["silence"]["began_at"] = [1, 2, 3]
    state.put(EVERYBODY, rows)
    before = state.copy()
    rows = state.gather(np.array([1]))
    rows["silence"][0] = np.zeros((), dtype=SPARSE["silence"])
    state.put(np.array([1]), rows)
    assert state["silence"]["began_at"].tolist() == [1, 0, 3]
    assert before["silence"]["began_at"].tolist() == [1, 2, 3]
    assert state.nbytes == 3 * DENSE.itemsize + 2 * SPARSE["silence"].itemsize


def test_rows_that_were_not_touched_stay() -> None:
    state = fresh(3)
    rows = state.gather(EVERYBODY)
    rows["fever_core"]["first_at"] = [1, 2, 3]
    state.put(EVERYBODY, rows)
    other = state.gather(np.array([1]))
    other["near_at"][0] = 9
    state.put(np.array([1]), other)
    assert state["fever_core"]["first_at"].tolist() == [1, 2, 3]
    assert state["near_at"].tolist() == [0, 9, 0]


def test_a_grown_state_has_the_same_rows_and_more() -> None:
    state = fresh(1)
    rows = state.gather(np.array([0]))
    rows["fever_core"]["first_at"] = 4
    state.put(np.array([0]), rows)
    grown = state.grown(3)
    assert grown["fever_core"]["first_at"].tolist() == [4, 0, 0]
    assert grown.padded("going", 2).tolist() == [BIT["fever_core"], 0]
    assert grown.padded("near_at", 5).tolist() == [0] * 5


def test_equal_states_are_equal_bytes() -> None:
    one, other = fresh(2), fresh(2)
    for state, order in ((one, (0, 1)), (other, (1, 0))):
        for slot in order:
            rows = state.gather(np.array([slot]))
            rows["left_home"]["first_at"] = slot + 1
            state.put(np.array([slot]), rows)
    assert one.tobytes() == other.tobytes()
    assert one.tobytes() != fresh(2).tobytes()
