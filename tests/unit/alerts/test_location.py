"""Who may see where somebody is, and what they see."""

import pytest

from alerts.alert import Response
from alerts.location import document, withheld
from alerts.presence import Fix
from alerts.staff import Role, Staff
from domain.geo import to_wgs84
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
    said = document(fix)
    assert said == {
        "at": "2026-02-02T02:41:00Z",
        "lat": round(lat, 6),
        "lon": round(lon, 6),
        "accuracy_m": 12.5,
        "near_home": False,
    }


@pytest.mark.parametrize("accuracy_dm", [None, 0])
def test_an_accuracy_that_is_unknown_says_so(accuracy_dm: int | None) -> None:
    said = document(Fix(at(1), near_home=False, lat=32.0, lon=118.0, accuracy_dm=accuracy_dm))
    assert said is not None
    assert said["accuracy_m"] is None


def test_the_beacon_alone_is_no_position() -> None:
    assert document(Fix(at(1), near_home=True)) is None
