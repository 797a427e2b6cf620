"""One run, mark by mark: holds, gaps and what breaks them."""

import pytest

from rules.marks import Kind, Mark
from rules.run import IDLE, MOST, Run, Step

_PLAIN = Mark(
    row=0,
    group=0,
    at=0,
    gap_us=20,
    hold_us=10,
    clear_us=30,
    value=5,
    limit=4,
    need=3,
    clear_need=1,
    kind=Kind.QUALIFIES,
    severity=2,
    site=2,
    own=0,
    at_once=0,
)


def marks(*said: tuple[int, str], **terms: int) -> list[Mark]:
    """`(1, "+")` qualifies at 1, `(1, "-")` clears, `(1, "o")` is neither."""
    kinds = {"+": Kind.QUALIFIES, "-": Kind.CLEARS, "o": Kind.NEITHER}
    return [_PLAIN._replace(at=at, kind=kinds[word], **terms) for at, word in said]


def steps(*said: tuple[int, str], **terms: int) -> list[Step]:
    run = Run(*IDLE)
    return [run.step(mark) for mark in marks(*said, **terms)]


N, B, S, E = Step.NOTHING, Step.BEGAN, Step.SEEN, Step.ENDED


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param([(1, "+"), (6, "+"), (11, "+")], [N, N, B], id="held and often enough"),
        pytest.param([(1, "+"), (6, "+"), (10, "+")], [N, N, N], id="not long enough"),
        pytest.param([(1, "+"), (11, "+")], [N, N], id="not often enough"),
        pytest.param([(1, "+"), (11, "+"), (12, "+")], [N, N, B], id="the third comes later"),
        pytest.param([(1, "+"), (6, "o"), (11, "+"), (12, "+")], [N, N, N, N], id="interrupted"),
        pytest.param([(1, "+"), (6, "-"), (11, "+"), (12, "+")], [N, N, N, N], id="cleared"),
        pytest.param([(1, "+"), (6, "+"), (26, "+")], [N, N, B], id="a gap as long as allowed"),
        pytest.param([(1, "+"), (6, "+"), (27, "+"), (30, "+")], [N, N, N, N], id="a longer gap"),
    ],
)
def test_a_finding_begins(said: list[tuple[int, str]], expected: list[Step]) -> None:
    assert steps(*said) == expected


ACTIVE = [(1, "+"), (6, "+"), (11, "+")]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param([(20, "-"), (40, "-"), (50, "-")], [N, N, E], id="clear long enough"),
        pytest.param([(20, "-"), (40, "-"), (49, "-")], [N, N, N], id="not long enough"),
        pytest.param([(20, "-"), (40, "o"), (50, "-")], [N, N, N], id="neither breaks it"),
        pytest.param([(20, "-"), (40, "+"), (50, "-")], [N, S, N], id="support breaks it"),
        pytest.param([(20, "-"), (41, "-"), (60, "-")], [N, N, N], id="a gap breaks it"),
        pytest.param([(20, "-"), (41, "-"), (60, "-"), (71, "-")], [N, N, N, E], id="from the gap"),
        pytest.param([(99, "+")], [S], id="a gap does not end a finding"),
        pytest.param([(11, "-"), (20, "-"), (41, "-")], [N, N, N], id="at the newest support"),
    ],
)
def test_a_finding_ends(said: list[tuple[int, str]], expected: list[Step]) -> None:
    assert steps(*ACTIVE, *said)[3:] == expected


def test_ends_may_need_more_than_one_reading() -> None:
    terms = {"clear_us": 0, "clear_need": 2}
    assert steps(*ACTIVE, (20, "-"), (30, "-"), **terms)[3:] == [N, E]
    assert steps(*ACTIVE, (20, "-"), (41, "-"), **terms)[3:] == [N, N]


def test_one_reading_may_be_enough() -> None:
    assert steps((1, "+"), at_once=1) == [B]


def test_an_ended_run_says_when_it_was_over() -> None:
    run = Run(*IDLE)
    for mark in marks(*ACTIVE, (20, "-"), (40, "-"), (50, "-")):
        run.step(mark)
    assert (run.first_at, run.last_at, run.clear_at) == (1, 11, 20)


def test_the_worst_of_all_qualifying_readings_counts_also_those_before_it_began() -> None:
    run = Run(*IDLE)
    first, second, third = marks(*ACTIVE)
    run.step(first._replace(value=9, severity=3, limit=8, site=5, own=1))
    run.step(second)
    run.step(third)
    assert (run.peak, run.value, run.severity) == (9, 5, 3)
    assert (run.limit, run.site, run.own) == (8, 5, 1), "as at the onset"


def test_a_worse_reading_is_told_as_such() -> None:
    run = Run(*IDLE)
    for mark in marks(*ACTIVE):
        run.step(mark)
    worse, same = marks((12, "+"), (13, "+"))
    assert run.step(worse._replace(severity=3)) is Step.WORSENED
    assert run.step(same._replace(severity=3)) is Step.SEEN
    assert run.step(same) is Step.SEEN
    assert run.severity == 3


def test_a_run_that_starts_anew_forgets_the_worst_of_the_old() -> None:
    run = Run(*IDLE)
    old, new = marks((1, "+"), (99, "+"))
    run.step(old._replace(value=9, severity=3))
    run.step(new)
    assert (run.peak, run.severity, run.first_at, run.n) == (5, 2, 99, 1)


def test_counters_stop_before_they_overflow() -> None:
    run = Run(*IDLE)
    for at in range(400):
        run.step(_PLAIN._replace(at=at, hold_us=10**6))
    assert run.n == MOST


def test_what_clears_at_the_instant_of_the_newest_support_is_passed_over() -> None:
    """No finding is over as it begins."""
    said = [*ACTIVE, (11, "-"), (41, "-"), (71, "-")]
    assert steps(*said, clear_us=30, gap_us=30)[3:] == [N, N, E]
    assert steps(*ACTIVE, (11, "-"), clear_us=0)[3:] == [N]
    assert steps(*ACTIVE, (12, "-"), clear_us=0)[3:] == [E]
