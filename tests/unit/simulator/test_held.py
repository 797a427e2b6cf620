"""What a band keeps until it is receipted: a few numbers by hand, and many against a plain set."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from domain.instant import MINUTE_US
from simulator.held import (
    AGAIN_LIMIT,
    PATIENCE_US,
    TRIES,
    Held,
    Run,
    again,
    count,
    due_at,
    forget,
    receipted,
    sent,
)
from simulator.receipt import Receipt

NOW = 1_000 * MINUTE_US


def numbered(first: int, last: int, shift: int = 100) -> list[tuple[int, int]]:
    return [(number, number + shift) for number in range(first, last + 1)]


def holding(last: int) -> Held:
    return sent(Held(), numbered(1, last), NOW)


def numbers(runs: Sequence[Run]) -> list[int]:
    return [number for run in runs for number in range(run.first, run.last + 1)]


def test_what_is_sent_is_held_as_runs() -> None:
    held = sent(holding(3), [*numbered(4, 5), *numbered(6, 7, shift=900)], NOW + 1)
    assert held.runs == (Run(1, 5, 100), Run(6, 7, 900))
    assert held.heard_at == NOW


def test_a_receipt_lets_go_of_all_up_to_its_number() -> None:
    held = receipted(holding(9), Receipt("a", 6), NOW + 1)
    assert held.runs == (Run(7, 9, 100),)
    assert (held.wanted, held.heard_at) == ((), NOW + 1)


def test_what_is_missing_is_sent_again_and_held() -> None:
    held = receipted(holding(9), Receipt("a", 6, ((2, 3), (5, 8))), NOW + 1)
    assert numbers(held.runs) == [2, 3, 5, 6, 7, 8, 9]
    assert due_at(held, PATIENCE_US) == 0
    held, samples = again(held, NOW + 1, PATIENCE_US, 100)
    assert samples == ((2, 102), (3, 103), (5, 105), (6, 106))
    assert numbers(held.runs) == [2, 3, 5, 6, 7, 8, 9]


def test_what_is_no_longer_held_is_not_missed() -> None:
    held = receipted(holding(9), Receipt("a", 9), NOW + 1)
    held = receipted(held, Receipt("a", 12, ((1, 12),)), NOW + 2)
    assert (held.runs, held.wanted) == ((), ())
    assert due_at(held, PATIENCE_US) is None


def test_a_missing_number_that_is_on_its_way_is_not_sent_at_every_receipt() -> None:
    receipt = Receipt("a", 9, ((2, 2),))
    held, samples = again(receipted(holding(9), receipt, NOW), NOW, PATIENCE_US, 100)
    assert samples == ((2, 102),)
    held = receipted(held, receipt, NOW + 1)
    at = due_at(held, PATIENCE_US)
    assert at == NOW + PATIENCE_US // 12
    assert again(held, at - 1, PATIENCE_US, 100)[1] == ()
    assert again(held, at, PATIENCE_US, 100)[1] == ((2, 102),)


def test_without_a_receipt_all_is_sent_again_three_times_and_no_more() -> None:
    held = holding(3)
    for attempt in range(1, TRIES + 1):
        at = due_at(held, PATIENCE_US)
        assert at == NOW + attempt * PATIENCE_US
        assert again(held, at - 1, PATIENCE_US, 100) == (held, ())
        held, samples = again(held, at, PATIENCE_US, 100)
        assert samples == tuple(numbered(1, 3))
    assert due_at(held, PATIENCE_US) is None
    assert numbers(held.runs) == [1, 2, 3]
    held = sent(held, numbered(4, 4), NOW + 9 * PATIENCE_US)
    assert due_at(held, PATIENCE_US) is None


def test_a_receipt_after_all_begins_anew() -> None:
    held = holding(3)
    for attempt in range(1, TRIES + 1):
        held, _ = again(held, NOW + attempt * PATIENCE_US, PATIENCE_US, 100)
    held = receipted(held, Receipt("a", 1), NOW + 4 * PATIENCE_US)
    assert due_at(held, PATIENCE_US) == NOW + 5 * PATIENCE_US


def test_what_is_sent_again_at_one_time_is_bounded_and_the_oldest() -> None:
    held, got = holding(AGAIN_LIMIT + 500), list[tuple[int, int]]()
    at = NOW + PATIENCE_US
    while due_at(held, PATIENCE_US) is not None and due_at(held, PATIENCE_US) <= at:  # type: ignore[operator]
        held, samples = again(held, at, PATIENCE_US, 100)
        assert 0 < len(samples) <= 100
        got += samples
    assert got == numbered(1, AGAIN_LIMIT)


def test_a_receipt_in_the_middle_of_it_stops_only_what_it_covers() -> None:
    held, _ = again(holding(300), NOW + PATIENCE_US, PATIENCE_US, 100)
    held = receipted(held, Receipt("a", 150, ((20, 20),)), NOW + PATIENCE_US + 1)
    held, samples = again(held, NOW + PATIENCE_US + 1, PATIENCE_US, 100)
    assert [number for number, _ in samples] == [20, *range(151, 250)]


def test_memory_is_bounded() -> None:
    held = sent(holding(5), numbered(6, 9, shift=200), NOW)
    held = receipted(held, Receipt("a", 5, ((1, 4),)), NOW)
    held = forget(held, 103)
    assert numbers(held.runs) == [3, 4, 6, 7, 8, 9]
    assert numbers(held.wanted) == [3, 4]
    assert forget(held, 103) is held
    assert forget(held, 1_000) == Held(heard_at=NOW)


RANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), max_size=16)
STEP = st.one_of(
    st.tuples(st.just("sent"), st.integers(1, 20), st.integers(0, 3)),
    st.tuples(st.just("receipt"), st.integers(0, 60), RANGES),
    st.tuples(st.just("again"), st.integers(1, 30), st.just(0)),
)


@given(st.lists(STEP, max_size=30))
def test_it_holds_what_a_plain_set_would(steps: list[tuple[str, int, object]]) -> None:
    """The set: sent, less what a receipt covers and does not name as missing."""
    held, plain, last, shift, now = Held(), dict[int, int](), 0, 0, NOW
    for kind, size, more in steps:
        now += PATIENCE_US
        if kind == "sent":
            assert isinstance(more, int)
            shift += more
            fresh = numbered(last + 1, last + size, shift)
            held, last = sent(held, fresh, now), last + size
            plain.update(fresh)
        elif kind == "receipt":
            assert isinstance(more, list)
            missing = sorted((low, low + length) for low, length in more)
            held = receipted(held, Receipt("a", size, tuple(missing)), now)
            kept = {n for low, high in missing for n in range(low, high + 1)}
            plain = {n: tick for n, tick in plain.items() if n > size or n in kept}
        else:
            held, samples = again(held, now, PATIENCE_US, size)
            assert len(samples) <= size
            assert {*samples} <= {*plain.items()}
            assert [*samples] == sorted({*samples})
        assert numbers(held.runs) == sorted(plain)
        assert count(held.runs) == len(plain)
        assert all(plain[n] == n + run.shift for run in held.runs for n in numbers([run]))
        assert {*numbers(held.wanted)} <= {*plain}
