"""Healthy wearers of every kind of band cross no threshold of the contract for weeks."""

from collections import defaultdict
from statistics import median

import pytest

from domain.instant import DAY_US, MINUTE_US
from domain.reading import Site
from simulator.band import Band, measure
from simulator.encoder import Sample
from simulator.wearer import local_hour
from tests.unit.simulator import worlds
from tests.unit.simulator.worlds import START_AT, world

DAYS = 14
STEP_US = 14 * MINUTE_US  # not a divisor of the hour, so that every minute of it comes up


def _fortnight(band: Band) -> list[Sample]:
    times = range(START_AT, START_AT + DAYS * DAY_US, STEP_US)
    return [measure(band, at, 1) for at in times]


def _above_own_baseline(samples: list[Sample]) -> float:
    """How far any value is above the median of its hour's medians on three or more earlier days."""
    hourly: dict[int, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in samples:
        day = (one.measured_at - START_AT) // DAY_US
        hourly[int(local_hour(one.measured_at))][day].append(one.temperature_c or 0.0)
    worst = -9.0
    for days in hourly.values():
        for day, values in days.items():
            earlier = [median(days[before]) for before in range(day) if days[before]]
            if len(earlier) >= 3:
                worst = max(worst, max(values) - median(earlier))
    return worst


@pytest.mark.parametrize("seed", range(12))
def test_the_healthy_stay_below_every_threshold_for_a_fortnight(seed: int) -> None:
    for band in world("calm", seed, wearers=3).bands:
        samples = _fortnight(band)
        for one in samples:
            assert not worlds.feverish(one), one
            assert not worlds.outside(one, band.home), one
            assert not worlds.alarming_pulse(one), one
            assert (one.spo2_pct or 0) > 95
            assert (one.battery_pct or 0) > 15
            assert one.worn
        if band.site is Site.WRIST:
            assert _above_own_baseline(samples) < 1.0


def test_the_values_are_those_of_their_sites() -> None:
    by_site: dict[Site, list[float]] = defaultdict(list)
    for band in world("calm", 5, wearers=6).bands:
        by_site[band.site] += [one.temperature_c or 0.0 for one in _fortnight(band)]
    assert 36.2 < median(by_site[Site.AXILLARY]) < 36.6
    assert 33.3 < median(by_site[Site.WRIST]) < 34.5
    for values in by_site.values():
        assert len(set(values)) > 50


def test_accuracy_is_honest_and_sometimes_bad() -> None:
    """Accuracy is a 68 % radius: about so many fixes lie within it."""
    band = world("calm", 2).bands[0]
    fixes = [one for one in _fortnight(band) if one.lat is not None and one.lon is not None]
    within = [
        worlds.distance_m(band.home, (one.lat or 0.0, one.lon or 0.0)) <= (one.accuracy_m or 0.0)
        for one in fixes
    ]
    assert 0.55 < sum(within) / len(within) < 0.8
    accuracies = [one.accuracy_m or 0.0 for one in fixes]
    assert median(accuracies) < 35
    assert 0.005 < sum(value > 80 for value in accuracies) / len(accuracies) < 0.05
    assert len(fixes) < 0.95 * DAYS * DAY_US / STEP_US
