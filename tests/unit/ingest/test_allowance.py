from collections import defaultdict
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.instant import DAY_US, SECOND_US
from ingest.allowance import Allowance

NOW = 1_770_000_000_000_000
CAPACITY, PER_SECOND = 100, 3

message = st.tuples(st.integers(0, 3), st.integers(0, 60))
step = st.tuples(st.integers(-2 * SECOND_US, 20 * SECOND_US), st.lists(message, max_size=12))


def take(allowance: Allowance, messages: list[tuple[int, int]], now: int) -> list[bool]:
    may_pass = allowance.take([no for no, _ in messages], [many for _, many in messages], now)
    return [bool(passes) for passes in may_pass]


class Buckets:
    """The oracle: one message after the other, in fractions."""

    def __init__(self) -> None:
        self.left: dict[int, Fraction] = defaultdict(lambda: Fraction(CAPACITY))

    def refill(self, elapsed_us: int) -> None:
        for device_no, left in self.left.items():
            self.left[device_no] = min(
                Fraction(CAPACITY), left + Fraction(max(0, elapsed_us) * PER_SECOND, SECOND_US)
            )

    def take(self, device_no: int, readings: int) -> bool:
        passes = readings <= self.left[device_no]
        self.left[device_no] -= readings if passes else 0
        return passes


@given(st.lists(step, max_size=30))
def test_it_is_a_token_bucket_for_each_device(
    steps: list[tuple[int, list[tuple[int, int]]]],
) -> None:
    allowance, buckets, now = Allowance(CAPACITY, PER_SECOND), Buckets(), NOW
    take(allowance, [], now)
    for elapsed_us, messages in steps:
        now += elapsed_us
        buckets.refill(elapsed_us)
        assert take(allowance, messages, now) == [buckets.take(*one) for one in messages]


@given(st.lists(step, max_size=30))
def test_never_passes_more_than_the_capacity_and_what_was_refilled(
    steps: list[tuple[int, list[tuple[int, int]]]],
) -> None:
    allowance, passed, ran_us = Allowance(CAPACITY, PER_SECOND), defaultdict[int, int](int), 0
    now = NOW
    for elapsed_us, messages in steps:
        now += elapsed_us
        ran_us += max(0, elapsed_us)
        for (device_no, readings), may in zip(
            messages, take(allowance, messages, now), strict=True
        ):
            passed[device_no] += readings * may
        assert all(
            many * SECOND_US <= CAPACITY * SECOND_US + PER_SECOND * ran_us
            for many in passed.values()
        )


@given(st.lists(step, max_size=30))
def test_a_calm_device_passes_whatever_others_send(
    steps: list[tuple[int, list[tuple[int, int]]]],
) -> None:
    allowance, now = Allowance(CAPACITY, PER_SECOND), NOW
    for elapsed_us, messages in steps:
        now += abs(elapsed_us)
        assert take(allowance, [*messages, (9, 3)], now)[-1]


def test_a_legal_upload_of_weeks_passes_at_once_and_one_beyond_the_capacity_does_not() -> None:
    allowance = Allowance()
    assert all(take(allowance, [(0, 1000)] * 100, NOW))
    assert take(allowance, [(0, 1), (1, 1)], NOW) == [False, True]
    assert take(allowance, [(0, 51), (0, 50), (0, 1)], NOW + SECOND_US) == [False, True, False]


def test_a_clock_that_jumps_neither_mutes_nor_overflows() -> None:
    allowance = Allowance(CAPACITY, PER_SECOND)
    assert take(allowance, [(0, CAPACITY)], NOW) == [True]
    assert take(allowance, [(0, 1)], NOW - 365 * DAY_US) == [False]
    assert take(allowance, [(0, 3)], NOW - 365 * DAY_US + SECOND_US) == [True]
    for _ in range(1_000):
        assert take(allowance, [(0, CAPACITY), (0, 1)], 0) == [False, False]
        assert take(allowance, [(0, CAPACITY), (0, 1)], 2**62) == [True, False]


def test_it_takes_columns_and_grows_with_the_devices() -> None:
    allowance = Allowance(CAPACITY, PER_SECOND)
    devices = np.arange(1_000_000, dtype=np.int32)
    assert allowance.take(devices, np.full(len(devices), CAPACITY), NOW).all()
    assert not allowance.take(devices, np.ones(len(devices), dtype=np.int32), NOW).any()
    assert allowance.bytes_in_columns <= 8 * len(devices)
