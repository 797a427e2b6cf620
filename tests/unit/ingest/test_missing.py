import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.missing import MOST_RANGES, NOTHING, Range, Standing, committed

NOW = 1_000
LATER = 2_000
LAST = 2**63 - 1


def odd_to(last: int) -> Standing:
    return committed(NOTHING, range(1, last + 1, 2), NOW)


@pytest.mark.parametrize(
    ("numbers", "standing"),
    [
        ([1], Standing(1)),
        ([0], Standing(0)),
        ([0, 1, 2], Standing(2)),
        ([0, 2], Standing(2, (Range(1, 1, NOW),))),
        ([2], Standing(2, (Range(1, 1, NOW),))),
        ([5, 6, 9], Standing(9, (Range(1, 4, NOW), Range(7, 8, NOW)))),
        ([LAST], Standing(LAST, (Range(1, LAST - 1, NOW),))),
    ],
)
def test_what_is_below_the_first_number_is_missing_but_0_never_is(
    numbers: list[int], standing: Standing
) -> None:
    assert committed(NOTHING, numbers, NOW) == standing


def test_a_range_that_shrinks_or_splits_keeps_its_instant() -> None:
    before = Standing(20, (Range(3, 12, NOW),))
    after = committed(before, [3, 7, 12, 22], LATER)
    assert after.missing == (Range(4, 6, NOW), Range(8, 11, NOW), Range(21, 21, LATER))
    assert committed(after, [4, 5, 6, 8, 9, 10, 11, 21], LATER) == Standing(22)


def test_a_number_that_is_committed_already_changes_nothing() -> None:
    before = odd_to(31)
    assert committed(before, [0, 1, 3, 31], LATER) == before


def test_of_too_many_ranges_those_with_the_least_between_them_are_joined() -> None:
    # 2 4 6 ... 32 are missing, and one committed number lies between each two.
    before = odd_to(33)
    assert [missing.from_seq for missing in before.missing] == [*range(2, 33, 2)]
    assert len(before.missing) == MOST_RANGES
    # Nothing has fewer between than the others, so the lowest go together.
    after = committed(before, [35], LATER)
    assert after.missing[0] == Range(2, 4, NOW)
    assert after.missing[1:] == (*before.missing[2:], Range(34, 34, LATER))
    # 34 is three away from 38, the rest are one away from each other.
    again = committed(Standing(33, before.missing[1:]), [35, 36, 37, 39, 40, 42], LATER)
    assert again.missing[0] == Range(4, 8, NOW)
    assert again.missing[-3:] == (Range(34, 34, LATER), Range(38, 38, LATER), Range(41, 41, LATER))


def test_joined_ranges_keep_the_oldest_instant() -> None:
    ranges = (Range(2, 2, LATER), Range(4, 4, NOW), *odd_to(40).missing[2:16])
    after = committed(Standing(40, ranges), [50], LATER)
    assert after.missing[0] == Range(2, 4, NOW)


@given(st.lists(st.lists(st.integers(0, 200) | st.integers(0, LAST), min_size=1), max_size=12))
def test_whatever_comes_there_are_few_ranges_in_order_and_none_too_little(
    batches: list[list[int]],
) -> None:
    standing, came = NOTHING, set[int]()
    for batch in batches:
        standing = committed(standing, sorted(set(batch)), NOW)
        came.update(batch)
        assert standing.high == max(came)
        assert len(standing.missing) <= MOST_RANGES
        ends = [end for missing in standing.missing for end in missing[:2]]
        assert ends == sorted(ends)
        assert all(
            after.from_seq - before.to_seq > 1
            for before, after in zip(standing.missing, standing.missing[1:], strict=False)
        )
        # Outside of the ranges lie numbers that came, all of them.
        claimed = standing.high - sum(end - begin + 1 for begin, end, _ in standing.missing)
        outside = [
            number
            for number in came
            if number and not any(begin <= number <= end for begin, end, _ in standing.missing)
        ]
        assert claimed == len(outside)
