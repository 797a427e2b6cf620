"""Who is on duty: weekly shifts past midnight and over the change of clocks, and single ones."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.duty import DAY_MIN, Shift, Span, Weekly, next_time, on_duty
from domain.instant import DAY_US, MINUTE_US, parse_rfc3339, to_datetime

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
MON_TO_FRI = (0, 1, 2, 3, 4)
DAY = Weekly(MON_TO_FRI, 8 * 60, 20 * 60)
NIGHT = Weekly((4,), 20 * 60, 8 * 60)


@pytest.mark.parametrize(
    ("shift", "local", "expected"),
    [
        (DAY, "2026-02-06T07:59:59.999999+08:00", False),
        (DAY, "2026-02-06T08:00:00+08:00", True),
        (DAY, "2026-02-06T19:59:59+08:00", True),
        (DAY, "2026-02-06T20:00:00+08:00", False),
        (DAY, "2026-02-07T12:00:00+08:00", False),
        # Friday's night begins on Friday and is over on Saturday.
        (NIGHT, "2026-02-06T07:00:00+08:00", False),
        (NIGHT, "2026-02-06T20:00:00+08:00", True),
        (NIGHT, "2026-02-06T23:59:59+08:00", True),
        (NIGHT, "2026-02-07T07:59:59+08:00", True),
        (NIGHT, "2026-02-07T08:00:00+08:00", False),
        (NIGHT, "2026-02-07T21:00:00+08:00", False),
        (Weekly((6,), 0, DAY_MIN), "2026-02-08T00:00:00+08:00", True),
        (Weekly((6,), 0, DAY_MIN), "2026-02-08T23:59:59+08:00", True),
        (Weekly((6,), 0, DAY_MIN), "2026-02-09T00:00:00+08:00", False),
    ],
)
def test_a_weekly_shift(shift: Weekly, local: str, expected: bool) -> None:
    assert on_duty([shift], parse_rfc3339(local), SHANGHAI) is expected


def test_the_same_wall_clock_in_another_zone_is_another_instant() -> None:
    at = parse_rfc3339("2026-02-06T08:00:00+08:00")
    assert on_duty([DAY], at, SHANGHAI)
    assert not on_duty([DAY], at, BERLIN)


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2026-03-29T00:59:59Z", True),  # 01:59:59, and then clocks show 03:00
        ("2026-03-29T01:00:00Z", False),
        ("2026-10-25T00:59:59Z", True),  # 02:59:59 the first time
        ("2026-10-25T01:30:00Z", True),  # 02:30 once more
        ("2026-10-25T02:00:00Z", False),
    ],
)
def test_on_the_days_the_clocks_change_the_wall_decides(instant: str, expected: bool) -> None:
    until_three = Weekly((6,), 0, 3 * 60)
    assert on_duty([until_three], parse_rfc3339(instant), BERLIN) is expected


def test_a_single_shift_is_half_open() -> None:
    span = Span(100, 200)
    assert [on_duty([span], at, SHANGHAI) for at in (99, 100, 199, 200)] == [
        False,
        True,
        True,
        False,
    ]


def test_without_shifts_always_and_with_past_ones_not() -> None:
    at = parse_rfc3339("2026-02-08T03:00:00Z")
    assert on_duty([], at, SHANGHAI)
    assert not on_duty([Span(0, 1)], at, SHANGHAI)
    assert on_duty([Span(0, 1), Weekly((6,), 0, DAY_MIN)], at, SHANGHAI)


INSTANTS = st.integers(parse_rfc3339("2026-01-01T00:00:00Z"), parse_rfc3339("2027-01-01T00:00:00Z"))
MINUTES = st.integers(0, DAY_MIN - 1)


@given(at=INSTANTS, begin=MINUTES, end=MINUTES)
def test_day_and_night_of_every_day_are_all_there_is(at: int, begin: int, end: int) -> None:
    """Two shifts that follow each other cover each instant once, whatever clocks do."""
    if begin == end:
        return
    week = tuple(range(7))
    one, other = Weekly(week, begin, end), Weekly(week, end, begin)
    assert on_duty([one], at, BERLIN) is not on_duty([other], at, BERLIN)


@given(at=INSTANTS, minute=MINUTES)
def test_the_next_time_is_ahead_and_no_more_than_a_day_and_an_hour(at: int, minute: int) -> None:
    found = next_time(at, BERLIN, minute)
    assert 0 < found - at <= DAY_US + 60 * MINUTE_US
    shown = to_datetime(found).astimezone(BERLIN)
    # 02:30 is not shown on one night of the year; the clock is an hour ahead then.
    skipped = shown.strftime("%m-%d") == "03-29" and 120 <= minute < 180
    assert shown.hour * 60 + shown.minute == minute + 60 * skipped


def test_at_nine_the_next_nine_is_tomorrow() -> None:
    nine = parse_rfc3339("2026-02-06T09:00:00+08:00")
    assert next_time(nine - 1, SHANGHAI, 540) == nine
    assert next_time(nine, SHANGHAI, 540) == nine + DAY_US


def test_shifts_of_both_kinds_are_shifts() -> None:
    shifts: list[Shift] = [Span(0, 1), DAY]
    assert len({*shifts}) == 2
