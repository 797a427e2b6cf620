from dataclasses import replace

from domain.instant import DAY_US, HOUR_US
from simulator.incident import Incident, Kind, current
from tests.unit.simulator.worlds import START_AT

WALK = Incident(Kind.OUT, START_AT, START_AT + HOUR_US, size=300.0)
ENDLESS = Incident(Kind.DEAD, START_AT + DAY_US, None)


def test_an_incident_covers_its_beginning_and_not_its_end() -> None:
    both = (WALK, ENDLESS)
    assert current(both, START_AT - 1) is None
    assert current(both, START_AT) is WALK
    assert current(both, START_AT + HOUR_US - 1) is WALK
    assert current(both, START_AT + HOUR_US) is None


def test_what_has_no_end_never_ends() -> None:
    assert current((WALK, ENDLESS), START_AT + 1000 * DAY_US) is ENDLESS


def test_only_a_flat_battery_leaves_time_before_it_is_silent() -> None:
    flat = Incident(Kind.FLAT, START_AT, START_AT + DAY_US, onset_s=3600)
    assert flat.blank_at == START_AT + HOUR_US
    assert replace(flat, kind=Kind.DEAD).blank_at == START_AT
