"""NEWS2's chart, at every border; and what is said of children."""

import numpy as np
import pytest

from rules.news2 import (
    CHILDREN,
    child_band,
    child_bounds,
    partial,
    pulse_points,
    spo2_points,
    temperature_points,
)


@pytest.mark.parametrize(
    ("temperature_cc", "points"),
    [
        *((3504, 3), (3505, 1), (3604, 1), (3605, 0), (3700, 0), (3804, 0), (3805, 1)),
        *((3904, 1), (3905, 2), (4200, 2)),
    ],
)
def test_temperatures_are_rounded_to_tenths_halves_up(temperature_cc: int, points: int) -> None:
    """38.05 is 38.1, which is one point: the chart itself does not say."""
    assert temperature_points(temperature_cc) == points


@pytest.mark.parametrize(
    ("pulse_bpm", "points"),
    [(40, 3), (41, 1), (50, 1), (51, 0), (90, 0), (91, 1), (110, 1), (111, 2), (130, 2), (131, 3)],
)
def test_pulses(pulse_bpm: int, points: int) -> None:
    assert pulse_points(pulse_bpm) == points


@pytest.mark.parametrize(
    ("spo2_pct", "points"), [(91, 3), (92, 2), (93, 2), (94, 1), (95, 1), (96, 0), (100, 0)]
)
def test_oxygen(spo2_pct: int, points: int) -> None:
    assert spo2_points(spo2_pct) == points


def test_a_partial_score_names_what_is_missing() -> None:
    all_of_it = partial(3910, 131, 91, 40)
    assert all_of_it is not None
    assert (all_of_it.total, all_of_it.missing) == (8, ())
    some = partial(None, 120, None, None)
    assert some is not None
    assert (some.total, some.missing) == (2, ("temperature", "oxygen"))
    nothing = partial(None, None, None, 16)
    assert nothing is not None
    assert nothing.total == 0


def test_children_have_no_such_score() -> None:
    assert partial(3910, 131, 91, 15) is None


def test_bands_follow_each_other() -> None:
    assert [child_band(age) for age in (0, 1, 4, 5, 11)] == [
        *(CHILDREN[0], CHILDREN[1], CHILDREN[2], CHILDREN[3], CHILDREN[3])
    ]
    assert child_band(12) is None


@pytest.mark.parametrize(
    ("age", "low", "high", "very_high"),
    [
        *((0, 80, 161, 181), (1, 70, 151, 171), (2, 64, 141, 161), (4, 64, 141, 161)),
        *((5, 50, 121, 141), (11, 50, 121, 141)),
    ],
)
def test_the_borders_of_each_age(age: int, low: int, high: int, very_high: int) -> None:
    band = child_band(age)
    assert band is not None
    assert (band.low, band.high, band.very_high) == (low, high, very_high)


def test_columns_say_the_same() -> None:
    ages = np.arange(12)
    for age, low, high, very_high in zip(ages.tolist(), *child_bounds(ages), strict=True):
        band = child_band(age)
        assert band is not None
        assert (low, high, very_high) == band[1:]
