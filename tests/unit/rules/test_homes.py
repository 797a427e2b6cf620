"""Distances from circles and polygons."""

from dataclasses import replace

import numpy as np
import pytest

from domain.geo import metres_per_degree, to_wgs84
from domain.people import Home
from domain.reading import Datum
from rules.homes import Homes
from tests.unit.rules.making import METRE_E7, NANJING

LAT, LON = NANJING.lat, NANJING.lon
NORTH = METRE_E7 / 1e7
EAST = 1 / 94_440
"""Degrees of longitude in a metre there."""


def distance_dm(home: Home, lat: float, lon: float) -> int:
    homes = Homes.of([None, home], 2)
    return int(homes.distance_dm(np.array([1]), np.array([lat]), np.array([lon]))[0])


def polygon(*corners_m: tuple[float, float]) -> Home:
    """A polygon by its corners in metres (north, east) of the middle of Nanjing."""
    corners = tuple((LAT + north * NORTH, LON + east * EAST) for north, east in corners_m)
    return Home(Datum.WGS84, *corners[0], 0.0, corners)


SQUARE = polygon((-50, -50), (-50, 50), (50, 50), (50, -50))


@pytest.mark.parametrize(
    ("north_m", "east_m", "metres"), [(0, 0, 0), (100, 0, 100), (0, -100, 100), (300, 400, 500)]
)
def test_a_circle_is_measured_from_its_middle(north_m: float, east_m: float, metres: float) -> None:
    found = distance_dm(NANJING, LAT + north_m * NORTH, LON + east_m * EAST)
    assert found == pytest.approx(metres * 10, abs=2)


@pytest.mark.parametrize(
    ("north_m", "east_m", "metres"),
    [(0, 0, 0), (49, 49, 0), (80, 0, 30), (0, -150, 100), (80, 90, 50)],
)
def test_a_polygon_from_its_edge(north_m: float, east_m: float, metres: float) -> None:
    found = distance_dm(SQUARE, LAT + north_m * NORTH, LON + east_m * EAST)
    assert found == pytest.approx(metres * 10, abs=2)


def test_a_polygon_may_be_hollow_and_may_cross_itself() -> None:
    corner = polygon((0, 0), (0, 100), (20, 100), (20, 20), (100, 20), (100, 0))
    assert distance_dm(corner, LAT + 60 * NORTH, LON + 60 * EAST) == pytest.approx(400, abs=2)
    bow = polygon((0, 0), (100, 100), (100, 0), (0, 100))
    assert distance_dm(bow, LAT + 80 * NORTH, LON + 50 * EAST) == 0
    assert distance_dm(bow, LAT + 50 * NORTH, LON + 90 * EAST) > 0
    line = polygon((0, 0), (50, 0), (100, 0))
    assert distance_dm(line, LAT + 50 * NORTH, LON + 30 * EAST) == pytest.approx(300, abs=2)


def test_homes_beside_the_date_line() -> None:
    home = Home(Datum.WGS84, 0.0, 179.9999, 50.0)
    assert distance_dm(home, 0.0, -179.9999) == pytest.approx(223, abs=2)
    corners = ((0.0, 179.999), (0.0, -179.999), (0.001, -179.999), (0.001, 179.999))
    across = Home(Datum.WGS84, *corners[0], 0.0, corners)
    assert distance_dm(across, 0.0005, 180.0) == distance_dm(across, 0.0005, -180.0) == 0
    assert distance_dm(across, 0.0005, -179.998) == pytest.approx(1113, abs=2)


def test_no_home_is_known_as_such() -> None:
    homes = Homes.of([None, NANJING, SQUARE], 3)
    assert homes.known(np.array([0, 1, 2, 0])).tolist() == [False, True, True, False]


def test_a_column_gives_what_single_fixes_give() -> None:
    rng = np.random.default_rng(7)
    homes = Homes.of([NANJING, SQUARE], 2)
    lat, lon = LAT + rng.uniform(-1, 1, 500), LON + rng.uniform(-1, 1, 500)
    slots = rng.integers(0, 2, 500)
    together = homes.distance_dm(slots, lat, lon).tolist()
    one_by_one = [
        int(homes.distance_dm(slots[n : n + 1], lat[n : n + 1], lon[n : n + 1])[0])
        for n in range(500)
    ]
    assert together == one_by_one


def test_homes_are_converted_each_from_its_own_datum() -> None:
    given = [Home(datum, 32.06, 118.79, 50) for datum in (Datum.BD09, Datum.WGS84, Datum.GCJ02)]
    homes = Homes.of([*given, None], 4)
    expected = [to_wgs84(home.lat, home.lon, home.datum) for home in given]
    assert list(zip(homes.lat.tolist(), homes.lon.tolist(), strict=True))[:3] == expected
    scale = [metres_per_degree(lat) for lat, _ in expected]
    assert list(zip(homes.lat_m.tolist(), homes.lon_m.tolist(), strict=True))[:3] == scale
    assert len(set(expected)) == 3


def test_more_homes_follow_behind() -> None:
    homes = Homes.of([None, SQUARE, NANJING], 3)
    assert homes.with_more([]) is homes
    more = homes.with_more([NANJING, None, SQUARE])
    assert more.known(np.arange(6)).tolist() == [False, True, True, True, False, True]
    slots = np.array([1, 2, 3, 5])
    found = more.distance_dm(slots, np.full(4, LAT + 80 * NORTH), np.full(4, LON))
    assert found.tolist() == pytest.approx([300, 800, 800, 300], abs=2)


def test_homes_that_are_the_same_are_kept_once_and_polygons_are_never_taken_for_the_same() -> None:
    before = Homes.of([None, NANJING], 2)
    again, moved = Homes.of([None, NANJING], 2), Homes.of([None, replace(NANJING, lat=LAT + 1)], 2)
    assert again.or_the_same(before) is before
    assert moved.or_the_same(before) is moved
    larger = polygon((-50, -50), (-50, 90), (90, 90), (90, -50))
    square, other = Homes.of([SQUARE], 1), Homes.of([larger], 1)
    assert other.or_the_same(square) is other
