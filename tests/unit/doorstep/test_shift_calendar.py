"""Shifts from calendar files: recurring, across zones and midnight, whole days, and none at all."""

from zoneinfo import ZoneInfo

import pytest

from domain.instant import parse_rfc3339
from doorstep.shift_calendar import AHEAD_DAYS, MOST_BYTES, CalendarRefused, shifts

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
NOW = parse_rfc3339("2026-02-06T00:00:00Z")
"""A Friday, eight in the morning in Shanghai."""


def calendar(*events: str) -> bytes:
    whole = "".join(
        f"BEGIN:VEVENT\nUID:{n}\nDTSTAMP:20260101T000000Z\n{event}\nEND:VEVENT\n"
        for n, event in enumerate(events)
    )
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//t//t//\n{whole}END:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode()


def read(*events: str, zone: ZoneInfo = SHANGHAI) -> list[tuple[str, str]]:
    return [(each["from"], each["to"]) for each in shifts(calendar(*events), zone, NOW)]


def test_one_event_is_one_shift() -> None:
    assert read("DTSTART:20260206T120000Z\nDTEND:20260207T000000Z") == [
        ("2026-02-06T12:00:00Z", "2026-02-07T00:00:00Z")
    ]


def test_times_without_a_zone_and_whole_days_are_the_communitys() -> None:
    assert read("DTSTART:20260206T200000\nDURATION:PT12H") == [
        ("2026-02-06T12:00:00Z", "2026-02-07T00:00:00Z")
    ]
    assert read("DTSTART;VALUE=DATE:20260208\nDTEND;VALUE=DATE:20260209") == [
        ("2026-02-07T16:00:00Z", "2026-02-08T16:00:00Z")
    ]


def test_what_recurs_is_written_out_for_a_quarter_and_follows_the_clocks() -> None:
    weekly = "DTSTART;TZID=Europe/Berlin:20260102T080000\nDURATION:PT8H\nRRULE:FREQ=WEEKLY"
    found = read(weekly, zone=BERLIN)
    assert len(found) == AHEAD_DAYS // 7 + 1
    assert found[0] == ("2026-02-06T07:00:00Z", "2026-02-06T15:00:00Z")
    assert found[-1] == ("2026-05-08T06:00:00Z", "2026-05-08T14:00:00Z")


def test_exceptions_to_the_rule_are_left_out() -> None:
    daily = "DTSTART:20260206T120000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3"
    assert len(read(f"{daily}\nEXDATE:20260207T120000Z")) == 2


def test_what_is_over_cancelled_or_free_is_no_shift() -> None:
    time = "DTSTART:20260206T120000Z\nDURATION:PT1H"
    assert read("DTSTART:20260201T120000Z\nDURATION:PT1H") == []
    assert read(f"{time}\nSTATUS:CANCELLED", f"{time}\nTRANSP:TRANSPARENT") == []


def test_what_has_begun_counts_and_what_overlaps_is_one() -> None:
    assert read(
        "DTSTART:20260205T200000Z\nDURATION:PT6H",
        "DTSTART:20260206T010000Z\nDURATION:PT4H",
        "DTSTART:20260206T050000Z\nDURATION:PT1H",
    ) == [("2026-02-05T20:00:00Z", "2026-02-06T06:00:00Z")]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a calendar",
        b"\xff\xfe",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR",
        calendar("DTSTART:tomorrow\nDURATION:PT1H"),
        calendar("DTSTART:20260206T120000Z\nDURATION:PT1H\nRRULE:FREQ=SOMETIMES"),
        b"x" * (MOST_BYTES + 1),
    ],
    ids=["empty", "text", "bytes", "cut", "no-time", "no-rule", "large"],
)
def test_what_is_no_calendar_is_refused(content: bytes) -> None:
    with pytest.raises(CalendarRefused):
        shifts(content, SHANGHAI, NOW)


def test_there_is_an_end_to_them() -> None:
    minutes = "DTSTART:20260206T000000Z\nDURATION:PT1S\nRRULE:FREQ=MINUTELY"
    with pytest.raises(CalendarRefused, match="more than 2,000 shifts"):
        shifts(calendar(minutes), SHANGHAI, NOW)
