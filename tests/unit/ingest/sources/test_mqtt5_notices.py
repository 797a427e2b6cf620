"""Packet ids of our own, and how many may be under way."""

import logging
from typing import Literal

import mqtt5
import pytest

from ingest.sources.mqtt5_notices import FIRST_ID, LAST_ID, Mqtt5Notices
from ingest.sources.port import NOTICES_MAX, Notice


def notices(count: int, qos: Literal[0, 1] = 1) -> list[Notice]:
    return [Notice("t", b"%d" % number, qos) for number in range(count)]


def ids(packets: list[bytes]) -> list[int | None]:
    read = [mqtt5.read(memoryview(packet))[0] for packet in packets]
    return [each.packet_id for each in read if isinstance(each, mqtt5.PublishPacket)]


def confirm(it: Mqtt5Notices, *packet_ids: int | None) -> None:
    for packet_id in packet_ids:
        assert packet_id is not None
        assert it.settle(mqtt5.PubAckPacket(packet_id))


def test_a_notice_becomes_a_packet() -> None:
    (packet,) = Mqtt5Notices().encode([Notice("a/b", b"x", 1)])
    read, size = mqtt5.read(memoryview(packet))
    assert isinstance(read, mqtt5.PublishPacket)
    assert size == len(packet)
    assert (read.topic, read.payload, read.qos, read.retain) == (
        "a/b",
        b"x",
        mqtt5.QoS.AT_LEAST_ONCE,
        False,
    )


def test_at_qos_0_nothing_is_under_way() -> None:
    it = Mqtt5Notices()
    it.limit(1)
    assert ids(it.encode(notices(5, qos=0))) == [None] * 5
    assert ids(it.encode(notices(1))) == [FIRST_ID]
    assert ids(it.encode(notices(5, qos=0))) == [None] * 5


@pytest.mark.parametrize(("receive_maximum", "taken"), [(7, 7), (65_535, NOTICES_MAX)])
def test_the_smaller_bound_counts(receive_maximum: int, taken: int) -> None:
    it = Mqtt5Notices()
    it.limit(receive_maximum)
    packets = it.encode(notices(NOTICES_MAX + 5))
    assert len(packets) == taken
    assert it.encode(notices(1)) == []
    confirm(it, ids(packets)[0])
    assert len(it.encode(notices(2))) == 1


def test_what_is_behind_a_notice_without_room_waits_with_it() -> None:
    it = Mqtt5Notices()
    it.limit(1)
    mixed = [*notices(1), *notices(1, qos=0), *notices(1), *notices(1, qos=0)]
    assert len(it.encode(mixed)) == 2


def test_ids_come_round_and_skip_those_in_use() -> None:
    it = Mqtt5Notices()
    first, *others = ids(it.encode(notices(2)))
    confirm(it, *others)
    seen: list[int | None] = []
    while LAST_ID not in seen[-500:]:
        given = ids(it.encode(notices(500)))
        seen += given
        confirm(it, *given)
    assert first == FIRST_ID
    assert {FIRST_ID + 1} < {*seen} < {*range(FIRST_ID + 1, LAST_ID + 1)} | {None}
    assert not {FIRST_ID, 1, 2, 0, None} & {*seen}
    assert len(seen) >= LAST_ID - FIRST_ID - 1


def test_a_confirmation_of_nothing_is_none_of_ours() -> None:
    it = Mqtt5Notices()
    (packet_id,) = ids(it.encode(notices(1)))
    assert packet_id is not None
    assert not it.settle(mqtt5.PubAckPacket(packet_id + 1))
    confirm(it, packet_id)
    assert not it.settle(mqtt5.PubAckPacket(packet_id))


def test_refusals_are_counted_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    it = Mqtt5Notices()
    for code in (0x00, 0x10, 0x87, 0x97):
        (packet_id,) = ids(it.encode(notices(1)))
        assert packet_id is not None
        reason = mqtt5.PubAckReasonCode(code)
        assert it.settle(mqtt5.PubAckPacket(packet_id, reason_code=reason))
    assert it.refused == 2
    assert len(caplog.records) == 1
