"""NightSignal against its state machine and against the script its authors published."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.columns import NIGHTS
from rules.nights import GREEN, RED, imputed, levels, moved, next_levels, shifted, unpacked
from rules.rulebook import Watch
from tests.unit.rules.nightsignal import published

FIGURES = Watch()
PULSES = (0, 0, 56, 60, 62, 63, 63, 64, 64, 65, 66, 67, 70)
rows = st.lists(st.sampled_from(PULSES), min_size=NIGHTS, max_size=NIGHTS)


def table(*nights: Sequence[int]) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    return np.array([[0] * (NIGHTS - len(each)) + list(each) for each in nights], dtype=np.int64)


@settings(max_examples=400)
@given(st.lists(rows, min_size=20, max_size=20))
def test_every_night_is_as_published(drawn: list[list[int]]) -> None:
    assert levels(table(*drawn), FIGURES).tolist() == [published(each) for each in drawn]


@settings(max_examples=200)
@given(rows)
def test_morning_by_morning_comes_to_the_same(nights: list[int]) -> None:
    so_far, known = table([]), np.zeros(1, dtype=np.int64)
    one = np.ones(1, dtype=np.int64)
    for pulse in nights:
        so_far, known = shifted(so_far, one), moved(known, one)
        so_far[0, -1] = pulse
        if pulse:
            known = next_levels(so_far, known, FIGURES)
    assert unpacked(int(known[0])) == published(nights)


def test_halves_are_cut_off() -> None:
    # The median of 60 and 63 is 61.5, of which 61 is left: 63 is not three above it.
    assert published([60, 63]) == [GREEN, GREEN]
    nights = [60, 60, 60, 61, 64, 64]
    assert levels(table(nights), FIGURES)[0, -2:].tolist() == [GREEN, RED]


def test_one_missing_night_is_the_mean_of_its_neighbours() -> None:
    assert imputed(table([60, 61, 0, 64]))[0, -4:].tolist() == [60, 61, 62, 64]
    assert imputed(table([61, 0, 64, 64]))[0, -4:].tolist() == [61, 62, 64, 64]


def test_two_missing_nights_or_neighbours_alone_are_not_filled_in() -> None:
    for nights in ([60, 61, 0, 0, 64, 64], [0, 61, 0, 64], [61, 0, 64, 0, 60]):
        assert imputed(table(nights)).tolist() == table(nights).tolist()


def test_what_is_far_back_is_gone() -> None:
    gap = np.array([NIGHTS, 100])
    assert moved(np.array([1, 2]), gap).tolist() == [0, 0]
    assert not shifted(table([60], [60]), gap).any()
