"""The two paths are equal, wherever the border between them lies."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rules.hold import NARROW, step_through
from rules.marks import MARK, Kind, Mark, Marks
from rules.run import Step
from rules.touched import Touched

MANY = 10**9

marks_of_one = st.lists(
    st.tuples(
        st.sampled_from((0, 1, 5, 10, 11)),
        st.sampled_from(Kind),
        st.integers(-3, 3),
        st.sampled_from((1, 2)),
        st.booleans(),
    ),
    max_size=12,
)


def column(wearers: list[list[tuple[Any, ...]]], terms: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Marks of many wearers in order of rows. `terms`: gap, hold, clear, need, clear_need."""
    gap_us, hold_us, clear_us, need, clear_need = terms
    marks: list[Mark] = []
    for group, drawn in enumerate(wearers):
        at = 1000
        for step, kind, value, severity, at_once in drawn:
            at += step
            marks.append(
                Mark(
                    row=len(marks),
                    group=group,
                    at=at,
                    gap_us=gap_us,
                    hold_us=hold_us,
                    clear_us=clear_us,
                    value=value,
                    limit=at % 7,
                    need=need,
                    clear_need=clear_need,
                    kind=kind,
                    severity=severity,
                    site=at % 5,
                    own=at % 2,
                    at_once=at_once,
                )
            )
    return np.array(marks, dtype=MARK)


def stepped(states: Touched, marks: Marks, narrow: int) -> tuple[bytes, list[Any]]:
    states = states.copy()
    events = step_through(states, marks, narrow)
    told = events.row, events.group, events.step
    return states.tobytes(), [*(each.tolist() for each in told), events.runs.tolist()]


def test_marks_and_columns_have_the_same_fields() -> None:
    assert MARK.names == Mark._fields


@given(
    wearers=st.lists(marks_of_one, min_size=1, max_size=6),
    terms=st.tuples(
        st.sampled_from((10, 20)),
        st.sampled_from((0, 10, 15)),
        st.sampled_from((0, 10)),
        st.integers(1, 3),
        st.integers(1, 2),
    ),
    split=st.integers(0, 80),
    narrow=st.integers(2, 5),
)
def test_vector_scalar_and_any_mixture_are_equal(
    wearers: list[list[tuple[Any, ...]]], terms: tuple[int, ...], split: int, narrow: int
) -> None:
    marks = column(wearers, terms)
    states = Touched.fresh(len(wearers))
    first = Marks("fever_core", marks[:split])
    assert stepped(states, first, 1) == stepped(states, first, MANY)
    step_through(states, first)
    rest = Marks("fever_core", marks[split:])
    one_by_one = stepped(states, rest, MANY)
    assert stepped(states, rest, 1) == one_by_one
    assert stepped(states, rest, narrow) == one_by_one


@given(wearers=st.lists(marks_of_one, min_size=1, max_size=4), split=st.integers(0, 40))
def test_a_batch_may_be_split_anywhere(wearers: list[list[tuple[Any, ...]]], split: int) -> None:
    marks = column(wearers, (10, 10, 10, 2, 2))
    whole, parts = Touched.fresh(len(wearers)), Touched.fresh(len(wearers))
    together = step_through(whole, Marks("left_home", marks))
    apart = [
        step_through(parts, Marks("left_home", part)) for part in (marks[:split], marks[split:])
    ]
    assert whole.tobytes() == parts.tobytes()
    assert together.runs.tolist() == [run for part in apart for run in part.runs.tolist()]


def test_a_run_that_is_over_leaves_no_trace() -> None:
    quiet = [(1, Kind.NEITHER, 0, 1, False)]
    burst = [(1, Kind.QUALIFIES, 1, 2, True), (1, Kind.CLEARS, 0, 1, False)]
    states = Touched.fresh(2)
    events = step_through(states, Marks("fever_skin", column([quiet, burst], (10, 0, 0, 1, 1))))
    assert events.step.tolist() == [Step.BEGAN, Step.ENDED]
    assert events.group.tolist() == [1, 1]
    assert states.tobytes() == Touched.fresh(2).tobytes()


def test_events_come_in_the_order_of_rows_whichever_path_found_them() -> None:
    long = [(1, Kind.QUALIFIES, 1, 1, True)] * 3
    wearers = [long, *([long[:1]] * (NARROW + 1)), long]
    events = step_through(
        Touched.fresh(len(wearers)), Marks("fever_core", column(wearers, (10, 0, 0, 1, 1)))
    )
    assert events.row.tolist() == list(range(len(events.row)))
    assert events.step.tolist()[:3] == [Step.BEGAN, Step.SEEN, Step.SEEN]


def test_no_marks_no_events() -> None:
    events = step_through(Touched.fresh(1), Marks("fever_core", column([[]], (10, 0, 0, 1, 1))))
    assert len(events.row) == 0
