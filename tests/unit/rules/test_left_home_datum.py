"""A home pinned in another datum is said to be so, and nobody is said to have left it."""

import json
from typing import Any

import prcoords
import pytest

from domain.reading import Datum
from rules.finding import Finding, Rule, Severity, SiteClass
from tests.unit.rules.making import NANJING, Service, Worn, findings, minutes, reading

SEEMING = prcoords.gcj_wgs_bored((NANJING.lat, NANJING.lon))


def fix(at: float, place: tuple[float, float] = SEEMING, **more: Any) -> dict[str, Any]:
    lat, lon = (round(degrees * 1e7) for degrees in place)
    return reading(minutes(at), lat_e7=lat, lon_e7=lon, accuracy_dm=120, **more)


HOME = (NANJING.lat, NANJING.lon)
AWAY = (NANJING.lat + 0.02, NANJING.lon)


def test_fixes_about_the_place_in_another_datum_are_no_leaving() -> None:
    (found,) = findings([fix(at) for at in range(10)])
    assert (found.key.rule, found.key.site_class) == (Rule.DEVICE_FAULT, SiteClass.HOME)
    assert (found.severity, found.onset_at, found.ended_at) == (Severity.ROUTINE, minutes(0), None)
    assert json.loads(found.detail) == {"cause": "wrong datum", "datum": "gcj02"}
    assert found.site == ""


def test_who_was_seen_at_home_has_left_when_seen_there() -> None:
    (found,) = findings([fix(0, HOME), *(fix(at) for at in range(5, 10))])
    assert found.key.rule is Rule.LEFT_HOME


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
