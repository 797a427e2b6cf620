"""Who may see where somebody is, and what they see."""

import pytest

from alerts.alert import Response
from alerts.location import document, withheld
from alerts.presence import Fix
from alerts.staff import Role, Staff
from domain.geo import to_wgs84
from domain.people import Home
from domain.reading import Datum
from tests.unit.alerts.cases import alert, at


def member(role: Role) -> Staff:
    return Staff(1, "dr-1", "", role, {"grid-1": 1})


@pytest.mark.parametrize(
    ("role", "response", "assignee", "seen"),
    [
        (Role.DOCTOR, Response.OPEN, None, True),
        (Role.DOCTOR, Response.VISITING, "dr-2", True),
        (Role.SUPERVISOR, Response.ACKNOWLEDGED, "dr-1", True),
        (Role.DOCTOR, Response.CLOSED, "dr-1", True),
        (Role.DOCTOR, Response.CLOSED, "dr-2", False),
        (Role.SUPERVISOR, Response.CLOSED, None, False),
        (Role.ADMIN, Response.OPEN, None, False),
        (Role.AUDITOR, Response.OPEN, "dr-1", False),
    ],
)
def test_it_is_for_those_who_go_there_while_there_is_need(
    role: Role, response: Response, assignee: str | None, *, seen: bool
) -> None:
    asked = withheld(alert(response=response, assignee=assignee), member(role))
    assert (asked is None) is seen


def test_a_position_is_told_in_wgs84() -> None:
    lat, lon = to_wgs84(32.06, 118.79, Datum.GCJ02)
    fix = Fix(at(1), near_home=False, lat=32.06, lon=118.79, datum=Datum.GCJ02, accuracy_dm=125)
    said = document(fix, None)
    assert said == {
        "at": "2026-02-02T02:41:00Z",
        "lat": round(lat, 6),
        "lon": round(lon, 6),
        "accuracy_m": 12.5,
        "near_home": False,
        "distance_m": None,
        "direction_deg": None,
    }


@pytest.mark.parametrize("accuracy_dm", [None, 0])
def test_an_accuracy_that_is_unknown_says_so(accuracy_dm: int | None) -> None:
    said = document(Fix(at(1), near_home=False, lat=32.0, lon=118.0, accuracy_dm=accuracy_dm), None)
    assert said is not None
    assert said["accuracy_m"] is None


def test_the_beacon_alone_is_no_position() -> None:
    assert document(Fix(at(1), near_home=True), None) is None


HOME = Home(Datum.WGS84, 32.0, 118.0, 50.0)
BLOCK = Home(
    Datum.WGS84, 32.0, 118.0, 0.0, ((32.0, 118.0), (32.0, 118.01), (32.01, 118.01), (32.01, 118.0))
)


@pytest.mark.parametrize(
    ("home", "lat", "lon", "distance_m", "direction_deg"),
    [
        (HOME, 32.001, 118.0, 110.9, 0),
        (HOME, 32.0, 118.001, 94.5, 90),
        (HOME, 31.999, 118.0, 110.9, 180),
        (HOME, 32.0, 117.999, 94.5, 270),
        (HOME, 32.0, 118.0, 0.0, None),
        (BLOCK, 32.005, 118.001, 0.0, None),
        # East of its eastern edge, seen from its middle: not from its first corner.
        (BLOCK, 32.005, 118.012, 189.0, 90),
    ],
)
def test_how_far_from_home_and_which_way(
    home: Home, lat: float, lon: float, distance_m: float, direction_deg: int | None
) -> None:
    said = document(Fix(at(1), near_home=False, lat=lat, lon=lon), home)
    assert said is not None
    assert said["distance_m"] == pytest.approx(distance_m, abs=0.1)
    assert said["direction_deg"] == direction_deg
