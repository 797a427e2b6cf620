import hashlib
import os
import subprocess
import sys
from pathlib import Path

from domain.instant import HOUR_US, MINUTE_US
from simulator.city import roster
from tests.unit.simulator.worlds import START_AT, device_of, messages, readings_of, world

ROOT = Path(__file__).parents[3]


def digest(seed: int) -> str:
    """Of everything a community says in its first two hours, and of its roster."""
    played = world("community", seed)
    seen = hashlib.sha256(repr(roster(played.city, START_AT, 60)).encode())
    for message in messages(played.fleet(), START_AT + 2 * HOUR_US):
        seen.update(message.topic.encode() + message.payload)
    return seen.hexdigest()


def test_the_same_seed_says_the_same_bytes_under_any_hash_seed() -> None:
    program = "from tests.unit.simulator import test_fleet as t; t.sys.stdout.write(t.digest(7))"
    other = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "4711"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout == digest(7)
    assert digest(8) != digest(7)


def test_messages_come_in_order_of_time_with_every_number_once() -> None:
    newest, numbers = START_AT, dict[str, list[object]]()
    for message in messages(world("community", 3).fleet(), START_AT + 4 * HOUR_US):
        if message.readings == 1:  # else it comes from a band that was offline
            assert message.newest_at >= newest
            newest = message.newest_at
        readings = readings_of(message)
        assert len(readings) == message.readings
        numbers.setdefault(device_of(message), []).extend(one["seq"] for one in readings)
    assert len(numbers) == 60
    for seen in numbers.values():
        assert seen == [*range(1, len(seen) + 1)]


def test_ticks_are_spread_over_the_interval() -> None:
    fleet = world("calm", wearers=10).fleet()
    times = [one.newest_at for one in messages(fleet, START_AT + MINUTE_US - 1)]
    assert times == [START_AT + n * MINUTE_US // 10 for n in range(10)]


def test_asked_late_a_band_says_all_it_has_in_one_message() -> None:
    played = world("calm", wearers=2)
    fleet = played.fleet()
    late = [fleet.pop(START_AT + 30 * MINUTE_US) for _ in range(3)]
    assert [one and one.readings for one in late] == [31, 30, None]


def test_nothing_is_due_before_its_time() -> None:
    fleet = world("calm").fleet()
    assert fleet.pop(START_AT - 1) is None
    assert fleet.next_at == START_AT


def test_a_fleet_of_dead_bands_has_nothing_left_to_say() -> None:
    fleet = world("dead-band", wearers=1).fleet()
    assert len([*messages(fleet, START_AT + 365 * 24 * HOUR_US)]) == 3
    assert fleet.next_at is None


def test_a_restart_has_another_boot_word_and_the_same_people() -> None:
    before, after = world("calm"), world("calm", from_at=START_AT + HOUR_US)
    words = {one.bands[0].boot for one in (before, after)}
    assert len(words) == 2
    assert all(len(word) <= 32 for word in words)
    assert [band.wearer for band in before.bands] == [band.wearer for band in after.bands]
