"""Unknown is a state: nobody is away because nothing was heard, nor at home because a finding is
not there yet."""

from dataclasses import replace
from typing import Any

import prcoords
import pytest

from alerts.presence import Fix, Sight, document, inside
from domain.instant import HOUR_US, MINUTE_US, format_rfc3339
from domain.people import Home, LeaveWindow
from domain.reading import Datum
from rules.rulebook import LeftHome
from tests.unit.alerts.cases import at

NOW = at(0)
METRE = 1 / 110_895.0
"""In degrees of latitude at 32 N."""
FIGURES = LeftHome()
HOME = Home(Datum.WGS84, 32.06, 118.79, 50.0)
BLOCK = Home(
    Datum.WGS84,
    32.06,
    118.79,
    0.0,
    ((32.06, 118.79), (32.06, 118.80), (32.07, 118.80), (32.07, 118.79)),
)
FIX = Fix(NOW - MINUTE_US, near_home=False, lat=32.06, lon=118.79, accuracy_dm=100)
SEEN = Sight(
    home=HOME,
    fix=FIX,
    away_since=None,
    wrong_datum=False,
    silent=False,
    interval_s=60,
    leave=(),
)


def seen_at(when: int) -> dict[str, Any]:
    return {"fix": replace(FIX, at=when)}


@pytest.mark.parametrize(
    ("changed", "presence", "when"),
    [
        ({}, "home", NOW - MINUTE_US),
        ({"away_since": NOW - HOUR_US}, "away", NOW - HOUR_US),
        ({"home": None}, "unknown", NOW - MINUTE_US),
        ({"fix": None}, "unknown", None),
        ({"silent": True, "away_since": NOW - HOUR_US}, "unknown", NOW - MINUTE_US),
        ({"wrong_datum": True}, "unknown", NOW - MINUTE_US),
        (seen_at(NOW - 20 * MINUTE_US), "home", NOW - 20 * MINUTE_US),
        (seen_at(NOW - 20 * MINUTE_US - 1), "unknown", NOW - 20 * MINUTE_US - 1),
        (seen_at(NOW - HOUR_US) | {"interval_s": 1200}, "home", NOW - HOUR_US),
        # Outside, and nothing held yet: that is no word on where somebody is.
        ({"fix": replace(FIX, lat=32.06 + 90 * METRE)}, "unknown", NOW - MINUTE_US),
        ({"fix": replace(FIX, near_home=True, lat=None)}, "home", NOW - MINUTE_US),
    ],
)
def test_presence(changed: dict[str, Any], presence: str, when: int | None) -> None:
    said = document(replace(SEEN, **changed), FIGURES, NOW)
    assert said["presence"] == presence
    assert said["presence_at"] == (None if when is None else format_rfc3339(when))


def test_leave_is_said_beside_it() -> None:
    leave = (LeaveWindow(NOW - 5, NOW + 5, "swab test"),)
    said = document(replace(SEEN, leave=leave), FIGURES, NOW)
    assert (said["on_leave"], said["presence"]) == (True, "unknown")
    assert not document(replace(SEEN, leave=leave), FIGURES, NOW + 5)["on_leave"]


@pytest.mark.parametrize(
    ("north_m", "accuracy_m", "figures", "expected"),
    [
        # Radius 50, buffer 20, accuracy at least 15.
        (84.8, 0.1, FIGURES, True),
        (85.2, 0.1, FIGURES, False),
        (99.8, 30, FIGURES, True),
        (100.2, 30, FIGURES, False),
        # Unknown accuracy is 50 m, never perfect.
        (119.8, 0, FIGURES, True),
        (119.8, None, FIGURES, True),
        (120.2, None, FIGURES, False),
        (0, 500, FIGURES, True),
        (0, 500.1, FIGURES, False),
        # The figures are those of the rulebook.
        (0, 500.1, LeftHome(accuracy_limit_dm=5001), True),
        (75.2, 0.1, LeftHome(buffer_dm=100), False),
        (100.2, 30, LeftHome(accuracy_floor_dm=310), True),
        (120.2, None, LeftHome(accuracy_unknown_dm=510), True),
    ],
)
def test_a_fix_is_inside_by_the_figures_of_left_home(
    north_m: float, accuracy_m: float | None, figures: LeftHome, *, expected: bool
) -> None:
    accuracy_dm = None if accuracy_m is None else round(accuracy_m * 10)
    fix = replace(FIX, lat=32.06 + north_m * METRE, accuracy_dm=accuracy_dm)
    assert inside(fix, HOME, figures) is expected


@pytest.mark.parametrize(
    ("lat", "expected"),
    [(32.065, True), (32.06 - 34 * METRE, True), (32.06 - 36 * METRE, False)],
)
def test_of_a_polygon_the_edge_counts(lat: float, *, expected: bool) -> None:
    assert inside(replace(FIX, lat=lat, lon=118.795), BLOCK, FIGURES) is expected


@pytest.mark.parametrize("datum", [Datum.GCJ02, Datum.BD09])
def test_a_fix_and_a_home_are_compared_in_one_datum(datum: Datum) -> None:
    convert = {Datum.GCJ02: prcoords.wgs_gcj, Datum.BD09: prcoords.wgs_bd}[datum]
    shifted = convert(prcoords.Coords(HOME.lat, HOME.lon))
    told = replace(FIX, lat=float(shifted[0]), lon=float(shifted[1]), datum=datum)
    assert inside(told, HOME, FIGURES)
    assert not inside(replace(told, datum=Datum.WGS84), HOME, FIGURES)
    elsewhere = replace(HOME, datum=datum, lat=float(shifted[0]), lon=float(shifted[1]))
    assert inside(FIX, elsewhere, FIGURES)
