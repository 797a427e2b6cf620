"""Held against an oracle that remembers every number: see `Seen`."""

import copy
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ingest.missing import MOST_RANGES, Range, Ranges, Standing
from ingest.sequences import MOST_BOOTS, Advance, Gap, Sequences

NOW = 1_770_000_000_000_000
LAST = 2**63 - 1


class Row(NamedTuple):
    device_no: int
    boot_key: int
    seq: int


class Seen:
    """The oracle: the numbers of each (device, boot), and since when each missing one is missed."""

    def __init__(self) -> None:
        self.numbers: dict[tuple[int, int], set[int]] = defaultdict(set)
        self.missed: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)

    def commit(self, rows: Iterable[Row], now: int) -> None:
        for device_no, boot_key, seq in rows:
            self.numbers[device_no, boot_key].add(seq)
        for pair, numbers in self.numbers.items():
            since = self.missed[pair]
            self.missed[pair] = {
                number: since.get(number, now)
                for number in range(1, max(numbers))
                if number not in numbers
            }

    def standing(self, pair: tuple[int, int]) -> Standing:
        ranges: list[Range] = []
        for number, noticed_at in self.missed[pair].items():
            if ranges and ranges[-1].to_seq == number - 1:
                assert ranges[-1].noticed_at == noticed_at
                ranges[-1] = ranges[-1]._replace(to_seq=number)
            else:
                ranges.append(Range(number, number, noticed_at))
        return Standing(max(self.numbers[pair]), tuple(ranges))

    @property
    def standings(self) -> dict[tuple[int, int], Standing]:
        return {pair: self.standing(pair) for pair in self.numbers}

    @property
    def few(self) -> bool:
        return all(len(one.missing) <= MOST_RANGES for one in self.standings.values())


def advance(sequences: Sequences, rows: Sequence[Row], now: int) -> Advance:
    device_no, boot_key, seq = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return sequences.advance(device_no.astype(np.int32), boot_key, seq, now)


def commit(sequences: Sequences, rows: Sequence[Row], now: int) -> Advance:
    done = advance(sequences, rows, now)
    sequences.take_over(done)
    return done


def standings(sequences: Sequences, pairs: Iterable[tuple[int, int]]) -> dict[object, Standing]:
    found = {pair: sequences.standing(*pair) for pair in pairs}
    return {pair: standing for pair, standing in found.items() if standing is not None}


@st.composite
def batches(draw: st.DrawFn, boots: int = 3, most: int = 30) -> list[list[Row]]:
    """Mostly devices that count on, as most do; sometimes anything."""
    count: dict[tuple[int, int], int] = defaultdict(int)
    run = st.tuples(
        st.integers(0, 3),
        st.sampled_from([1, 1, *range(1, boots + 1)]),
        st.none() | st.none() | st.integers(0, most),
        st.integers(0, 2) | st.just(0),
        st.integers(1, 5),
    )
    drawn = []
    for runs in draw(st.lists(st.lists(run, min_size=1, max_size=5), min_size=1, max_size=8)):
        rows = []
        for device_no, boot_key, anywhere, skipped, length in runs:
            pair = device_no, -boot_key
            begin = count[pair] + 1 + skipped if anywhere is None else anywhere
            rows += [Row(*pair, seq) for seq in range(begin, begin + length)]
            count[pair] = max(count[pair], begin + length - 1)
        if draw(st.booleans()):
            rows = draw(st.permutations(rows + rows[:3]))
        drawn.append(rows)
    return drawn


@given(batches())
def test_up_to_16_ranges_it_knows_exactly_what_the_oracle_knows(drawn: list[list[Row]]) -> None:
    sequences, seen = Sequences(), Seen()
    for hour, rows in enumerate(drawn):
        commit(sequences, rows, NOW + hour)
        seen.commit(rows, NOW + hour)
        assume(seen.few)
        assert standings(sequences, seen.numbers) == seen.standings


@given(batches(boots=1, most=10**5), st.integers(0, 40))
def test_it_never_claims_a_number_that_was_not_committed(
    drawn: list[list[Row]], holes: int
) -> None:
    sequences, seen = Sequences(), Seen()
    every_other = [Row(0, -1, 2 * number + 1) for number in range(holes)]
    for rows in [every_other, *drawn]:
        commit(sequences, rows, NOW)
        for device_no, boot_key, seq in rows:
            seen.numbers[device_no, boot_key].add(seq)
        for pair, numbers in seen.numbers.items():
            standing = sequences.standing(*pair)
            assert standing is not None
            assert standing.high == max(numbers)
            assert len(standing.missing) <= MOST_RANGES
            assert claimed(standing) <= numbers | {0}


def claimed(standing: Standing) -> set[int]:
    """What a device may drop."""
    ends = [0, *(end for missing in standing.missing for end in missing[:2]), standing.high + 1]
    claims = set[int]()
    for above, below in zip(ends[::2], ends[1::2], strict=True):
        claims.update(range(above + 1, below))
    return claims


@given(batches(), st.data())
def test_neither_order_nor_splits_nor_duplicates_matter(
    drawn: list[list[Row]], data: st.DataObject
) -> None:
    rows = [row for batch in drawn for row in batch]
    shuffled = data.draw(st.permutations(rows + rows[::3]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(shuffled)), max_size=4)))
    parts = [shuffled[begin:end] for begin, end in pairwise([0, *cuts, len(shuffled)])]
    whole, split, seen = Sequences(), Sequences(), Seen()
    commit(whole, rows, NOW)
    for part in parts:
        commit(split, part, NOW)
        seen.commit(part, NOW)
        assume(seen.few)
    assert standings(split, seen.numbers) == standings(whole, seen.numbers) == seen.standings


@given(batches(), st.data())
def test_an_advance_changes_nothing_until_it_is_taken_over(
    drawn: list[list[Row]], data: st.DataObject
) -> None:
    sequences, thrown_away = Sequences(), Sequences()
    pairs = sorted({row[:2] for rows in drawn for row in rows})
    for rows in drawn:
        before = copy.deepcopy(standings(thrown_away, pairs))
        advance(thrown_away, data.draw(st.sampled_from(drawn)), NOW)
        assert standings(thrown_away, pairs) == before
        commit(sequences, rows, NOW)
        commit(thrown_away, rows, NOW)
        assert standings(thrown_away, pairs) == standings(sequences, pairs)


@given(batches(boots=3, most=60))
def test_the_gaps_of_all_advances_add_up_to_what_is_missing(drawn: list[list[Row]]) -> None:
    sequences = Sequences()
    table: dict[tuple[int, int], Ranges] = {}
    for rows in drawn:
        pairs = sorted({row[:2] for row in rows})
        before = standings(sequences, pairs)
        done = commit(sequences, rows, NOW)
        after = standings(sequences, pairs)
        expected = [
            Gap(*pair, after[pair].missing)
            for pair in pairs
            if after[pair].missing != (before[pair].missing if pair in before else ())
        ]
        assert list(done.gaps) == expected
        assert all(type(end) is int for gap in done.gaps for one in gap.missing for end in one)
        table.update(((device_no, key), missing) for device_no, key, missing in done.gaps)
    for pair, standing in standings(sequences, {row[:2] for rows in drawn for row in rows}).items():
        assert table.get(pair, ()) == standing.missing  # type: ignore[call-overload]


@given(batches())
def test_it_says_which_pairs_a_batch_touched_how_often_and_whose_gaps_changed(
    drawn: list[list[Row]],
) -> None:
    sequences = Sequences()
    for rows in drawn:
        done = commit(sequences, rows, NOW)
        pairs = list(zip(done.device_no.tolist(), done.boot_key.tolist(), strict=True))
        counts = dict(zip(pairs, done.readings.tolist(), strict=True))
        assert counts == {pair: sum(row[:2] == pair for row in rows) for pair in sorted(counts)}
        assert sorted(pairs) == sorted({row[:2] for row in rows})
        changed = [pair for pair, is_so in zip(pairs, done.changed, strict=True) if is_so]
        assert sorted(changed) == [gap[:2] for gap in done.gaps]


def test_devices_that_count_on_are_settled_in_columns_whatever_the_order() -> None:
    generator = np.random.default_rng(20_260_203)
    sequences = Sequences()
    for batch in range(5):
        begin = 1_000 + 20 * batch
        rows = [Row(no, 7, begin + step) for no in range(100) for step in range(20)]
        rows += rows[::50]
        done = advance(sequences, rows, NOW)
        shuffled = advance(sequences, [rows[at] for at in generator.permutation(len(rows))], NOW)
        assert (done.by_itself, shuffled.by_itself) == ((), ())
        assert len(done.high) == len(shuffled.high) == 100
        sequences.take_over(done)


def test_rows_without_a_number_say_nothing() -> None:
    sequences = Sequences()
    done = commit(sequences, [Row(0, 7, -1), Row(1, 7, 1), Row(2, 0, -1)], NOW)
    assert done.device_no.tolist() == [1]
    assert sequences.standing(0, 7) is None
    assert commit(sequences, [Row(0, 7, -1)], NOW).gaps == ()
    assert commit(sequences, [], NOW).gaps == ()
    assert sequences.standing(0, 7) is sequences.standing(2, 0) is None


@pytest.mark.parametrize("numbers", [[LAST], [LAST - 1, LAST], [0, LAST], [LAST, LAST, 1]])
def test_the_greatest_number_overflows_nothing(numbers: list[int]) -> None:
    sequences = Sequences()
    for number in numbers:
        commit(sequences, [Row(0, 7, number)], NOW)
    commit(sequences, [Row(0, 7, number) for number in numbers], NOW)
    standing = sequences.standing(0, 7)
    assert standing is not None
    assert standing.high == LAST
    assert (
        sum(end - begin + 1 for begin, end, _ in standing.missing) + len({*numbers} - {0}) == LAST
    )


def test_the_boot_touched_least_recently_is_forgotten_and_starts_anew() -> None:
    sequences = Sequences()
    for boot_key in (1, 2, 3, 4):
        commit(sequences, [Row(0, boot_key, 1), Row(0, boot_key, 2)], NOW)
    commit(sequences, [Row(0, 1, 3)], NOW)
    commit(sequences, [Row(0, 5, 1)], NOW)
    assert [sequences.standing(0, key) is not None for key in range(1, 6)] == [
        True,
        False,
        True,
        True,
        True,
    ]
    done = commit(sequences, [Row(0, 2, 3)], NOW)
    assert done.gaps == (Gap(0, 2, (Range(1, 2, NOW),)),)
    assert sequences.standing(0, 3) is None


def test_a_boot_that_may_have_been_forgotten_says_what_is_missing_though_nothing_is() -> None:
    sequences = Sequences()
    commit(sequences, [Row(0, 1, 5)], NOW)
    for boot_key in range(2, 2 + MOST_BOOTS):
        commit(sequences, [Row(0, boot_key, 1)], NOW)
    assert commit(sequences, [Row(0, 1, 1)], NOW).gaps == (Gap(0, 1, ()),)


def test_in_one_batch_the_boot_of_the_last_row_is_touched_last() -> None:
    sequences = Sequences()
    commit(sequences, [Row(0, key, 1) for key in (6, 5, 4, 3, 2, 6)], NOW)
    remembered = [key for key in range(2, 7) if sequences.standing(0, key)]
    assert remembered == [2, 3, 4, 6]


def test_what_a_hostile_device_sends_takes_little_memory_and_troubles_no_other() -> None:
    generator = np.random.default_rng(20_260_203)
    sequences = Sequences()
    for batch in range(40):
        commit(sequences, [Row(1, 7, 100 * batch + number) for number in range(1, 101)], NOW)
        numbers = generator.integers(0, LAST, 200, endpoint=True).tolist()
        keys = generator.integers(-(2**63), LAST, 20, endpoint=True).tolist()
        commit(
            sequences,
            [Row(0, keys[at % 20 if batch % 2 else 0], seq) for at, seq in enumerate(numbers)],
            NOW,
        )
    assert sequences.standing(1, 7) == Standing(4000)
    boots = sequences._boots(0)
    assert len(boots) == MOST_BOOTS
    assert all(len(standing.missing) <= MOST_RANGES for standing in boots.values())
    assert list(sequences._older) == list(sequences._others) == [0]


def test_a_million_devices_take_40_bytes_each() -> None:
    sequences = Sequences()
    devices = np.arange(1_000_000, dtype=np.int32)
    boots = np.full(len(devices), 7, dtype=np.int64)
    seqs = np.full(len(devices), 1_017, dtype=np.int64)
    for number in range(3):
        sequences.take_over(sequences.advance(devices, boots, seqs + number, NOW))
    assert sequences.standing(999_999, 7) == Standing(1_019, (Range(1, 1_016, NOW),))
    assert sequences.bytes_in_columns <= 40 * len(devices)
    assert not sequences._others
    assert not sequences._older


def test_room_grows_by_doubling() -> None:
    sequences = Sequences()
    commit(sequences, [Row(0, 7, 1)], NOW)
    sizes = set()
    for device_no in range(0, 100_000, 500):
        commit(sequences, [Row(device_no, 7, 1)], NOW)
        sizes.add(sequences.bytes_in_columns)
    assert len(sizes) <= 8
    assert sequences.standing(0, 7) == sequences.standing(99_500, 7) == Standing(1)
    assert sequences.standing(10**7, 7) is None


@given(batches(), st.data())
def test_what_is_recalled_in_any_pieces_is_what_was_known(
    drawn: list[list[Row]], data: st.DataObject
) -> None:
    before, seen = Sequences(), Seen()
    table: dict[tuple[int, int], Ranges] = {}
    for hour, rows in enumerate(drawn):
        done = commit(before, rows, NOW + hour)
        seen.commit(rows, NOW + hour)
        assume(seen.few)
        table.update(((device_no, key), missing) for device_no, key, missing in done.gaps)
    stored = data.draw(st.permutations([row for rows in drawn for row in rows]))
    cut = data.draw(st.integers(0, len(stored)))
    after, partly = Sequences(), Seen()
    for piece in (stored[:cut], stored[cut:]):
        partly.commit(piece, NOW)
        assume(partly.few)
        device_no, boot_key, seq = np.array(piece, dtype=np.int64).reshape(-1, 3).T
        after.recall(device_no, boot_key, seq, NOW + 10**6)
    after.restore_noticed((*pair, *one) for pair, missing in table.items() for one in missing)
    assert standings(after, seen.numbers) == standings(before, seen.numbers)


def test_of_what_is_not_known_to_have_been_noticed_the_instant_stays() -> None:
    sequences = Sequences()
    commit(sequences, [Row(0, 7, 5), Row(0, 7, 10), Row(0, 7, 20)], NOW)
    sequences.restore_noticed(
        [(0, 7, 8, 9, 50), (0, 7, 6, 7, 40), (0, 7, 30, 40, 1), (0, 8, 1, 4, 1), (9, 7, 1, 4, 1)]
    )
    assert sequences.standing(0, 7) == Standing(
        20, (Range(1, 4, NOW), Range(6, 9, 40), Range(11, 19, NOW))
    )
    assert sequences.standing(0, 8) is sequences.standing(9, 7) is None


@given(batches())
def test_what_is_kept_of_some_devices_is_restored_as_it_was(drawn: list[list[Row]]) -> None:
    sequences = Sequences()
    for now, rows in enumerate(drawn, start=NOW):
        commit(sequences, rows, now)
    devices = np.unique([row.device_no for rows in drawn for row in rows]).astype(np.int64)
    some = devices[::2]
    other = Sequences()
    commit(other, drawn[0][::-1] if drawn else [], NOW)
    assert other.restore(sequences.kept(some)).tolist() == some.tolist()
    pairs = {(row.device_no, row.boot_key) for rows in drawn for row in rows}
    for device_no, boot_key in sorted(pairs):
        if device_no in some:
            assert other.standing(device_no, boot_key) == sequences.standing(device_no, boot_key)


def test_columns_of_another_version_say_nothing() -> None:
    sequences = Sequences()
    assert sequences.restore(b"x" * 40).tolist() == []
    assert sequences.kept(np.array([5, 9_999]))[16:20] == (1).to_bytes(4, "little")
