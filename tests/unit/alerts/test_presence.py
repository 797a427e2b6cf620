"""Unknown is a state: nobody is away because nothing was heard."""

from dataclasses import replace
from typing import Any

import pytest

from alerts.presence import Sight, document
from domain.instant import HOUR_US, MINUTE_US, format_rfc3339
from domain.people import LeaveWindow
from tests.unit.alerts.cases import at

NOW = at(0)
SEEN = Sight(
    has_home=True, fix_at=NOW - MINUTE_US, away_since=None, silent=False, interval_s=60, leave=()
)


@pytest.mark.parametrize(
    ("changed", "presence", "when"),
    [
        ({}, "home", NOW - MINUTE_US),
        ({"away_since": NOW - HOUR_US}, "away", NOW - HOUR_US),
        ({"has_home": False}, "unknown", NOW - MINUTE_US),
        ({"fix_at": None}, "unknown", None),
        ({"silent": True, "away_since": NOW - HOUR_US}, "unknown", NOW - MINUTE_US),
        ({"fix_at": NOW - 20 * MINUTE_US}, "home", NOW - 20 * MINUTE_US),
        ({"fix_at": NOW - 20 * MINUTE_US - 1}, "unknown", NOW - 20 * MINUTE_US - 1),
        ({"fix_at": NOW - HOUR_US, "interval_s": 1200}, "home", NOW - HOUR_US),
    ],
)
def test_presence(changed: dict[str, Any], presence: str, when: int | None) -> None:
    said = document(replace(SEEN, **changed), NOW)
    assert said["presence"] == presence
    assert said["presence_at"] == (None if when is None else format_rfc3339(when))


def test_leave_is_said_beside_it() -> None:
    leave = (LeaveWindow(NOW - 5, NOW + 5, "swab test"),)
    said = document(replace(SEEN, leave=leave), NOW)
    assert (said["on_leave"], said["presence"]) == (True, "unknown")
    assert not document(replace(SEEN, leave=leave), NOW + 5)["on_leave"]
