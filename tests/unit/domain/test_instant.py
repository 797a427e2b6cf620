"""Instants to text and back."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instant import (
    DAY_US,
    HOUR_US,
    MINUTE_US,
    SECOND_US,
    format_rfc3339,
    from_datetime,
    parse_rfc3339,
    to_datetime,
)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-02T01:01:01Z", DAY_US + HOUR_US + MINUTE_US + SECOND_US),
        ("1970-01-01T00:00:00.000001Z", 1),
        ("1970-01-01T00:00:00.5Z", 500_000),
        ("1970-01-01T00:00:00.1234567Z", 123_456),
        ("1970-01-01T08:00:00+08:00", 0),
        ("1969-12-31T19:00:00-05:00", 0),
        ("1970-01-01t00:00:00z", 0),
        ("1970-01-01 00:00:00Z", 0),
    ],
)
def test_text_is_read(text: str, instant: int) -> None:
    assert parse_rfc3339(text) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01T00:00Z",
        "1970-W01-4T00:00:00Z",
        "1970-13-01T00:00:00Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:00:00+0800",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00Z ",
        "١٩٧٠-01-01T00:00:00Z",
    ],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_rfc3339(text)


def test_it_is_written_in_utc_with_a_fraction_only_where_there_is_one() -> None:
    assert format_rfc3339(0) == "1970-01-01T00:00:00Z"
    assert format_rfc3339(789_000) == "1970-01-01T00:00:00.789Z"
    assert format_rfc3339(-1) == "1969-12-31T23:59:59.999999Z"


@given(st.integers(-(10**16), 10**17))
def test_text_and_moments_come_back_as_the_same_instant(instant: int) -> None:
    assert parse_rfc3339(format_rfc3339(instant)) == instant
    assert from_datetime(to_datetime(instant)) == instant


def test_a_moment_needs_an_offset() -> None:
    with pytest.raises(ValueError, match="without an offset"):
        from_datetime(datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None))
    east = datetime(1970, 1, 1, 8, tzinfo=timezone(timedelta(hours=8)))
    assert from_datetime(east) == 0
