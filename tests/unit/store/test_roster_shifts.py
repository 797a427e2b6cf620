"""Shifts in the roster file, and what duty makes of them."""

from typing import Any

import pytest

from alerts.duty import Span, Weekly
from domain.instant import parse_rfc3339
from store.duty import minute_of, shifts_of
from store.roster_document import RosterRefused, parse

DAY = {"days": ["mon", "fri"], "from": "08:00", "to": "20:00"}
ONCE = {"from": "2026-02-06T20:00:00+08:00", "to": "2026-02-07T08:00:00+08:00"}


def staff(*shifts: Any) -> dict[str, Any]:
    return {"staff": [{"id": "dr-1", "role": "doctor", "shifts": [*shifts]}]}


def test_both_kinds_are_kept_and_read_back() -> None:
    (member,) = parse(staff(DAY, ONCE, DAY | {"from": "20:00", "to": "24:00"})).staff
    stored = member.model_dump(mode="json", by_alias=True, exclude_none=True)["shifts"]
    assert stored[0] == DAY
    assert parse(staff(*stored)).staff[0] == member
    assert shifts_of(stored) == (
        Weekly((0, 4), 480, 1200),
        Span(parse_rfc3339(ONCE["from"]), parse_rfc3339(ONCE["to"])),
        Weekly((0, 4), 1200, 1440),
    )


@pytest.mark.parametrize(
    ("shift", "pointer"),
    [
        (DAY | {"days": []}, "/days"),
        (DAY | {"days": ["Monday"]}, "/days/0"),
        (DAY | {"days": ["mon", "mon"]}, "/days"),
        (DAY | {"from": "24:00"}, "/from"),
        (DAY | {"to": "8:00"}, "/to"),
        (DAY | {"to": "08:00"}, ""),
        (DAY | {"until": "2026-03-01"}, "/until"),
        ({"days": ["mon"]}, "/from"),
        (ONCE | {"to": "2026-02-06T20:00:00+08:00"}, ""),
        (ONCE | {"to": "2026-02-07T08:00:00"}, "/to"),
        ({"from": ONCE["from"]}, "/to"),
        ({}, "/from"),
        ("mon", ""),
    ],
)
def test_a_mistake_is_found_where_it_is(shift: Any, pointer: str) -> None:
    with pytest.raises(RosterRefused) as caught:
        parse(staff(DAY, shift))
    assert f"/staff/0/shifts/1{pointer}" in [where for where, _ in caught.value.problems]


def test_there_is_an_end_to_them() -> None:
    with pytest.raises(RosterRefused) as caught:
        parse(staff(*[DAY] * 2_001))
    assert [where for where, _ in caught.value.problems] == ["/staff/0/shifts"]


def wishing(digest: Any) -> dict[str, Any]:
    return {"staff": [{"id": "dr-1", "role": "doctor", "digest": digest}]}


def test_times_of_rounds_are_times_of_a_day() -> None:
    assert parse(wishing(["08:30", "20:00"])).staff[0].digest == ["08:30", "20:00"]
    assert parse(staff()).staff[0].digest == []
    assert minute_of("08:30") == 510


@pytest.mark.parametrize(
    ("digest", "pointer"),
    [
        ("08:30", ""),
        (["8:30"], "/0"),
        (["24:00"], "/0"),
        (["08:30", "08:30"], ""),
        ([f"0{hour}:00" for hour in range(7)], ""),
    ],
)
def test_a_mistake_in_them_is_found(digest: Any, pointer: str) -> None:
    with pytest.raises(RosterRefused) as caught:
        parse(wishing(digest))
    assert [where for where, _ in caught.value.problems] == [f"/staff/0/digest{pointer}"]
