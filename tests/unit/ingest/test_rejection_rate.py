from hypothesis import given
from hypothesis import strategies as st

from domain.instant import DAY_US, MINUTE_US, SECOND_US
from ingest.rejection_rate import RejectionRate

START = 1_770_000_000_000_000
BOUND = 100


@given(st.lists(st.tuples(st.integers(0, 40 * SECOND_US), st.integers(0, 80)), max_size=40))
def test_it_counts_the_last_minute_and_says_when_it_is_beyond(
    steps: list[tuple[int, int]],
) -> None:
    rate, now, beyond = RejectionRate(BOUND), START, False
    noted: list[tuple[int, int]] = []
    rate.note(0, now)
    for elapsed_us, count in steps:
        now += elapsed_us
        second = (now - START) // SECOND_US
        within = sum(many for when, many in noted if when > second - 60)
        beyond = beyond and within >= BOUND / 2
        assert rate.beyond(now) == beyond
        rate.note(count, now)
        noted.append((second, count))
        beyond = beyond or within + count > BOUND
        assert rate.per_minute(now) == within + count
        assert rate.beyond(now) == beyond


def test_the_bound_itself_is_not_beyond_and_half_of_it_is_not_back() -> None:
    rate = RejectionRate(BOUND)
    rate.note(51, START)
    rate.note(49, START + 30 * SECOND_US)
    assert not rate.beyond(START + 30 * SECOND_US)
    rate.note(1, START + 59 * SECOND_US)
    assert rate.beyond(START + 59 * SECOND_US)
    assert rate.per_minute(START + 60 * SECOND_US) == 50
    assert rate.beyond(START + 60 * SECOND_US)
    assert rate.per_minute(START + 90 * SECOND_US) == 1
    assert not rate.beyond(START + 90 * SECOND_US)


def test_a_lull_that_nobody_looked_at_counts() -> None:
    rate = RejectionRate(BOUND)
    rate.note(101, START)
    rate.note(60, START + 2 * MINUTE_US)
    assert not rate.beyond(START + 2 * MINUTE_US)


def test_a_clock_that_is_set_back_neither_stops_nor_empties_it() -> None:
    rate = RejectionRate(BOUND)
    rate.note(101, START)
    assert rate.per_minute(START - DAY_US) == 101
    assert rate.beyond(START - DAY_US + 59 * SECOND_US)
    assert rate.per_minute(START - DAY_US + 60 * SECOND_US) == 0
    assert not rate.beyond(START - DAY_US + 60 * SECOND_US)


def test_the_bound_of_the_service_is_6000_a_minute() -> None:
    rate = RejectionRate()
    rate.note(6_000, START)
    assert not rate.beyond(START)
    rate.note(1, START)
    assert rate.beyond(START)
