"""Devices that send as they like, told tick by tick, held against the contract's figures."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instant import MINUTE_US, SECOND_US, parse_rfc3339
from ingest.missing import Range
from ingest.receipts import READINGS, WAIT_US, Due, Receipts, encode
from ingest.sequences import MOST_BOOTS, Advance, Sequences

NOW = 1_770_000_000_000_000
BUDGET = 100
Pair = tuple[int, int]
Tick = tuple[dict[Pair, int], int, int, int]


class Fleet:
    """Devices that count on, and what they were told so far: the oracle."""

    def __init__(self) -> None:
        self.sequences = Sequences()
        self.receipts = Receipts()
        self.now = NOW
        self.high: dict[Pair, int] = defaultdict(int)
        self.untold: dict[Pair, list[int]] = defaultdict(list)
        self.told_at: dict[int, list[int]] = defaultdict(list)

    def commit(self, readings: Mapping[Pair, int], *, lose: int = 0) -> Advance:
        rows = []
        for pair, count in readings.items():
            begin = self.high[pair] + lose + 1
            rows += [(*pair, seq) for seq in range(begin, begin + count)]
            self.high[pair] = begin + count - 1
            self.untold[pair] += [self.now] * count
        device_no, boot_key, seq = np.array(rows, dtype=np.int64).reshape(-1, 3).T
        advance = self.sequences.advance(device_no, boot_key, seq, self.now)
        self.sequences.take_over(advance)
        self.receipts.note(advance, self.now)
        return advance

    def tick(self, budget: int = BUDGET, after_us: int = SECOND_US) -> list[Due]:
        self.now += after_us
        due = self.receipts.due(self.now, budget)
        self.receipts.told(due, self.now)
        for device_no, boot_key in due:
            assert self.untold.pop((device_no, boot_key)), "nothing to tell"
            self.told_at[device_no].append(self.now)
        return due


def one_each(devices: int, first: int = 0) -> dict[Pair, int]:
    return {(device_no, 7): 1 for device_no in range(first, first + devices)}


sent = st.dictionaries(
    st.tuples(st.integers(0, 3), st.sampled_from([7, 7, 7, 8, 9, 10])),
    st.integers(1, 50),
    max_size=4,
)
ticks = st.lists(
    st.tuples(sent, st.integers(0, 2), st.integers(0, SECOND_US // 2), st.integers(1, 60)),
    min_size=1,
    max_size=8,
)


def lived_through(drawn: list[Tick]) -> Iterator[Fleet]:
    """A fleet after each tick: bursts, and between them up to a minute of quiet ticks."""
    fleet = Fleet()
    for readings, budget, more_us, quiet in drawn:
        fleet.commit(readings)
        for _ in range(quiet):
            fleet.tick(budget, SECOND_US * 3 // 4 + more_us)
            yield fleet


@given(ticks)
def test_no_device_is_told_twice_within_a_second(
    drawn: list[Tick],
) -> None:
    for fleet in lived_through(drawn):
        for told_at in fleet.told_at.values():
            assert told_at[-2:] == told_at[-1:] or told_at[-1] - told_at[-2] >= SECOND_US


@given(ticks, st.integers(0, 2))
def test_no_reading_is_untold_for_5_minutes_whatever_the_budget(
    drawn: list[Tick], budget: int
) -> None:
    readings, _, more_us, _ = drawn[0]
    quiet: list[Tick] = [({}, budget, more_us, 1)] * 400
    for fleet in lived_through([*drawn, (readings, 0, more_us, 1), *quiet]):
        for committed_at in fleet.untold.values():
            assert fleet.now - committed_at[0] < 5 * MINUTE_US
    assert not fleet.untold
    assert fleet.receipts.pending == 0


@given(st.lists(st.dictionaries(st.integers(0, 3), st.integers(1, 100)), min_size=1, max_size=60))
def test_no_100_readings_go_untold_where_no_more_than_50_come_in_a_second(
    drawn: list[dict[int, int]],
) -> None:
    fleet = Fleet()
    most: dict[int, int] = {0: 50, 1: 50, 2: 20, 3: 100}
    for readings in drawn:
        fleet.commit({(no, 7): min(count, most[no]) for no, count in readings.items()})
        for (device_no, _), untold in fleet.untold.items():
            assert len(untold) <= (100 if device_no < 3 else 150)
        fleet.tick(0)
        assert all(len(untold) < READINGS for untold in fleet.untold.values())


def test_a_device_that_sends_more_than_100_in_a_second_is_told_every_second() -> None:
    fleet = Fleet()
    for _ in range(20):
        fleet.commit({(0, 7): 250})
        fleet.tick(0, SECOND_US // 4)
    first = fleet.told_at[0][0]
    assert fleet.told_at[0] == [first + second * SECOND_US for second in range(5)]


def test_first_who_cannot_wait_then_whose_gaps_changed_then_the_longest_pending() -> None:
    fleet = Fleet()
    fleet.commit(one_each(1, first=9))
    fleet.now += WAIT_US - 2 * SECOND_US
    fleet.commit(one_each(2, first=4))
    fleet.now += SECOND_US
    fleet.commit(one_each(3))
    fleet.commit({(8, 7): 1, (3, 7): 1}, lose=5)
    fleet.commit({(7, 7): READINGS})
    assert [due.device_no for due in fleet.tick()] == [9, 7, 3, 8, 4, 5, 0, 1, 2]
    assert fleet.tick() == []


def test_who_cannot_wait_is_told_beyond_the_budget_and_uses_it_up() -> None:
    fleet = Fleet()
    fleet.commit({(no, 7): READINGS for no in (3, 5, 6)})
    fleet.commit(one_each(3))
    assert [due.device_no for due in fleet.tick(2)] == [3, 5, 6]
    assert [due.device_no for due in fleet.tick(2)] == [0, 1]
    assert [due.device_no for due in fleet.tick(2)] == [2]


def test_of_those_pending_equally_long_the_budget_takes_the_lower_numbers() -> None:
    fleet = Fleet()
    fleet.commit(one_each(10, first=5))
    fleet.now += SECOND_US
    fleet.commit(one_each(5))
    told = [[due.device_no for due in fleet.tick(4)] for _ in range(4)]
    assert told == [[5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 0, 1], [2, 3, 4]]


def test_who_was_not_told_after_all_is_due_again() -> None:
    fleet = Fleet()
    fleet.commit(one_each(3))
    first = fleet.receipts.due(fleet.now, BUDGET)
    assert fleet.receipts.due(fleet.now, BUDGET) == first
    fleet.receipts.told(first[:1], fleet.now)
    assert fleet.receipts.due(fleet.now + SECOND_US, BUDGET) == first[1:]


def test_readings_that_were_told_hurry_nobody_later() -> None:
    fleet = Fleet()
    fleet.commit({(0, 7): READINGS})
    assert fleet.tick(0) == [Due(0, 7)]
    fleet.commit({(0, 7): READINGS - 1})
    assert fleet.tick(0) == []


def test_further_readings_do_not_put_a_receipt_off() -> None:
    fleet = Fleet()
    while not fleet.told_at:
        fleet.commit({(0, 7): 1})
        fleet.tick(0, 10 * SECOND_US)
    assert fleet.told_at == {0: [NOW + WAIT_US]}


def test_duplicates_are_told_too() -> None:
    fleet = Fleet()
    fleet.commit(one_each(1))
    fleet.tick()
    fleet.high[0, 7] = 0
    fleet.commit(one_each(1))
    assert fleet.tick() == [Due(0, 7)]


def test_the_boots_of_a_device_take_turns() -> None:
    fleet = Fleet()
    fleet.commit({(0, 7): 1})
    fleet.commit({(0, 8): 1})
    fleet.commit({(0, 9): 1, (0, 7): 1})
    told = [fleet.tick(0) for _ in range(4)]
    assert told == [[Due(0, 7)], [Due(0, 8)], [Due(0, 9)], []]
    for _ in range(3):
        fleet.commit({(0, boot_key): 1 for boot_key in (7, 8, 9)})
        told += [fleet.tick(0)]
    assert {due.boot_key for dues in told[4:] for due in dues} == {7, 8, 9}


def test_two_boots_in_one_batch_take_turns() -> None:
    fleet = Fleet()
    fleet.commit({(0, 7): 1, (0, 8): 1, (1, 7): 1})
    told = sorted(due for _ in range(3) for due in fleet.tick())
    assert told == [Due(0, 7), Due(0, 8), Due(1, 7)]


def test_no_more_boots_of_a_device_are_pending_than_are_remembered() -> None:
    fleet = Fleet()
    for boot_key in range(1, 1_000):
        fleet.commit({(0, boot_key): 1})
    told = [due.boot_key for _ in range(6) for due in fleet.tick()]
    assert len(told) == MOST_BOOTS
    assert set(told) == {1, 997, 998, 999}
    assert not fleet.receipts._waiting


def test_a_clock_that_steps_back_mutes_nobody() -> None:
    fleet = Fleet()
    fleet.commit(one_each(1))
    fleet.tick()
    fleet.now -= 60 * MINUTE_US
    fleet.commit(one_each(1))
    assert fleet.tick(after_us=SECOND_US - 1) == []  # the step itself is no time at all
    assert fleet.tick(after_us=1) == [Due(0, 7)]


def test_an_advance_that_touched_nobody_makes_nobody_pending() -> None:
    fleet = Fleet()
    fleet.commit({})
    assert fleet.receipts.pending == 0
    assert fleet.tick() == []


def test_a_million_devices_take_29_bytes_each() -> None:
    fleet = Fleet()
    devices = np.arange(1_000_000)
    boots = np.full(len(devices), 7)
    advance = fleet.sequences.advance(devices, boots, np.ones_like(devices), NOW)
    fleet.receipts.note(advance, NOW)
    assert fleet.receipts.pending == len(devices)
    assert fleet.receipts.bytes_in_columns <= 29 * len(devices)


def test_a_receipt_is_the_contracts() -> None:
    payload = encode("a1", 1017, [Range(1003, 1004, NOW)], parse_rfc3339("2026-02-03T04:05:06.5Z"))
    assert payload == (
        b'{"boot":"a1","seq":1017,"missing":[[1003,1004]],"at":"2026-02-03T04:05:06.5Z"}'
    )


@given(
    st.none() | st.text(max_size=32),
    st.integers(0, 2**63 - 1),
    st.lists(st.builds(Range, st.integers(1), st.integers(1), st.just(NOW)), max_size=16),
)
def test_a_receipt_is_json_whatever_the_boot_word(
    boot: str | None, seq: int, missing: list[Range]
) -> None:
    assert json.loads(encode(boot, seq, missing, NOW)) == {
        "boot": boot,
        "seq": seq,
        "missing": [[begin, end] for begin, end, _ in missing],
        "at": "2026-02-02T02:40:00Z",
    }


@pytest.mark.parametrize("boot", ['"', "\\", "居", "\u2028", "</script>"])
def test_a_receipt_is_ascii(boot: str) -> None:
    assert json.loads(encode(boot, 1, [], NOW).decode("ascii"))["boot"] == boot
