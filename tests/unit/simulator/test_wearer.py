from itertools import pairwise

import pytest

from domain.instant import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from simulator.incident import Incident, Kind
from simulator.noise import Noise
from simulator.wearer import (
    Wearer,
    cadence,
    core_c,
    fever_c,
    local_hour,
    pulse_bpm,
    spo2_pct,
    whereabouts,
)
from tests.unit.simulator.worlds import START_AT


def _wearer(seed: int, *incidents: Incident) -> Wearer:
    return Wearer(Noise.of("wearer", seed), incidents)


FEVER = Incident(Kind.FEVER, START_AT, START_AT + 20 * HOUR_US, size=2.0, onset_s=1800, fall_s=7200)
WALK = Incident(Kind.OUT, START_AT, START_AT + 20 * MINUTE_US, size=300.0, bearing_deg=90.0)


@pytest.mark.parametrize("seed", range(10))
def test_the_healthy_are_healthy_at_every_hour(seed: int) -> None:
    wearer = _wearer(seed)
    for at in range(START_AT, START_AT + 3 * DAY_US, 20 * MINUTE_US):
        assert 36.4 < core_c(wearer, at) < 37.25
        assert 95.5 < spo2_pct(wearer, at) < 98.5
        assert whereabouts(wearer, at).distance_m < 5
        if cadence(wearer, at) == 0:
            assert 45 <= pulse_bpm(wearer, at) <= 90


def test_people_are_warmest_in_the_evening_and_still_at_night() -> None:
    wearer = _wearer(3)
    day = range(START_AT, START_AT + DAY_US, 5 * MINUTE_US)
    assert 15 < local_hour(max(day, key=lambda at: core_c(wearer, at))) < 21
    walks = [local_hour(at) for at in day if cadence(wearer, at) > 0]
    assert walks
    assert min(walks) >= 7
    assert max(walks) <= 22.5


def test_a_fever_rises_stays_and_falls_and_takes_the_pulse_with_it() -> None:
    ill, well = _wearer(1, FEVER), _wearer(1)
    assert fever_c(ill, FEVER.from_at) == 0
    assert fever_c(ill, FEVER.from_at - SECOND_US) == 0
    plateau = [fever_c(ill, FEVER.from_at + hour * HOUR_US) for hour in range(1, 18)]
    assert all(1.8 <= excess <= 2.2 for excess in plateau)
    assert 0 < fever_c(ill, FEVER.from_at + 15 * MINUTE_US) < 1.5
    assert 0 < fever_c(ill, FEVER.from_at + 19 * HOUR_US) < 1.5
    assert fever_c(ill, FEVER.from_at + 20 * HOUR_US) == 0
    at = FEVER.from_at + 5 * HOUR_US
    assert core_c(ill, at) - core_c(well, at) == pytest.approx(fever_c(ill, at))
    assert pulse_bpm(ill, at) - pulse_bpm(well, at) == pytest.approx(18, abs=3)


def test_a_walk_leads_away_and_back_without_a_jump() -> None:
    walker = _wearer(1, WALK)
    path = [whereabouts(walker, WALK.from_at + second * SECOND_US) for second in range(1200)]
    assert max(place.distance_m for place in path) == pytest.approx(300)
    assert path[600].east_m > 250
    for before, after in pairwise(path):
        assert abs(after.distance_m - before.distance_m) <= 1.31
    assert path[-1].distance_m < 3
    assert cadence(walker, WALK.from_at + MINUTE_US) > 90
    assert cadence(walker, WALK.from_at + 10 * MINUTE_US) == 0
