"""The vector path says what the scalar path says, here reading by reading, all kinds at once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rules import runs
from rules.columns import RUN
from rules.marks import MARK, Kind, Mark
from rules.run import IDLE, MOST, Run, Step

small = st.integers(0, 40)
run_cells = st.tuples(
    small,
    small,
    small,
    small,
    small,
    small,
    small,
    st.sampled_from((0, 1, 2, MOST - 1, MOST)),
    st.integers(0, 1),
    st.integers(1, 3),
    small,
    st.integers(0, 1),
)
marks = st.builds(
    Mark,
    row=st.just(0),
    group=st.just(0),
    at=st.integers(30, 60),
    gap_us=small,
    hold_us=small,
    clear_us=small,
    value=small,
    limit=small,
    need=st.sampled_from((1, 2, 3, MOST)),
    clear_need=st.integers(1, 3),
    kind=st.sampled_from(Kind),
    severity=st.integers(1, 3),
    site=small,
    own=st.integers(0, 1),
    at_once=st.integers(0, 1),
)


@given(st.lists(st.tuples(run_cells, marks), min_size=1, max_size=12))
def test_many_steps_are_as_many_single_ones(drawn: list[tuple[tuple[int, ...], Mark]]) -> None:
    many = np.array([cells for cells, _ in drawn], dtype=RUN)
    steps = runs.step(many, np.array([mark for _, mark in drawn], dtype=MARK))
    for n, (cells, mark) in enumerate(drawn):
        one = Run(*cells)
        step = one.step(mark)
        assert step == steps[n]
        # A broken run is cleared altogether, whatever a drawn one had in its clearing columns.
        pending = not one.active and mark.kind != Kind.QUALIFIES
        assert many[n].item() == (IDLE if pending else one.cells)


def test_no_runs_no_steps() -> None:
    assert len(runs.step(np.empty(0, dtype=RUN), np.empty(0, dtype=MARK))) == 0


def test_steps_are_whole_numbers_that_name_a_step() -> None:
    mark = np.zeros(1, dtype=MARK)
    mark["kind"], mark["at_once"], mark["severity"] = Kind.QUALIFIES, 1, 2
    run = np.zeros(1, dtype=RUN)
    assert [Step(step) for step in runs.step(run, mark).tolist()] == [Step.BEGAN]
