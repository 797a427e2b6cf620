"""Slots of pairs of episode and device: each pair has one, and keeps it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.slots import NO_SLOT, NO_SLOTS, Pair, Slots, packed

pairs = st.tuples(st.integers(1, 2**31 - 1), st.integers(1, 2**31 - 1)) | st.tuples(
    st.integers(1, 3), st.integers(1, 3)
)
several = st.lists(st.sets(pairs), max_size=4)


def keys(wanted: set[Pair]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    table = np.array(sorted(wanted), dtype=np.int64).reshape(-1, 2)
    return packed(table[:, 0], table[:, 1])


@given(several, pairs)
def test_slots_are_only_ever_added_in_order_of_the_pairs(
    added: list[set[Pair]], any_: Pair
) -> None:
    slots, expected = NO_SLOTS, dict[Pair, int]()
    for new in added:
        before = dict(slots)
        grown = slots.grown(keys(new))
        assert dict(slots) == before, "untouched"
        slots = grown
        for pair in sorted(new):
            expected.setdefault(pair, len(expected))
        assert slots == expected
        assert len(slots) == len(expected)
        assert list(slots) == sorted(expected)
        assert all(slots[pair] == slot for pair, slot in expected.items())
        assert slots.get(any_) == expected.get(any_)


@given(st.dictionaries(pairs, st.integers(0, 99)), st.lists(pairs))
def test_many_are_found_at_once(given_: dict[Pair, int], others: list[Pair]) -> None:
    slots = Slots.of(given_)
    assert slots == given_
    wanted = np.array([*others, *given_], dtype=np.int64).reshape(-1, 2)
    found = slots.find(wanted[:, 0], wanted[:, 1])
    assert found.tolist() == [given_.get(pair, NO_SLOT) for pair in [*others, *given_]]


def test_a_pair_without_a_slot() -> None:
    with pytest.raises(KeyError):
        NO_SLOTS[1, 1]
