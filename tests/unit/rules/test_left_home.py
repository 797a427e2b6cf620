"""Distance, accuracy, dwell, the beacon and leave windows of the left_home rule."""

from collections.abc import Mapping
from typing import Any

import pytest

from domain.geo import to_wgs84
from domain.people import Home, LeaveWindow
from domain.reading import Datum
from rules.finding import Finding, Rule, Severity
from tests.unit.rules.making import (
    METRE_E7,
    NANJING,
    Service,
    Worn,
    exactly,
    findings,
    key,
    minutes,
    reading,
)


def fix(minute: float, north_m: float, accuracy_m: float = 10, **more: Any) -> Mapping[str, Any]:
    slot = more.pop("slot", 0)
    return reading(minutes(minute), slot, north_m=north_m, accuracy_m=accuracy_m, **more)


def test_leaving_has_all_its_particulars() -> None:
    assert findings([fix(0, 100), fix(1, 130), fix(2, 120), fix(3, 40)]) == [
        Finding(
            key=key(Rule.LEFT_HOME),
            onset_at=minutes(0),
            ended_at=minutes(3),
            severity=Severity.URGENT,
            last_at=minutes(2),
            value=1200,
            peak=1300,
            limit=700,
            origin="rulebook",
            site="",
        )
    ]


@pytest.mark.parametrize(
    ("accuracy_m", "north_m", "left"),
    [
        pytest.param(40, 111, True, id="clear of fence, buffer and error"),
        pytest.param(40, 109, False, id="the error circle touches the buffer"),
        pytest.param(1, 86, True, id="no fix is better than 15 m"),
        pytest.param(0.1, 86, True, id="nearly zero is still known"),
        pytest.param(1, 84, False, id="15 m, not 1 m"),
        pytest.param(0, 121, True, id="unknown is 50 m"),
        pytest.param(0, 119, False, id="unknown is not perfect"),
        pytest.param(-0.1, 119, False, id="missing is unknown"),
        pytest.param(500, 571, True, id="500 m still counts"),
        pytest.param(500.1, 5000, False, id="worse says nothing"),
    ],
)
def test_accuracy_is_held_against_us(accuracy_m: float, north_m: float, left: bool) -> None:
    fixes = [fix(minute, north_m, accuracy_m) for minute in (0, 1, 2)]
    assert bool(findings(fixes)) is left


def test_the_border_itself_is_not_outside_and_the_fence_itself_is_inside() -> None:
    border = [reading(minutes(m), accuracy_m=15, **exactly(850)) for m in (0, 2)]
    beyond = [reading(minutes(m), accuracy_m=15, **exactly(851)) for m in (3, 5)]
    fence = reading(minutes(7), accuracy_m=15, **exactly(650))
    not_yet = reading(minutes(6), accuracy_m=15, **exactly(651))
    (finding,) = findings([*border, *beyond, not_yet, fence])
    assert (finding.onset_at, finding.ended_at) == (minutes(3), minutes(7))


def test_two_minutes_over_two_fixes() -> None:
    assert not findings([fix(0, 200), fix(1, 200), fix(1.99, 200)])
    assert len(findings([fix(0, 200), fix(2, 200)])) == 1
    assert not findings([fix(0, 200), fix(21, 200)]), "the gap starts the hold again"
    assert not findings([fix(0, 200), fix(1, 50), fix(2, 200), fix(3, 200)])
    assert not findings([fix(0, 200), fix(1, 80), fix(2, 200), fix(3, 200)]), "nor is it held there"


def test_a_worthless_fix_neither_counts_nor_breaks() -> None:
    assert len(findings([fix(0, 200), fix(1, 0, 501), fix(2, 200)])) == 1


def test_coming_back_needs_no_dwell_but_has_to_be_inside() -> None:
    (finding,) = findings([fix(0, 200), fix(2, 200), fix(3, 75), fix(4, 64)])
    assert finding.ended_at == minutes(4), "75 - 15 is between the fence and its buffer"


def test_sparse_devices_need_two_fixes() -> None:
    worn = Worn(interval_s=1800)
    (finding,) = findings([fix(0, 200), fix(90, 200)], worn)
    assert finding.onset_at == minutes(0)
    assert not findings([fix(0, 200), fix(91, 200)], worn)
    assert len(findings([fix(0, 200), fix(1, 200)], worn)) == 1
    assert len(findings([fix(0, 200), fix(0, 201)], worn)) == 1


class TestBeacon:
    def test_it_clears_at_once(self) -> None:
        (finding,) = findings([fix(0, 200), fix(2, 200), reading(minutes(3), near_home=1)])
        assert finding.ended_at == minutes(3)

    def test_it_breaks_a_run(self) -> None:
        beacon = reading(minutes(1), near_home=1)
        assert not findings([fix(0, 200), beacon, fix(3.5, 200), fix(4, 200)])

    def test_it_outweighs_the_fix_of_its_own_reading(self) -> None:
        assert not findings([fix(minute, 200, near_home=1) for minute in (0, 3, 6)])

    @pytest.mark.parametrize(("after_s", "ended"), [(120, True), (121, False)])
    def test_fixes_within_two_minutes_are_inside(self, after_s: int, ended: bool) -> None:
        fixes = [fix(0, 200), fix(1, 200), fix(2 + after_s / 60, 200)]
        beacon = reading(minutes(2), near_home=1)
        later = [fix(5, 200), fix(7, 200)]
        (finding,) = findings([*fixes[:2], beacon, *fixes[2:], *later])
        assert finding.onset_at == (minutes(5) if ended else minutes(2 + 121 / 60))

    def test_what_it_said_is_remembered_across_batches_and_only_for_its_wearer(self) -> None:
        near = reading(minutes(0), near_home=1)
        assert not findings([near, fix(1, 200), fix(2, 200)])
        assert len(findings([near, fix(2.1, 200), fix(4.1, 200)])) == 1

    def test_many_wearers_in_a_batch_each_with_their_own(self) -> None:
        service = Service(Worn(), Worn(), Worn())
        service.receive(
            [
                reading(minutes(0), 0, near_home=1),
                fix(1, 10),
                fix(0, 10, slot=1),
                fix(1, 10, slot=1),
                reading(minutes(1), 2, near_home=1),
            ]
        )
        assert (service.state["near_at"] >> 1).tolist() == [minutes(0), 0, minutes(1)]

    @pytest.mark.parametrize("near_home", [-1, 0])
    def test_not_hearing_it_is_no_evidence(self, near_home: int) -> None:
        assert len(findings([fix(m, 200, near_home=near_home) for m in (0, 1, 2)])) == 1


class TestLeave:
    def test_fixes_in_a_leave_window_do_not_count(self) -> None:
        worn = Worn(leave=(LeaveWindow(minutes(0), minutes(60), "swab test"),))
        assert not findings([fix(m, 900) for m in (0, 10, 20, 59)], worn)
        (finding,) = findings([fix(m, 900) for m in (58, 59, 60, 61, 62)], worn)
        assert finding.onset_at == minutes(60), "not the time away with leave"

    def test_leave_does_not_end_what_is_going_on(self) -> None:
        worn = Worn(leave=(LeaveWindow(minutes(5), minutes(60), "swab test"),))
        (finding,) = findings([fix(0, 900), fix(2, 900), fix(10, 900)], worn)
        assert (finding.ended_at, finding.last_at) == (None, minutes(2))
        (finding,) = findings([fix(0, 900), fix(2, 900), fix(10, 0)], worn)
        assert finding.ended_at == minutes(10)


def test_without_a_home_there_is_nothing_to_leave() -> None:
    assert not findings([fix(m, 9000) for m in (0, 1, 2)], Worn(home=None))


def square(side_m: float, datum: Datum = Datum.WGS84) -> Home:
    half = side_m / 2 * METRE_E7 / 1e7
    east = half / 0.85
    lat, lon = NANJING.lat, NANJING.lon
    corners = ((-half, -east), (-half, east), (half, east), (half, -east))
    polygon = tuple((lat + north, lon + sideways) for north, sideways in corners)
    return Home(datum, *polygon[0], 0.0, polygon)


def test_a_polygon_is_measured_from_its_edge() -> None:
    worn = Worn(home=square(100))
    (finding,) = findings([fix(0, 90), fix(2, 90)], worn)
    assert finding.value == pytest.approx(400, abs=3)
    assert finding.limit == 200
    assert not findings([fix(0, 84), fix(2, 84)], worn), "34 m from the edge, less 15"
    assert not findings([fix(0, 0), fix(2, 49)], worn)


def test_homes_and_fixes_in_chinese_datums_are_converted() -> None:
    gcj = Worn(home=Home(Datum.GCJ02, NANJING.lat, NANJING.lon, 50))
    lat, lon = to_wgs84(NANJING.lat, NANJING.lon, Datum.GCJ02)
    at_home = {"lat_e7": round(lat * 1e7), "lon_e7": round(lon * 1e7), "accuracy_m": 10}
    assert not findings([reading(minutes(m), **at_home) for m in (0, 2)], gcj)
    assert len(findings([fix(m, 0) for m in (0, 2)], gcj)) == 1, "400 m away if taken as WGS-84"
    assert not findings([fix(m, 0, datum=Datum.GCJ02) for m in (0, 2)], gcj)
    polygon = Worn(home=square(100, Datum.BD09))
    assert not findings([fix(m, 0, datum=Datum.BD09) for m in (0, 2)], polygon)
    assert len(findings([fix(m, 0) for m in (0, 2)], polygon)) == 1


def test_offline_is_not_gone() -> None:
    assert not findings([fix(0, 0), reading(minutes(600), temperature_c=36.6)])
