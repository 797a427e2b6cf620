"""Which boot words need a statement: those not known to be kept, each once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from store.boots import NewestBoots

PAIRS = st.lists(st.tuples(st.integers(1, 3_000), st.integers(-2, 2)), max_size=20)


def _unknown(boots: NewestBoots, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    devices, keys = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    found: list[tuple[int, int]] = boots.unknown(devices.astype(np.int32), keys).tolist()
    return found


def test_each_pair_once_and_nothing_without_a_word() -> None:
    boots = NewestBoots()
    assert _unknown(boots, []) == []
    assert _unknown(boots, [(1, 0), (2, 0)]) == []
    assert _unknown(boots, [(2, 7), (1, 7), (2, 7), (1, 0), (2, -3)]) == [(1, 7), (2, -3), (2, 7)]


def test_what_is_only_asked_for_is_not_kept() -> None:
    boots = NewestBoots()
    assert _unknown(boots, [(1, 7)]) == _unknown(boots, [(1, 7)]) == [(1, 7)]


def test_the_newest_of_a_device_is_known() -> None:
    boots = NewestBoots()
    devices, keys = np.array([1, 2]), np.array([7, 7])
    boots.kept(boots.unknown(devices.astype(np.int32), keys))
    assert _unknown(boots, [(1, 7), (2, 8)]) == [(2, 8)]


@given(st.lists(PAIRS, max_size=10))
def test_no_word_is_ever_passed_over(steps: list[list[tuple[int, int]]]) -> None:
    """It may forget what is kept; it never takes for kept what is not."""
    boots, kept = NewestBoots(), set[tuple[int, int]]()
    for pairs in steps:
        wanted = {pair for pair in pairs if pair[1] != 0}
        unknown = _unknown(boots, pairs)
        assert len(unknown) == len({*unknown})
        assert wanted - {*unknown} <= kept
        devices, keys = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        boots.kept(boots.unknown(devices.astype(np.int32), keys))
        kept |= wanted
