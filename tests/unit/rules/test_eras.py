"""What was in force when: homes, thresholds and rulebooks before they were corrected."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from domain.people import Home, Threshold
from domain.reading import Site
from rules.eras import Eras, in_force
from rules.finding import Rule
from rules.rulebook import DEFAULT, Fever, LeftHome, Runs
from tests.unit.rules.making import NANJING, Service, Worn, findings, minutes, reading

ELSEWHERE = replace(NANJING, lat=NANJING.lat + 0.01)
"""1.1 km north."""


def test_each_reading_has_the_row_of_its_era() -> None:
    eras = Eras.of({2: [100, 200], 0: [150]}, 3)
    slots = np.array([0, 0, 1, 2, 2, 2, 2, 2])
    at = np.array([149, 150, 0, 99, 100, 199, 200, 999])
    found = eras.places(slots, at).tolist()
    assert found == [3, 0, 1, 4, 5, 5, 2, 2]
    assert [eras.place(*each) for each in zip(slots.tolist(), at.tolist(), strict=True)] == found


def test_with_nothing_corrected_the_slots_are_the_rows() -> None:
    slots = np.array([1, 0])
    assert Eras.of({}, 2).places(slots, np.array([5, 5])) is slots


def test_readings_are_parted_by_the_rulebook_in_force() -> None:
    newest = replace(
        DEFAULT,
        version="c",
        earlier=((100, replace(DEFAULT, version="a")), (200, replace(DEFAULT, version="b"))),
    )
    at = np.array([99, 100, 250, 10])
    parted = [(book.version, at[which].tolist()) for book, which in in_force(at, newest)]
    assert parted == [("a", [99, 10]), ("b", [100]), ("c", [250])]
    assert [book.version for book, _ in in_force(at[2:3], newest)] == ["c"]


def _away(*at: float) -> list[dict[str, Any]]:
    """Fixes 1.1 km north of the home."""
    return [reading(minutes(each), north_m=1112, accuracy_m=10) for each in at]


def test_a_moved_pin_makes_no_finding_of_the_time_before() -> None:
    moved = Worn(home=ELSEWHERE, homes_before=((minutes(10), NANJING),))
    at_the_old_home = [reading(minutes(n), north_m=0, accuracy_m=10) for n in range(20)]
    [left] = findings(at_the_old_home, moved)
    assert left.onset_at == minutes(10)
    assert findings(_away(*range(10, 20)), moved) == []
    [left] = findings(_away(*range(20)), moved)
    assert (left.onset_at, left.ended_at) == (minutes(0), minutes(10))


def test_the_first_home_may_have_come_later() -> None:
    housed = Worn(homes_before=((minutes(10), None),))
    [left] = findings(_away(*range(20)), housed)
    assert left.onset_at == minutes(10)


def test_a_home_was_a_polygon_before() -> None:
    corners = tuple(
        (NANJING.lat + north, NANJING.lon + east)
        for north, east in ((0.009, -0.001), (0.011, -0.001), (0.011, 0.001), (0.009, 0.001))
    )
    fence = Home(NANJING.datum, *corners[0], 0.0, corners)
    fenced = Worn(homes_before=((minutes(10), fence),))
    assert [each.onset_at for each in findings(_away(*range(20)), fenced)] == [minutes(10)]
    two = Worn(home=fence, homes_before=((minutes(10), NANJING), (minutes(12), fence)))
    [left] = findings(_away(*range(20)), two)
    assert (left.onset_at, left.ended_at) == (minutes(0), minutes(10))


def _warm(*at: float, temperature_c: float = 37.8, slot: int = 0) -> list[dict[str, Any]]:
    return [reading(minutes(each), slot, temperature_c=temperature_c) for each in at]


def test_the_threshold_and_its_origin_are_those_of_the_onset() -> None:
    worn = Worn(
        fever={Site.AXILLARY: Threshold(3900, "dr-02")},
        fever_before=((minutes(20), {Site.AXILLARY: Threshold(3750, "dr-01")}),),
    )
    [fever] = findings(_warm(*range(15)), worn)
    assert (fever.limit, fever.origin) == (3750, "dr-01")
    assert findings(_warm(*range(20, 40)), worn) == []


def _service(worn: Worn, **earlier: Any) -> Service:
    before = replace(DEFAULT, version="before", **earlier)
    return Service(worn, rulebook=replace(DEFAULT, earlier=((minutes(10), before),)))


def test_a_fever_that_is_pending_survives_a_new_rulebook() -> None:
    """Two readings under the old rulebook, a third under the new one: one fever of three."""
    service = _service(Worn(), fever=Fever(hold_s=3600))
    service.receive([reading(minutes(n), temperature_c=38.4) for n in (0, 5)])
    service.receive([reading(minutes(11), temperature_c=38.4)])
    [fever] = service.book.of(0)
    assert (fever.onset_at, fever.last_at) == (minutes(0), minutes(11))


def test_what_is_uploaded_afterwards_is_judged_by_the_rulebook_of_then() -> None:
    strict = dict(DEFAULT.fever.threshold_cc) | {Site.AXILLARY: 3900}
    service = _service(Worn(), fever=Fever(threshold_cc=strict))
    service.receive(_warm(*range(21)))
    assert [each.onset_at for each in service.book.of(0)] == [minutes(10)]


def test_gaps_are_those_of_the_rulebook_of_then() -> None:
    service = _service(Worn(), runs=Runs(gap_s=60, gap_intervals=1))
    service.receive(_warm(*range(0, 10, 3)))
    assert service.book.of(0) == []
    service.receive(_warm(*range(10, 24, 3)))
    [fever] = service.book.of(0)
    assert fever.onset_at == minutes(9)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_in_any_order_the_findings_are_the_same(order: Sequence[int]) -> None:
    worn = Worn(
        home=ELSEWHERE,
        homes_before=((minutes(9), NANJING),),
        fever_before=((minutes(14), {Site.AXILLARY: Threshold(3750, "dr-01")}),),
    )
    strict = {"fever": Fever(hold_s=120), "left_home": LeftHome(hold_s=600)}
    given = [
        each | {"lat_e7": place["lat_e7"], "lon_e7": place["lon_e7"], "accuracy_dm": 100}
        for n in range(24)
        for each, place in [(_warm(n)[0], reading(minutes(n), north_m=1112 * (n % 15 > 5)))]
    ]
    service, whole = _service(worn, **strict), _service(worn, **strict)
    whole.receive(given)
    for part in order:
        service.receive(given[part::4])
    service.settle()
    assert service.book.of(0) == whole.book.of(0)
    assert {each.key.rule for each in whole.book.of(0)} == {Rule.FEVER, Rule.LEFT_HOME}


def test_what_was_not_worn_then_is_nobodys() -> None:
    """An assignment was corrected, and readings are stored that it does not cover any more."""
    worn = Worn(spells=((minutes(-60), minutes(12)), (minutes(30), None)))
    service = Service(worn)
    service.receive([reading(minutes(n), temperature_c=38.4) for n in range(30)])
    [fever] = service.book.of(0)
    assert fever.last_at == minutes(11)
    service.tick(minutes(40))
    [ended] = service.book.of(0)
    assert ended == replace(fever, ended_at=minutes(12))
    assert service.replay(0, minutes(40))[1] == [ended]
