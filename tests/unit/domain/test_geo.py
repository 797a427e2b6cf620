"""Datums against published pairs, distances against a sphere and published degrees."""

from math import atan2, cos, hypot, pi, sin

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.geo import columns_to_wgs84, decimetres, eastward, metres_per_degree, to_wgs84
from domain.reading import Datum
from tests.unit.rules.oracle import haversine_m

# (WGS-84, GCJ-02) of Shanghai, Shenzhen and Beijing: the public vectors of eviltransform.
PAIRS = (
    ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
    ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
    ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
)


def to_bd09(lat: float, lon: float) -> tuple[float, float]:
    """BD-09 of a GCJ-02 position, as published."""
    turn = pi * 3000 / 180
    radius = hypot(lon, lat) + 0.00002 * sin(lat * turn)
    angle = atan2(lat, lon) + 0.000003 * cos(lon * turn)
    return radius * sin(angle) + 0.006, radius * cos(angle) + 0.0065


@pytest.mark.parametrize(("wgs", "gcj"), PAIRS)
def test_gcj02_is_undone_to_a_decimetre(wgs: tuple[float, float], gcj: tuple[float, float]) -> None:
    assert haversine_m(*to_wgs84(*gcj, Datum.GCJ02), *wgs) < 0.1


@pytest.mark.parametrize(("wgs", "gcj"), PAIRS)
def test_bd09_is_undone_to_a_decimetre(wgs: tuple[float, float], gcj: tuple[float, float]) -> None:
    assert haversine_m(*to_wgs84(*to_bd09(*gcj), Datum.BD09), *wgs) < 0.1


def test_wgs84_is_left_as_it_is() -> None:
    assert to_wgs84(31.1, 121.5, Datum.WGS84) == (31.1, 121.5)


@given(st.floats(-90, 90), st.floats(-180, 180), st.sampled_from(Datum))
def test_no_position_on_earth_is_too_odd(lat: float, lon: float, datum: Datum) -> None:
    """Outside China the library only warns, and a warning here is an error."""
    there = to_wgs84(lat, lon, datum)
    assert abs(there[0] - lat) < 0.1
    assert abs(there[1] - lon) < 0.1


def test_outside_china_gcj02_is_wgs84() -> None:
    assert to_wgs84(51.5, -0.12, Datum.GCJ02) == (51.5, -0.12)


def test_columns_are_converted_row_by_row() -> None:
    lat, lon = np.array([31.17, 31.17, 31.17]), np.array([121.53, 121.53, 121.53])
    datum = np.array([Datum.GCJ02, Datum.WGS84, Datum.BD09], dtype=np.uint8)
    there = columns_to_wgs84(lat, lon, datum)
    for n, each in enumerate(Datum(value) for value in datum.tolist()):
        assert (there[0][n], there[1][n]) == to_wgs84(31.17, 121.53, each)
    assert lat.tolist() == [31.17] * 3, "untouched"
    same = columns_to_wgs84(lat, lon, np.zeros(3, dtype=np.uint8))
    assert same[0] is lat


@pytest.mark.parametrize(
    ("lat", "of_latitude", "of_longitude"),
    [
        # The lengths of a degree on the WGS-84 ellipsoid as geodesy tables print them.
        (0, 110_574, 111_320),
        (30, 110_852, 96_486),
        (45, 111_132, 78_847),
        (60, 111_412, 55_800),
        (90, 111_694, 0),
    ],
)
def test_the_length_of_a_degree(lat: float, of_latitude: float, of_longitude: float) -> None:
    assert metres_per_degree(lat) == pytest.approx((of_latitude, of_longitude), abs=0.6)


@given(st.floats(18, 54), st.floats(73, 135), st.floats(-0.02, 0.02), st.floats(-0.02, 0.02))
def test_near_a_home_in_china_distances_are_those_of_a_sphere_to_half_a_percent(
    lat: float, lon: float, north: float, east: float
) -> None:
    lat_m, lon_m = metres_per_degree(lat)
    flat = hypot(north * lat_m, east * lon_m)
    assert flat == pytest.approx(haversine_m(lat, lon, lat + north, lon + east), rel=5e-3, abs=0.05)


def test_longitudes_go_the_short_way_round() -> None:
    assert [eastward(each) for each in (10, -10, 190, -190, 180, -180)] == [
        10,
        -10,
        -170,
        170,
        180,
        -180,
    ]
    assert eastward(np.array([359.0, 1.0])).tolist() == [-1.0, 1.0]


def test_decimetres_are_rounded_half_up() -> None:
    assert decimetres(np.array([0.0, 0.049, 0.05, 1.25, 1.349])).tolist() == [0, 0, 1, 13, 13]
