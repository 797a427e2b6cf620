"""Mix-ups of datums: where a home seems to be, and whether that explains a fix."""

import numpy as np
import prcoords
import pytest

from domain.people import Home
from domain.reading import Datum
from rules.datums import FARTHEST_DM, NEAREST_DM, explains, shifts
from rules.homes import Homes

NANJING = (32.06, 118.79)


def explained(lat: float, lon: float, within_m: float = 85.0) -> int:
    homes = Homes.of([Home(Datum.WGS84, *NANJING, 50.0)], 1)
    within = np.array([round(within_m * 10)])
    return int(explains(homes, np.array([0]), np.array([lat]), np.array([lon]), within)[0])


@pytest.mark.parametrize("datum", [Datum.GCJ02, Datum.BD09])
def test_a_pin_from_a_map_told_as_wgs84(datum: Datum) -> None:
    """The person is where the pin is in the map's datum."""
    convert = prcoords.gcj_wgs_bored if datum is Datum.GCJ02 else prcoords.bd_wgs_bored
    assert explained(*convert(NANJING)) == datum


@pytest.mark.parametrize("datum", [Datum.GCJ02, Datum.BD09])
def test_fixes_in_a_maps_datum_told_as_wgs84(datum: Datum) -> None:
    convert = prcoords.wgs_gcj if datum is Datum.GCJ02 else prcoords.wgs_bd
    assert explained(*convert(prcoords.Coords(*NANJING))) == datum


def test_any_other_place_as_far_away_is_not_explained() -> None:
    lat, lon = prcoords.gcj_wgs_bored(NANJING)
    north, east = lat - NANJING[0], lon - NANJING[1]
    assert explained(NANJING[0] + east, NANJING[1] - north) == 0
    assert explained(NANJING[0] + 2 * north, NANJING[1] + 2 * east) == 0


def test_what_is_within_the_error_is_explained_and_what_is_not_is_not() -> None:
    lat, lon = prcoords.gcj_wgs_bored(NANJING)
    assert explained(lat + 80 / 110_900, lon) == Datum.GCJ02
    assert explained(lat + 95 / 110_900, lon) == 0


def test_the_very_edge_of_what_counts_as_there_is_there() -> None:
    homes = Homes.of([Home(Datum.WGS84, *NANJING, 50.0)], 1)
    north = np.array([NANJING[0] + 80 / 110_900]), np.array([NANJING[1]])
    off_m = int(homes.distance_dm(np.array([0]), *north)[0]) / 10
    lat, lon = prcoords.gcj_wgs_bored(NANJING)
    assert explained(lat + 80 / 110_900, lon, off_m) == Datum.GCJ02
    assert explained(lat + 80 / 110_900, lon, off_m - 0.1) == 0


def test_mix_ups_are_as_large_as_is_said() -> None:
    homes = Homes.of([Home(Datum.WGS84, *NANJING, 50.0)], 1)
    for shift in shifts(*NANJING):
        lat, lon = np.array([NANJING[0] + shift.lat]), np.array([NANJING[1] + shift.lon])
        assert NEAREST_DM < homes.distance_dm(np.array([0]), lat, lon)[0] < FARTHEST_DM


def test_outside_china_there_is_no_such_mix_up() -> None:
    assert shifts(52.52, 13.40) == ()
