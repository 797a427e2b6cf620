"""A home pinned in another datum is said to be so, and nobody is said to have left it."""

import json
from dataclasses import replace
from typing import Any

import prcoords
import pytest

from domain.people import Home
from domain.reading import Datum
from rules.finding import Finding, Rule, Severity, SiteClass
from tests.unit.rules.making import (
    METRE_E7,
    NANJING,
    Service,
    Worn,
    exactly,
    findings,
    minutes,
    reading,
)

SEEMING = prcoords.gcj_wgs_bored((NANJING.lat, NANJING.lon))


def fix(at: float, place: tuple[float, float] = SEEMING, **more: Any) -> dict[str, Any]:
    lat, lon = (round(degrees * 1e7) for degrees in place)
    return reading(minutes(at), lat_e7=lat, lon_e7=lon, **{"accuracy_dm": 120, **more})


HOME = (NANJING.lat, NANJING.lon)
AWAY = (NANJING.lat + 0.02, NANJING.lon)


def test_fixes_about_the_place_in_another_datum_are_no_leaving() -> None:
    (found,) = findings([fix(at) for at in range(10)])
    assert (found.key.rule, found.key.site_class) == (Rule.DEVICE_FAULT, SiteClass.HOME)
    assert (found.severity, found.onset_at, found.ended_at) == (Severity.ROUTINE, minutes(0), None)
    assert json.loads(found.detail) == {"cause": "wrong datum", "datum": "gcj02"}
    assert (found.value, found.peak, found.limit, found.site) == (100, 100, 100, "")


@pytest.mark.parametrize(
    ("accuracy_dm", "rule"),
    # A hundred metres beside it: within fence, buffer and the 50 m of an unknown error, no less.
    [(-1, Rule.DEVICE_FAULT), (0, Rule.DEVICE_FAULT), (150, Rule.LEFT_HOME)],
)
def test_an_error_that_is_unknown_may_be_fifty_metres(accuracy_dm: int, rule: Rule) -> None:
    beside = SEEMING[0] + 100 * METRE_E7 / 1e7, SEEMING[1]
    (found,) = findings([fix(at, beside, accuracy_dm=accuracy_dm) for at in range(10)])
    assert found.key.rule is rule


def test_who_was_seen_at_home_has_left_when_seen_there() -> None:
    (found,) = findings([fix(0, HOME), *(fix(at) for at in range(5, 10))])
    assert found.key.rule is Rule.LEFT_HOME


@pytest.mark.parametrize(
    ("first", "rule"),
    [
        pytest.param({**exactly(700), "accuracy_dm": 300}, Rule.LEFT_HOME, id="within the buffer"),
        pytest.param({**exactly(701), "accuracy_dm": 300}, Rule.DEVICE_FAULT, id="its error is"),
        pytest.param({**exactly(690), "accuracy_dm": 50}, Rule.DEVICE_FAULT, id="in the buffer"),
    ],
)
def test_at_home_is_who_is_seen_there_and_not_whose_error_alone_reaches_it(
    first: dict[str, int], rule: Rule
) -> None:
    found = findings([reading(minutes(0), **first), *(fix(at) for at in range(5, 10))])
    assert [each.key.rule for each in found] == [rule]


def test_any_other_place_is_a_leaving_as_ever() -> None:
    found = findings([fix(0), fix(3), *(fix(at, AWAY) for at in range(5, 10))])
    assert {each.key.rule for each in found} == {Rule.DEVICE_FAULT, Rule.LEFT_HOME}


def test_the_first_fix_at_home_ends_it_for_good() -> None:
    readings = [fix(0), fix(3), fix(6, HOME), *(fix(at) for at in range(8, 12))]
    said, left = findings(readings)
    assert (said.key.rule, said.ended_at) == (Rule.DEVICE_FAULT, minutes(6))
    assert (left.key.rule, left.onset_at) == (Rule.LEFT_HOME, minutes(8))


def test_the_beacon_is_no_fix_at_home() -> None:
    """Hearing it where another datum has the home is what one expects."""
    readings = [fix(0, near_home=1), *(fix(at) for at in range(5, 10))]
    assert [each.key.rule for each in findings(readings)] == [Rule.DEVICE_FAULT]


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (2, 0, 4, 1, 3)])
@pytest.mark.parametrize("cut", [1, 3])
def test_order_and_batches_make_no_difference(order: tuple[int, ...], cut: int) -> None:
    readings = [fix(0), fix(3), fix(6), fix(9, HOME), fix(12)]
    service = Service(Worn())
    for part in (order[:cut], order[cut:]):
        service.receive([readings[n] for n in part])
    service.settle()
    assert said(service.book.of(0)) == said(findings(readings))


def said(found: list[Finding]) -> list[tuple[Any, ...]]:
    return [(each.key.rule, each.onset_at, each.ended_at, each.detail) for each in found]


def test_a_home_told_in_the_maps_datum_is_where_it_is() -> None:
    told = Worn(home=type(NANJING)(Datum.GCJ02, NANJING.lat, NANJING.lon, 50.0))
    assert not findings([fix(at) for at in range(10)], told)


ELSEWHERE = Home(Datum.WGS84, NANJING.lat + 0.05, NANJING.lon, 50.0)
MOVED = Worn(home=NANJING, homes_before=((minutes(10), ELSEWHERE),))
"""Whose pin was corrected ten minutes after T0."""
BEFORE = (ELSEWHERE.lat, ELSEWHERE.lon)


@pytest.mark.parametrize(
    "between",
    [
        pytest.param([], id="at once"),
        pytest.param([reading(minutes(11), pulse_bpm=70)], id="a reading without a fix"),
        pytest.param([reading(minutes(9), pulse_bpm=70)], id="one before the correction"),
        pytest.param([fix(11, AWAY)], id="a fix outside"),
        pytest.param([reading(minutes(11), near_home=1)], id="the beacon"),
    ],
)
@pytest.mark.parametrize("cut", [1, 2, 3, 99])
def test_who_was_seen_inside_a_pin_that_was_corrected_was_not_seen_inside_the_new_one(
    between: list[dict[str, Any]], cut: int
) -> None:
    readings = [fix(0, BEFORE), *between, *(fix(at) for at in range(15, 20))]
    service = Service(MOVED)
    for part in (readings[:cut], readings[cut:]):
        service.receive(part)
    kinds = {each.key.rule for each in service.book.of(0)}
    assert kinds == {Rule.DEVICE_FAULT}
    assert said(service.book.of(0)) == said(findings(readings, MOVED))


@pytest.mark.parametrize("cut", [1, 2, 3, 99])
def test_who_was_seen_inside_the_new_pin_has_left_when_seen_there(cut: int) -> None:
    readings = [fix(0, BEFORE), fix(12, HOME), *(fix(at) for at in range(15, 20))]
    service = Service(MOVED)
    for part in (readings[:cut], readings[cut:]):
        service.receive(part)
    assert [each.key.rule for each in service.book.of(0)] == [Rule.LEFT_HOME]


@pytest.mark.parametrize("noticed", [True, False])
def test_a_pin_that_was_corrected_while_the_band_was_off_is_a_new_one(noticed: bool) -> None:
    worn = replace(MOVED, spells=((minutes(-60), minutes(5)), (minutes(12), None)))
    service = Service(worn)
    service.receive([fix(0, BEFORE)])
    if noticed:
        service.tick(minutes(8), 0)
    service.receive([fix(at) for at in range(15, 20)])
    assert {each.key.rule for each in service.book.of(0)} == {Rule.DEVICE_FAULT}


def test_a_band_that_was_off_forgets_nothing_of_the_same_home() -> None:
    worn = Worn(spells=((minutes(-60), minutes(5)), (minutes(12), None)))
    service = Service(worn)
    service.receive([fix(0, HOME)])
    service.receive([fix(at) for at in range(15, 20)])
    assert [each.key.rule for each in service.book.of(0)] == [Rule.LEFT_HOME]
