"""The roster file's checks: every mistake has a pointer and a sentence."""

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.instant import parse_rfc3339
from store.roster_document import RosterRefused, dangling, parse, told_twice
from tests.acceptance.publishing import roster

GOOD = roster(parse_rfc3339("2026-02-03T04:05:06Z"), 2)


def _with(path: str, value: object) -> dict[str, Any]:
    """The good roster with one thing changed."""
    document = copy.deepcopy(GOOD)
    at: Any = document
    *way, last = path.strip("/").split("/")
    for part in way:
        at = at[int(part)] if part.isdigit() else at[part]
    at[last] = value
    return document


def test_a_good_roster_is_taken() -> None:
    document = parse(GOOD)
    assert len(document.people) == 2
    assert list(dangling(document, {})) == []


@pytest.mark.parametrize(
    ("path", "value", "pointer"),
    [
        ("/communities/0/timezone", "Asia/Nowhere", "/communities/0/timezone"),
        ("/staff/0/role", "chief", "/staff/0/role"),
        ("/people/0/birth_year", 1066, "/people/0/birth_year"),
        ("/people/0/flags", ["rich"], "/people/0/flags/0"),
        ("/devices/0/id", "w 1", "/devices/0/id"),
        ("/devices/0/interval_s", 0, "/devices/0/interval_s"),
        ("/episodes/0/ends_at", "2020-01-01T00:00:00Z", "/episodes/0"),
        ("/episodes/0/starts_at", "2026-02-03T04:05:06", "/episodes/0/starts_at"),
        ("/episodes/0/home", {"lat": 91, "lon": 0}, "/episodes/0/home/lat"),
        ("/episodes/0/home", {"lat": float("nan"), "lon": 0}, "/episodes/0/home/lat"),
        ("/episodes/0/home", {"polygon": [[32, 118], [32, 119]]}, "/episodes/0/home/polygon"),
        ("/episodes/0/thresholds", {"fever_c": {"elbow": 37.5}}, "/episodes/0/thresholds/fever_c"),
        ("/episodes/0/leave", [{"from": "2026-02-03T05:00:00Z", "to": "2026-02-03T04:00:00Z"}],
         "/episodes/0/leave/0"),
        ("/episodes/0/starts_at", "0001-01-01T00:00:00+14:00", "/episodes/0/starts_at"),
        ("/episodes/0/ends_at", "9999-12-31T23:59:59-01:00", "/episodes/0/ends_at"),
        ("/episodes/0/home", {"datum": "xyz"}, "/episodes/0/home/datum"),
        ("/episodes/0/thresholds", {"fever_c": {"axillary": "x"}},
         "/episodes/0/thresholds/fever_c/axillary"),
        ("/assignments/0/to", "2020-01-01T00:00:00Z", "/assignments/0"),
        ("/grids/0/colour", "red", "/grids/0/colour"),
    ],
)  # fmt: skip
def test_each_mistake_has_its_pointer(path: str, value: object, pointer: str) -> None:
    with pytest.raises(RosterRefused) as caught:
        parse(_with(path, value))
    assert pointer in [problem[0] for problem in caught.value.problems]


@pytest.mark.parametrize("document", [None, [], "roster", 7, {"people": {}}, {"nobody": []}])
def test_what_is_no_roster_is_refused(document: object) -> None:
    with pytest.raises(RosterRefused):
        parse(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/grids/0/community", "c-99"),
        ("/staff/0/grids", ["grid-99"]),
        ("/staff/0/communities", ["c-99"]),
        ("/episodes/0/person", "p-99"),
        ("/episodes/1/grid", "grid-99"),
        ("/assignments/0/device", "w-99"),
        ("/assignments/1/episode", "e-99"),
    ],
)
def test_a_reference_that_leads_nowhere_is_found(path: str, value: object) -> None:
    [(pointer, sentence)] = dangling(parse(_with(path, value)), {})
    assert pointer.startswith(path)
    assert "-99" in sentence


def test_the_database_may_know_what_the_file_does_not_say() -> None:
    document = parse(_with("/episodes/0/person", "p-99"))
    assert list(dangling(document, {"people": {"p-99"}})) == []


def test_a_home_that_is_wrong_is_not_also_told_what_another_kind_of_home_needs() -> None:
    with pytest.raises(RosterRefused) as caught:
        parse(_with("/episodes/0/home/radius_m", -1))
    assert [pointer for pointer, _ in caught.value.problems] == ["/episodes/0/home/radius_m"]


def test_one_id_with_two_contents_is_found_and_a_mere_repetition_is_not() -> None:
    person = {"id": "p-1", "name": "A"}
    assert list(told_twice({"people": [person, dict(person)]})) == []
    contradictions = list(told_twice({"people": [person, {"id": "p-1", "name": "B"}]}))
    assert [pointer for pointer, _ in contradictions] == ["/people/1/id"]


def test_the_effective_time_is_of_the_file_and_an_instant() -> None:
    assert parse({}).effective_at is None
    found = parse({"effective_at": "2026-02-01T08:00:00+08:00"}).effective_at
    assert found == datetime(2026, 2, 1, tzinfo=UTC)
    with pytest.raises(RosterRefused, match="/effective_at"):
        parse({"effective_at": "2026-02-01T08:00:00"})
