from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instant import DAY_US, HOUR_US, SECOND_US, from_datetime
from doorstep.clock import AcceleratedClock
from doorstep.embedded.errors import CannotStart
from doorstep.embedded.virtual_clock import SharedClock, last_at, resume

NOW = from_datetime(datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC))
factors = st.sampled_from([1.5, 2.0, 60.0, 61.7, 3600.0])
ahead = st.integers(min_value=0, max_value=400 * DAY_US)


def test_a_new_folder_starts_now() -> None:
    assert resume(60.0, NOW, None).at(NOW) == NOW
    assert resume(60.0, NOW, None).at(NOW + SECOND_US) == NOW + 60 * SECOND_US


@given(factors, ahead)
def test_a_second_start_goes_on_where_the_first_was(factor: float, lead_us: int) -> None:
    clock = resume(factor, NOW, NOW + lead_us)
    shown = clock.at(NOW)
    assert NOW + lead_us <= shown <= NOW + lead_us + 2 * factor
    assert clock.at(NOW + SECOND_US) >= shown + SECOND_US


@given(factors, ahead)
def test_it_is_the_clock_that_the_processes_run_on(factor: float, lead_us: int) -> None:
    shared = resume(factor, NOW, NOW + lead_us)
    environment = shared.environment()
    origin_at = from_datetime(datetime.fromisoformat(environment["DOORSTEP_CLOCK__ORIGIN_AT"]))
    child = AcceleratedClock(origin_at, float(environment["DOORSTEP_CLOCK__FACTOR"]))
    assert child == AcceleratedClock(shared.origin_at, shared.factor)


def test_a_past_that_real_time_has_overtaken_is_left_behind() -> None:
    assert resume(60.0, NOW, NOW - HOUR_US) == SharedClock(NOW, 60.0)


def test_real_time_cannot_run_back_to_itself() -> None:
    with pytest.raises(CannotStart, match=r"2026-02-03T05:05:06Z, ahead of the real time"):
        resume(1.0, NOW, NOW + HOUR_US)
    assert resume(1.0, NOW, NOW + SECOND_US).at(NOW) == NOW


def test_the_machines_own_clock_needs_no_settings() -> None:
    assert resume(1.0, NOW, None).environment() == {}


def test_the_latest_of_what_the_folder_has_seen_counts() -> None:
    assert last_at({}, None) is None
    assert last_at({"last_at": 5}, None) == 5
    assert last_at({"last_at": 5}, 7) == 7
    assert last_at({"last_at": 9}, 7) == 9
