"""The readings that decide are always shown, and no more than there is room for."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.shown import Candidate, Mark, Quantity, Telling, choose, late, marks, telling
from domain.instant import format_rfc3339
from rules.finding import Rule, SiteClass

SAID = Telling(Quantity.TEMPERATURE, SiteClass.CORE, onset_at=10, last_at=90, peak=39.0)


def measured(*at: int, **figures: float) -> list[Candidate]:
    return [Candidate(each, figures.get(f"at_{each}", 38.0)) for each in at]


def test_the_first_the_worst_and_the_newest_decide() -> None:
    candidates = measured(5, 10, 40, 50, 90, 95, at_40=39.0, at_50=39.0, at_95=39.0)
    assert marks(candidates, SAID) == {
        1: (Mark.FIRST,),
        2: (Mark.WORST,),
        4: (Mark.NEWEST,),
    }


def test_one_reading_may_decide_everything() -> None:
    alone = replace(SAID, last_at=10)
    assert marks(measured(10), alone) == {0: (Mark.FIRST, Mark.WORST, Mark.NEWEST)}


@pytest.mark.parametrize(
    ("candidates", "said", "expected"),
    [
        ((), SAID, {}),
        # What is not stored any more is not there, and nothing stands in for it.
        (measured(20, 80), SAID, {0: (Mark.WORST,), 1: (Mark.NEWEST,)}),
        (measured(5), SAID, {0: (Mark.NEWEST,)}),
        (measured(95), SAID, {}),
        (
            measured(10, 90),
            replace(SAID, peak=None),
            {0: (Mark.FIRST,), 1: (Mark.NEWEST,)},
        ),
        (
            [Candidate(10, None), Candidate(90, 1.0)],
            SAID,
            {0: (Mark.FIRST,), 1: (Mark.WORST, Mark.NEWEST)},
        ),
    ],
)
def test_what_is_not_there_is_not_marked(
    candidates: list[Candidate], said: Telling, expected: dict[int, tuple[Mark, ...]]
) -> None:
    assert marks(candidates, said) == expected


def test_the_rest_of_the_room_goes_to_the_neighbours_the_nearest_first() -> None:
    candidates = measured(*range(0, 100, 5), at_50=39.0)
    chosen = choose(candidates, SAID, most=9)
    assert [candidates[place].at for place in chosen] == [5, 10, 15, 45, 50, 55, 85, 90, 95]
    assert [candidates[place].at for place in choose(candidates, SAID, most=5)] == [
        *(5, 10, 15),
        *(50, 90),
    ]


def test_readings_after_the_end_alone_are_shown_from_the_newest_back() -> None:
    assert list(choose(measured(95, 96, 97), SAID, most=2)) == [1, 2]


@given(
    st.lists(st.tuples(st.integers(0, 100), st.floats(30, 45)), max_size=120),
    st.integers(3, 60),
)
def test_never_more_than_there_is_room_for_and_all_that_decide(
    readings: list[tuple[int, float]], most: int
) -> None:
    candidates = [Candidate(at, figure) for at, figure in sorted(readings)]
    chosen = choose(candidates, SAID, most)
    assert len(chosen) == min(most, len(candidates))
    assert list(chosen) == sorted(chosen)
    assert {place: why for place, why in chosen.items() if why} == marks(candidates, SAID)


@pytest.mark.parametrize(
    ("rule", "evidence", "quantity", "peak"),
    [
        (Rule.FEVER, {"peak": 38.4, "site_class": "core"}, Quantity.TEMPERATURE, 38.4),
        (Rule.PULSE, {"peak": 140}, Quantity.PULSE, 140),
        (Rule.OXYGEN, {"peak": 88}, Quantity.OXYGEN, 88),
        (Rule.LEFT_HOME, {"peak": 300.0}, Quantity.DISTANCE, 300.0),
        (Rule.BATTERY_LOW, {"peak": 9}, Quantity.BATTERY, 9),
        (Rule.NOT_WORN, {"peak": 0}, Quantity.WORN, None),
        (Rule.WATCH, {"peak": 66}, Quantity.PULSE, None),
        (Rule.SILENT, {"peak": 1200}, None, None),
        (Rule.DEVICE_FAULT, {"peak": 60, "cause": "rejected messages"}, None, None),
        (Rule.DEVICE_FAULT, {"cause": "frozen pulse"}, Quantity.PULSE, None),
        (Rule.DEVICE_FAULT, {"cause": "frozen temperature"}, Quantity.TEMPERATURE, None),
        (
            Rule.DEVICE_FAULT,
            {"cause": "wrong datum", "site_class": "home"},
            Quantity.DISTANCE,
            None,
        ),
    ],
)
def test_each_rule_has_its_quantity(
    rule: Rule, evidence: dict[str, Any], quantity: Quantity | None, peak: float | None
) -> None:
    said = telling(rule, evidence, 3, 4)
    assert (said.quantity, said.peak) == (quantity, peak)
    assert said.site_class == evidence.get("site_class", "")
    assert (said.onset_at, said.last_at) == (3, 4)


def test_the_instants_are_those_of_the_finding_that_speaks() -> None:
    evidence = {"onset_at": format_rfc3339(1_000_000), "last_at": format_rfc3339(2_000_000)}
    said = telling(Rule.SILENT, evidence, 3, 4)
    assert (said.onset_at, said.last_at) == (1_000_000, 2_000_000)


@pytest.mark.parametrize(
    ("batches", "least_since", "expected"),
    [
        ((), (), []),
        ((1, 2, 3), (1, 2, 3), [False, False, False]),
        ((2, 1, 3), (2, 1, 3), [True, False, False]),
        # A later reading that is not shown was judged before.
        ((2, 4), (2, 3), [False, True]),
        ((5, 5), (5, 5), [False, False]),
    ],
)
def test_late_is_after_a_later_one_was_judged(
    batches: tuple[int, ...], least_since: tuple[int, ...], expected: list[bool]
) -> None:
    assert late(batches, least_since) == expected
