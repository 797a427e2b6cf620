"""A value that does not change: many wearers at once, and one reading after the other."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instant import MINUTE_US
from rules import frozen
from rules.columns import DENSE
from rules.rulebook import DEFAULT, DeviceFault
from rules.touched import Touched
from tests.unit.rules.making import minutes, reading, rows_of

FIGURES = DeviceFault(frozen_s=300, frozen_readings=3)
VALUE = st.sampled_from([frozen.OFF, 3640, 3650])


@pytest.mark.parametrize(
    ("quantities", "kept"),
    [
        ({"temperature_c": 36.5}, 3650),
        ({"pulse_bpm": 70}, -1),
        ({"temperature_c": 36.5, "worn": 0}, frozen.OFF),
        ({"temperature_c": 36.5, "pulse_bpm": 0}, frozen.OFF),
        ({"worn": 0}, frozen.OFF),
        ({"temperature_c": 44.0}, 4000),
    ],
)
def test_what_a_reading_says(quantities: dict[str, Any], kept: int) -> None:
    rows = rows_of([reading(minutes(0), **quantities)])
    assert frozen.said(rows, "temperature_cc", 4000).tolist() == [kept]


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 4 * MINUTE_US), VALUE), max_size=12),
        min_size=1,
        max_size=3,
    ),
    st.integers(0, 12),
)
def test_many_at_once_come_to_the_same(said: list[list[tuple[int, int]]], cut: int) -> None:
    states = Touched.fresh(len(said))
    slow = [(0, 0, 0)] * len(said)
    now = [minutes(0)] * len(said)
    for part in (slice(None, cut), slice(cut, None)):
        group, values, at, froze = [], [], [], []
        for nth, mine in enumerate(said):
            was = False
            for step, value in mine[part]:
                now[nth] += step
                slow[nth] = frozen.after(slow[nth], value, now[nth])
                was |= frozen.is_frozen(slow[nth], now[nth], FIGURES)
                group.append(nth)
                values.append(value)
                at.append(now[nth])
            froze.append(was)
        whose, what, when = (np.array(each, dtype=np.int64) for each in (group, values, at))
        taken = frozen.after_rows(states["frozen_t"], whose, what, when, FIGURES)
        taken.write(states, "frozen_t", np.ones(len(said), dtype=np.bool_))
        assert states["frozen_t"].tolist() == slow
        assert taken.froze.tolist() == [froze[nth] for nth in taken.whose.tolist()]


def test_only_those_asked_for_are_written_down() -> None:
    states = Touched.fresh(2)
    at = np.array([minutes(0)] * 2)
    values = np.array([3650, 3640])
    taken = frozen.after_rows(states["frozen_t"], np.array([0, 1]), values, at, FIGURES)
    taken.write(states, "frozen_t", np.array([False, True]))
    assert states["frozen_t"]["value"].tolist() == [0, 3640]


def test_forty_five_days_fit_into_what_is_kept_of_an_instant() -> None:
    since = np.zeros(1, dtype=DENSE)["frozen_t"]["since"]
    assert np.iinfo(since.dtype).max > 45 * 24 * 60


def test_the_figures_are_those_of_the_rulebook() -> None:
    cells = (3650, minutes(0) // MINUTE_US % (1 << 16), 30)
    assert frozen.is_frozen(cells, minutes(360), DEFAULT.device_fault)
    assert not frozen.is_frozen(cells, minutes(359), DEFAULT.device_fault)
    assert not frozen.is_frozen((*cells[:2], 29), minutes(360), DEFAULT.device_fault)


@pytest.mark.parametrize("wrap", [0, 1 << 16])
def test_long_ago_and_very_often_fit_into_their_columns(wrap: int) -> None:
    begin = ((1 << 17) * 200 + wrap) * MINUTE_US
    cells = (0, 0, 0)
    for n in range(300):
        cells = frozen.after(cells, 3650, begin + n * MINUTE_US)
    assert cells == (3650, 0, 255)
    assert frozen.lasts_min(cells, begin + 299 * MINUTE_US) == 299
    states = Touched.fresh(1)
    at = begin + np.arange(300) * MINUTE_US
    taken = frozen.after_rows(
        states["frozen_t"], np.zeros(300, dtype=np.int64), np.full(300, 3650), at, FIGURES
    )
    taken.write(states, "frozen_t", np.ones(1, dtype=np.bool_))
    assert states["frozen_t"][0].item() == cells
