"""Sparse columns: thresholds by person and site, leave windows."""

import numpy as np

from domain.people import LeaveWindow, Threshold
from domain.reading import Site
from rules.own_limits import LeaveWindows, OwnThresholds
from tests.unit.rules.making import T0


def test_a_threshold_is_laid_over_the_rulebooks_for_its_slot_and_site() -> None:
    own = OwnThresholds.of(
        {
            1: {Site.ORAL: Threshold(3700, "a"), Site.WRIST: Threshold(3600, "b", 100)},
            3: {Site.AXILLARY: Threshold(3900, "c")},
        },
        4,
    )
    slots = np.array([0, 1, 1, 1, 1, 2, 3, 3])
    sites = np.array(
        [Site.ORAL, Site.ORAL, Site.AXILLARY, Site.WRIST, Site.WRIST, Site.ORAL, 2, 11],
        dtype=np.uint8,
    )
    at = np.array([0, 0, 0, 99, 100, 0, 0, 0])
    limits = np.full(8, 5000, dtype=np.int32)
    over, is_own = own.over(limits, slots, sites, at)
    assert over.tolist() == [5000, 3700, 5000, 3600, 5000, 5000, 3900, 5000]
    assert is_own.tolist() == [each != 5000 for each in over.tolist()]
    assert limits.tolist() == [5000] * 8, "untouched"


def test_who_set_it_is_remembered_and_asked_for_by_slot_and_site() -> None:
    own = OwnThresholds.of({1: {Site.ORAL: Threshold(3700, "dr-03")}}, 2)
    assert own.origin(1, Site.ORAL) == "dr-03"
    assert own.origin(0, Site.ORAL) == "person", "the roster has dropped it"


def test_nobody_has_any() -> None:
    own = OwnThresholds.of({}, 2)
    over, is_own = own.over(
        np.array([1, 2], dtype=np.int32),
        np.array([0, 1]),
        np.array([2, 2], np.uint8),
        np.array([0, 0]),
    )
    assert (over.tolist(), is_own.tolist()) == ([1, 2], [False, False])


def test_leave_windows_begin_and_end() -> None:
    leave = LeaveWindows.of(
        {2: [LeaveWindow(10, 20, ""), LeaveWindow(15, 30, "")], 0: [LeaveWindow(100, 110, "")]}, 3
    )
    slots = np.array([2, 2, 2, 2, 2, 0, 0, 1, 0])
    at = np.array([9, 10, 20, 29, 30, 100, 110, 105, 15])
    assert leave.covers(slots, at).tolist() == [
        False,
        True,
        True,
        True,
        False,
        True,
        False,
        False,
        False,
    ]


def test_no_leave_at_all() -> None:
    assert LeaveWindows.of({}, 2).covers(np.array([0, 1]), np.array([5, 5])).tolist() == [False] * 2


def test_when_a_threshold_expires_is_said() -> None:
    own = {0: {Site.ORAL: Threshold(3700, "dr-03", T0)}, 1: {Site.ORAL: Threshold(3700, "dr-03")}}
    limits = OwnThresholds.of(own, 3)
    assert limits.detail(0, Site.ORAL) == '{"expires_at":"2026-02-03T00:00:00Z"}'
    assert [limits.detail(slot, Site.ORAL) for slot in (1, 2)] == ["", ""]
    assert limits.detail(0, Site.AXILLARY) == "", "the rulebook's has no end"
