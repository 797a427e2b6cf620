"""Local time of many zones at once, against the library that knows each alone."""

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instant import HOUR_US, SECOND_US, from_datetime, parse_rfc3339, to_datetime
from rules.local_time import NO_ZONES, Zones, date_of

NAMES = ("Asia/Shanghai", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "Asia/Urumqi")
ZONES = Zones.of(NAMES)
SPAN_S = (parse_rfc3339("2000-01-01T00:00:00Z"), parse_rfc3339("2099-12-31T00:00:00Z"))


@given(
    st.lists(
        st.tuples(
            st.integers(0, len(NAMES) - 1),
            st.integers(*SPAN_S),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_the_hour_is_that_of_the_place(asked: list[tuple[int, int]]) -> None:
    zone = np.array([number for number, _ in asked], dtype=np.uint16)
    at = np.array([instant for _, instant in asked])
    local = [to_datetime(instant).astimezone(ZoneInfo(NAMES[number])) for number, instant in asked]
    hours = ZONES.hours(zone, at)
    assert (hours % 24).tolist() == [each.hour for each in local]
    assert [date_of(day) for day in (hours // 24).tolist()] == [
        each.date().isoformat() for each in local
    ]


@pytest.mark.parametrize("change", ["2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"])
def test_clocks_change_at_the_second(change: str) -> None:
    at = parse_rfc3339(change)
    zone = np.ones(2, dtype=np.uint16)
    before, after = ZONES.local(zone, np.array([at - SECOND_US, at])).tolist()
    assert abs(after - before - SECOND_US) == HOUR_US


def test_a_zone_alone_without_summer_time_is_one_offset() -> None:
    alone = Zones.of(("Asia/Shanghai",))
    local = alone.local(np.zeros(1, dtype=np.uint16), np.array([0]))
    assert local.tolist() == [8 * HOUR_US]


def test_two_zones_without_summer_time_are_two_offsets() -> None:
    two = Zones.of(("UTC", "Etc/GMT-8"))
    local = two.local(np.array([0, 1], dtype=np.uint16), np.array([0, 0]))
    assert local.tolist() == [0, 8 * HOUR_US]


@given(st.integers(0, len(NAMES) - 1), st.dates(date(2000, 1, 2), date(2099, 12, 30)))
def test_an_hour_of_a_day_is_an_instant(number: int, day: date) -> None:
    days = np.array([(day - date(1970, 1, 1)).days])
    at = int(ZONES.instants(np.array([number], dtype=np.uint16), days, 7)[0])
    local = to_datetime(at).astimezone(ZoneInfo(NAMES[number]))
    assert (local.date(), local.hour, local.minute) == (day, 7, 0)
    assert from_datetime(local) == at


def test_zones_keep_their_numbers() -> None:
    two = NO_ZONES.grown(("Asia/Urumqi", "Asia/Shanghai"))
    assert two.grown(("Asia/Shanghai",)) is two
    three = two.grown(("Europe/Berlin", "Asia/Urumqi", "Europe/Berlin"))
    assert three.names == ("Asia/Urumqi", "Asia/Shanghai", "Europe/Berlin")
