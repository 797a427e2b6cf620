"""Bands that keep what is not receipted: nothing changes while receipts come, nothing is lost."""

from domain.instant import DAY_US, HOUR_US, MINUTE_US
from simulator.fleet import Fleet, Message
from simulator.held import PATIENCE_US
from simulator.receipt import Receipt
from tests.unit.simulator.worlds import START_AT, World, device_of, messages, readings_of, world

INTERVAL = MINUTE_US


def keeping(played: World) -> Fleet:
    return Fleet(played.bands, played.schedule.from_at, PATIENCE_US)


def said(sent: list[Message]) -> list[object]:
    return [one["seq"] for message in sent for one in readings_of(message)]


def receipt(played: World, seq: int, *missing: tuple[int, int]) -> Receipt:
    return Receipt(played.schedule.boot, seq, missing)


def test_with_receipts_a_band_says_what_it_always_said() -> None:
    played = world("community", 3, wearers=20)
    fleet, end_at = keeping(played), START_AT + 2 * HOUR_US
    wanted = messages(played.fleet(), end_at)
    for message in messages(fleet, end_at):
        assert message == next(wanted)
        seq = readings_of(message)[-1]["seq"]
        assert isinstance(seq, int)
        fleet.receipted(device_of(message), receipt(played, seq), message.newest_at)
    assert next(wanted, None) is None
    assert fleet.unreceipted == 0


def test_what_is_missing_is_said_again_in_the_same_words() -> None:
    played = world("calm", wearers=1)
    fleet = keeping(played)
    sent = list(messages(fleet, START_AT + 9 * INTERVAL))
    now = START_AT + 9 * INTERVAL + 1
    fleet.receipted(played.bands[0].device, receipt(played, 10, (3, 3), (5, 6)), now)
    assert fleet.unreceipted == 3
    message = fleet.pop(now)
    assert message is not None
    assert message.again
    first = [one for each in sent for one in readings_of(each)]
    assert readings_of(message) == [first[2], first[4], first[5]]
    assert fleet.pop(now) is None


def test_without_receipts_it_gives_up_after_the_third_time() -> None:
    played = world("dead-band", wearers=1)
    fleet = keeping(played)
    sent = list(messages(fleet, START_AT + DAY_US))
    assert said(sent) == [1, 2, 3] * 4
    assert [one.again for one in sent] == [False] * 3 + [True] * 3
    assert fleet.next_at is None
    assert fleet.unreceipted == 3


def test_a_fleet_that_hears_no_receipts_says_everything_once() -> None:
    played = world("dead-band", wearers=1)
    assert said(list(messages(played.fleet(), START_AT + DAY_US))) == [1, 2, 3]


def test_a_receipt_of_another_boot_or_of_a_stranger_is_none() -> None:
    played = world("calm", wearers=1)
    fleet = keeping(played)
    list(messages(fleet, START_AT + INTERVAL))
    fleet.receipted(played.bands[0].device, Receipt("another", 99), START_AT)
    fleet.receipted(played.bands[0].device, Receipt(None, 99), START_AT)
    fleet.receipted("stranger", receipt(played, 99), START_AT)
    assert fleet.unreceipted == 2


def test_a_band_remembers_a_day() -> None:
    played = world("calm", wearers=1, interval_s=600)
    fleet = keeping(played)
    list(messages(fleet, START_AT + 3 * DAY_US))
    assert fleet.unreceipted == 145
    now = START_AT + 3 * DAY_US + 1
    fleet.receipted(played.bands[0].device, receipt(played, 432, (1, 432)), now)
    again = [fleet.pop(now), fleet.pop(now), fleet.pop(now)]
    assert again[2] is None
    assert said([one for one in again if one is not None]) == [*range(290, 433)]


def test_old_appointments_are_not_kept() -> None:
    played = world("dead-band", wearers=1)
    fleet = keeping(played)
    list(messages(fleet, START_AT + 3 * INTERVAL))
    for n in range(1_000):
        fleet.receipted(played.bands[0].device, receipt(played, 1), START_AT + 3 * INTERVAL + n)
    assert len(fleet._heap) == 1
