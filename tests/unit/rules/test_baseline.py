"""What is usual for a person's skin: learnt the same however the readings come."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instant import DAY_US, HOUR_US, MINUTE_US, parse_rfc3339
from domain.people import Threshold
from domain.reading import Site
from rules import fever, stretches
from rules.baseline import _WRAP
from rules.marks import Batch
from rules.rulebook import DEFAULT
from rules.touched import Touched
from rules.wearers import Wearers
from tests.unit.rules.making import Worn, findings, reading, roster_of, rows_of

MIDNIGHT = parse_rfc3339("2026-02-02T16:00:00Z")
"""In Shanghai."""
WRIST = Worn(site=Site.WRIST)


def at(day: int, hour: float) -> int:
    return MIDNIGHT + day * DAY_US + round(hour * HOUR_US)


def skin(day: int, hour: float, celsius: float, **more: Any) -> dict[str, Any]:
    return reading(at(day, hour), temperature_c=celsius, **more)


def limits(
    readings: list[dict[str, Any]], worn: Worn = WRIST, cuts: tuple[int, ...] = ()
) -> tuple[list[int], bytes]:
    """The limit of each skin reading, in order, and the state then; batches end at `cuts`."""
    wearers = Wearers.of(roster_of(worn, worn), DEFAULT)
    states = Touched.fresh(2)
    found: dict[tuple[int, int], int] = {}
    for rows in np.split(rows_of(readings), cuts):
        group = rows["slot"].astype(np.int64)
        muted = (rows["worn"] == 0) | (rows["pulse_bpm"] == 0)
        batch = Batch(rows, group, group, states, wearers, DEFAULT, muted)
        column = fever.marks(batch)[1].column
        for mark in column:
            found[int(mark["group"]), int(mark["at"])] = int(mark["limit"])
    return [found[key] for key in sorted(found)], states.tobytes()


def days(*values: float) -> list[dict[str, Any]]:
    """One reading at ten on each day, one at eleven."""
    return [skin(day, hour, value) for day, value in enumerate(values) for hour in (10, 11)]


def at_ten(*values: float) -> list[int]:
    """The limits at ten."""
    return limits(days(*values))[0][::2]


def test_three_days_make_a_baseline_used_from_the_fourth() -> None:
    assert at_ten(33, 34, 33.5, 33.5) == [3730, 3730, 3730, 3450]


@pytest.mark.parametrize("order", [(33, 34, 39), (39, 33, 34), (34, 39, 33), (33, 39, 34)])
def test_one_odd_day_of_three_does_nothing(order: tuple[float, ...]) -> None:
    assert at_ten(*order, 34)[-1] == 3500


def test_then_it_moves_a_tenth_a_day_at_most() -> None:
    assert at_ten(34, 34, 34, 38, 30, 34.05, 34) == [3730, 3730, 3730, 3500, 3510, 3500, 3505]


def test_a_warm_wrist_is_judged_by_the_rulebook() -> None:
    assert at_ten(36.5, 36.5, 36.5, 36.5)[-1] == 3730


def test_an_hour_is_the_mean_of_its_readings_halves_up() -> None:
    hour = [(0, 34.0), (0.5, 34.01)]
    readings = [skin(day, 10 + part, value) for day in range(3) for part, value in hour]
    assert limits([*readings, skin(3, 10, 34)])[0][-1] == 3501


def test_an_hour_ends_with_the_first_reading_of_another_be_it_a_day_later() -> None:
    readings = [skin(day, 10.5, 34) for day in range(4)]
    assert limits(readings)[0] == [3730, 3730, 3730, 3500]


def test_hours_know_nothing_of_each_other() -> None:
    readings = [skin(day, hour, 30 + hour / 10) for day in range(4) for hour in range(24)]
    assert limits(readings)[0][-24:] == [3100 + 10 * hour for hour in range(24)]


def test_the_hour_is_that_of_the_community() -> None:
    # In Kathmandu it is 7:45, and eight from a quarter past ten in Shanghai on.
    split = [skin(day, hour, value) for day in range(4) for hour, value in ((10, 33), (10.5, 35))]
    assert limits(split)[0][-2:] == [3500, 3500]
    assert limits(split, replace(WRIST, timezone="Asia/Kathmandu"))[0][-2:] == [3400, 3600]


@pytest.mark.parametrize("off", [{"worn": 0}, {"pulse_bpm": 0}])
def test_readings_off_the_body_are_not_learnt(off: dict[str, int]) -> None:
    readings = [skin(day, 10, 34) for day in range(3)]
    beside = [skin(day, 10.25, 22, **off) for day in range(3)]
    assert limits([*readings, *beside, skin(3, 10, 34)])[0][-1] == 3500
    assert limits([*beside, skin(3, 10, 34)])[0][-1] == 3730


def test_spot_thermometers_and_core_sites_are_not_learnt() -> None:
    readings = days(34, 34, 34, 34)
    assert limits(readings, replace(WRIST, spot=True))[0][-1] == 3730
    core = [each | {"site": Site.ORAL} for each in readings[:-2]]
    assert limits([*core, *readings[-2:]])[0][-1] == 3730


def test_a_threshold_of_the_roster_goes_before_the_baseline() -> None:
    worn = replace(WRIST, fever={Site.WRIST: Threshold(3600, "dr-03")})
    assert limits(days(34, 34, 34, 34), worn)[0][-1] == 3600


def test_a_fever_above_the_baseline_says_so() -> None:
    warm = [skin(3, 10 + minute / 60, 35.2) for minute in (0, 5, 10)]
    (finding,) = findings([*days(34, 34, 34), *warm], WRIST)
    assert (finding.onset_at, finding.limit, finding.origin) == (at(3, 10), 3500, "own baseline")
    assert not findings(
        [*days(34, 34, 34), *(each | {"temperature_cc": 3499} for each in warm)], WRIST
    )


def test_where_both_figures_are_one_it_is_the_rulebooks() -> None:
    warm = [skin(3, 10 + minute / 60, 37.3) for minute in (0, 5, 10)]
    (finding,) = findings([*days(36.3, 36.3, 36.3), *warm], WRIST)
    assert (finding.limit, finding.origin) == (3730, "rulebook")


def test_no_more_readings_of_an_hour_count_than_can_be_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stretches, "MOST", 3)
    hour = [skin(day, 10 + n / 60, 34 if n < 3 else 37) for day in range(3) for n in range(9)]
    for cuts in ((), (2, 4, 5), tuple(range(27))):
        assert limits([*hour, skin(3, 10, 34)], cuts=cuts)[0][-1] == 3500


STEPS_US = (0, MINUTE_US, 20 * MINUTE_US, HOUR_US, 5 * HOUR_US, DAY_US, DAY_US + HOUR_US)
course = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from(STEPS_US),
        st.sampled_from((30.0, 33.33, 34.0, 34.01, 37.0)),
        st.sampled_from((-1, -1, -1, 0)),
    ),
    max_size=60,
)


def slow(readings: list[dict[str, Any]]) -> list[int]:
    """The same once more, one reading after the other, with lists of values."""
    found: list[tuple[int, int, int]] = []
    for slot in (0, 1):
        hours: list[tuple[int, list[int]]] = []
        learnt: dict[int, list[int]] = {}
        for row in rows_of(readings):
            if row["slot"] != slot or row["worn"] == 0:
                continue
            value, hour = (
                int(row["temperature_cc"]),
                int(row["measured_at"] + 8 * HOUR_US) // HOUR_US,
            )
            if not hours or hours[-1][0] != hour:
                if hours and hours[-1][1]:
                    values = hours[-1][1]
                    learn(learnt, hours[-1][0] % 24, int(sum(values) / len(values) + 0.5))
                hours.append((hour, []))
            known = learnt.get(hour % 24, [])
            limit = min(3730, known[0] + 100) if known[1:] == [-1] else 3730
            found.append((slot, int(row["measured_at"]), limit))
            hours[-1][1].append(value)
    return [limit for _, limit in sorted({(slot, when): x for slot, when, x in found}.items())]


def learn(learnt: dict[int, list[int]], hour: int, value: int) -> None:
    known = learnt.setdefault(hour, [])
    if known[1:] == [-1]:
        known[0] += max(-10, min(10, value - known[0]))
    else:
        known.append(value)
        if len(known) == 3:
            learnt[hour] = [sorted(known)[1], -1]


@given(course, st.data())
def test_any_batches_give_the_same_limits_and_the_same_state(
    steps: list[tuple[int, int, float, int]], data: st.DataObject
) -> None:
    now, readings = [MIDNIGHT, MIDNIGHT], {}
    for slot, step_us, celsius, worn in steps:
        now[slot] += step_us
        each = reading(now[slot], slot, temperature_c=celsius, worn=worn)
        readings[tuple(each.values())] = each
    given_ = list(readings.values())
    cuts = data.draw(st.lists(st.integers(0, len(given_)), max_size=8).map(sorted))
    whole = limits(given_)
    assert whole == limits(given_, cuts=tuple(cuts))
    assert whole[0] == slow(given_)


@pytest.mark.parametrize("hour", range(-3, 3))
def test_where_the_count_of_hours_begins_anew_days_go_on(hour: int) -> None:
    """That is in October 2029."""
    over = 8 * _WRAP * HOUR_US - 8 * HOUR_US
    readings = [
        reading(over + day * DAY_US + (hour + more) * HOUR_US, temperature_c=33.0)
        for day in (-2, -1, 0, 1)
        for more in (0, 1)
    ]
    assert limits(readings)[0] == [3730] * 6 + [3400] * 2
