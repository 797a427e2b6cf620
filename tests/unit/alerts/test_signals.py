"""Where the service is blind: what counts as active, in which words and order."""

import pytest

from alerts.casework import BadCursor
from alerts.signals import (
    Heartbeat,
    Horizon,
    Kind,
    Missing,
    Place,
    Query,
    Recorded,
    listed,
    missing_text,
    standing,
)
from domain.instant import DAY_US, HOUR_US, SECOND_US, format_rfc3339, parse_rfc3339

NOW = parse_rfc3339("2026-02-03T04:05:06Z")
HORIZON = Horizon.at(NOW, 1.0)
WELL = Heartbeat(NOW - 10 * SECOND_US)


def lost(no: int, ago_s: int, ended_ago_s: int | None = None) -> Recorded:
    ended_at = None if ended_ago_s is None else NOW - ended_ago_s * SECOND_US
    return Recorded(no, Kind.SESSION_LOST, NOW - ago_s * SECOND_US, ended_at, f"row {no}")


def test_a_heartbeat_is_old_after_half_a_minute() -> None:
    assert not Heartbeat(NOW - 30 * SECOND_US).old(HORIZON)
    assert Heartbeat(NOW - 30 * SECOND_US - 1).old(HORIZON)
    assert Heartbeat(None).old(HORIZON)


def test_a_fast_clock_is_given_as_much_real_time() -> None:
    fast = Horizon.at(NOW, 60.0)
    assert not Heartbeat(NOW - 30 * 60 * SECOND_US).old(fast)
    assert Heartbeat(NOW - 30 * 60 * SECOND_US - 1).old(fast)
    assert fast.gaps_to == NOW - 600 * SECOND_US
    assert Horizon.at(NOW, 0.1) == HORIZON


def test_gaps_are_spoken_of_between_ten_seconds_and_a_day() -> None:
    assert (HORIZON.gaps_from, HORIZON.gaps_to) == (NOW - DAY_US, NOW - 10 * SECOND_US)


def test_blind_says_since_when() -> None:
    at = NOW - 31 * SECOND_US
    page = listed([], [], Heartbeat(at), HORIZON, Query())
    assert page.items == [
        {
            "kind": "blind",
            "active": True,
            "since": format_rfc3339(at),
            "until": None,
            "detail": "readings are not arriving: ingestion gives no sign of life",
        }
    ]
    assert page.next is None


def test_blind_from_the_first_has_no_since() -> None:
    (item,) = listed([], [], Heartbeat(None), HORIZON, Query()).items
    assert (item["active"], item["since"]) == (True, None)
    assert "never" in item["detail"]


def test_who_hears_says_nothing() -> None:
    assert listed([], [], WELL, HORIZON, Query()).items == []


def test_a_row_is_active_until_its_end() -> None:
    rows = [lost(1, 50), lost(2, 40, 10), lost(3, 30, -10), lost(4, 20, 0)]
    page = listed(rows, [], WELL, HORIZON, Query())
    assert [(item["detail"], item["active"]) for item in page.items] == [
        ("row 4", False),
        ("row 3", True),
        ("row 2", False),
        ("row 1", True),
    ]
    assert page.items[1]["until"] == format_rfc3339(NOW + 10 * SECOND_US)


@pytest.mark.parametrize(
    ("active", "said"),
    [
        (True, ["blind", "gap", "row 1"]),
        (False, ["row 2"]),
        (None, ["blind", "gap", "row 1", "row 2"]),
    ],
)
def test_one_may_ask_for_what_is_so_or_what_was(active: bool | None, said: list[str]) -> None:
    rows = [lost(1, 500), lost(2, 600, 550)]
    gaps = [Missing("w-1", NOW - 40 * SECOND_US, (3, 4), 1)]
    page = listed(rows, gaps, Heartbeat(NOW - 31 * SECOND_US), HORIZON, Query(active))
    words = [
        item["detail"] if item["kind"] == "session_lost" else item["kind"] for item in page.items
    ]
    assert words == said


def test_a_gap_names_its_device() -> None:
    at = NOW - HOUR_US
    (item,) = listed([], [Missing("w-1", at, (1003, 1004), 3)], WELL, HORIZON, Query()).items
    assert item == {
        "kind": "gap",
        "active": True,
        "since": format_rfc3339(at),
        "until": None,
        "detail": "1,003-1,004 and 2 more ranges missing",
        "device": "w-1",
    }


def test_the_words_of_a_gap() -> None:
    assert missing_text((7, 7), 1) == "7 missing"
    assert missing_text((7, 7), 2) == "7 and 1 more range missing"
    assert missing_text((1000, 1001), 1) == "1,000-1,001 missing"


def test_pages_of_all_sources_follow_each_other() -> None:
    rows = [lost(no, 60) for no in (12, 9, 8)]
    gaps = [Missing(f"w-{n}", NOW - 60 * SECOND_US, (1, 1), 1) for n in (2, 1)]
    beat = Heartbeat(NOW - 60 * SECOND_US)
    whole = listed(rows, gaps, beat, HORIZON, Query()).items
    assert len(whole) == 6
    got, after = [], None
    while True:
        page = listed(rows, gaps, beat, HORIZON, Query(after=after, limit=1))
        got += page.items
        if page.next is None:
            break
        after = Place.of(page.next)
    assert got == whole


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "1", "1.", "1.b ", "1.z", "-1.b", "1.s1", "1.g", "1.gä", "٣.b", "1" * 20 + ".b"],
)
def test_a_cursor_of_somebody_elses_making(cursor: str) -> None:
    with pytest.raises(BadCursor):
        Place.of(cursor)


def test_one_of_several_says_which() -> None:
    row = Recorded(1, Kind.UNDELIVERABLE, NOW, None, "", "feed:wh_1", frozenset({1}))
    (item,) = listed([row], [], WELL, HORIZON, Query()).items
    assert item["subject"] == "feed:wh_1"
    assert "subject" not in listed([lost(1, 5)], [], WELL, HORIZON, Query()).items[0]


def test_those_that_stand_are_told_with_whom_they_concern() -> None:
    mine = Recorded(7, Kind.UNDELIVERABLE, NOW - 9, None, "", "feed:wh_1", frozenset({1}))
    found = standing([mine, lost(3, 5), lost(2, 9, ended_ago_s=1)], Heartbeat(None), HORIZON)
    assert [(each.grid_nos, each.item["kind"]) for each in found.values()] == [
        (frozenset({1}), "undeliverable"),
        (None, "session_lost"),
        (None, "blind"),
    ]
    assert standing([], WELL, HORIZON) == {}


def test_the_same_signal_has_the_same_name_however_long_it_stands() -> None:
    later = Horizon.at(NOW + HOUR_US, 1.0)
    old = Heartbeat(None)
    assert standing([lost(3, 5)], old, HORIZON).keys() == standing([lost(3, 5)], old, later).keys()


def test_what_is_over_says_since_when() -> None:
    (each,) = standing([lost(3, 5)], WELL, HORIZON).values()
    over = each.over(NOW)
    assert (over.item["active"], over.item["until"]) == (False, format_rfc3339(NOW))
    assert over.item["since"] == each.item["since"]
