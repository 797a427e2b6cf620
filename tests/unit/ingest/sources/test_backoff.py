import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.backoff import CEILING_S, FLOOR_S, SETTLED_S, delay_s, failures_after


@pytest.mark.parametrize(
    ("failures", "draw", "expected_s"),
    [
        (1, 0.0, 0.5),
        (1, 1.0, 1.0),
        (2, 0.0, 1.0),
        (2, 1.0, 2.0),
        (3, 0.5, 3.0),
        (5, 1.0, 16.0),
        (6, 1.0, 30.0),
        (6, 0.0, 15.0),
        (1_000_000, 1.0, 30.0),
    ],
)
def test_the_schedule(failures: int, draw: float, expected_s: float) -> None:
    assert delay_s(failures, draw) == expected_s


@given(st.integers(1, 10**9), st.floats(0, 1))
def test_it_is_bounded(failures: int, draw: float) -> None:
    assert FLOOR_S <= delay_s(failures, draw) <= CEILING_S


@given(st.integers(1, 10**6), st.floats(0, 1))
def test_another_failure_never_shortens_the_wait(failures: int, draw: float) -> None:
    assert delay_s(failures + 1, draw) >= delay_s(failures, draw)


def test_short_connections_count_as_failures_and_long_ones_start_again() -> None:
    assert failures_after(3, 0.0, contested=False) == 4
    assert failures_after(3, SETTLED_S - 0.1, contested=False) == 4
    assert failures_after(3, SETTLED_S, contested=False) == 1


def test_after_a_take_over_the_wait_is_long_at_once() -> None:
    failures = failures_after(0, 3600.0, contested=True)
    assert delay_s(failures, 0.0) == CEILING_S / 2
