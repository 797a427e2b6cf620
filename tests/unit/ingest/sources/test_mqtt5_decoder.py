from itertools import pairwise

import mqtt5
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.mqtt5_decoder import MAX_PACKET_BYTES, Decoded, Decoder
from ingest.sources.port import Envelope
from ingest.sources.window import Window

AT = 1_770_091_506_789_000


def decoder(generation: int = 3) -> Decoder:
    return Decoder(Window(generation))


def publish(payload: bytes, packet_id: int | None, topic: str = "t") -> bytes:
    qos = mqtt5.QoS.AT_MOST_ONCE if packet_id is None else mqtt5.QoS.AT_LEAST_ONCE
    return mqtt5.PublishPacket(topic, payload, qos=qos, packet_id=packet_id).write()


def payloads(decoded: Decoded) -> list[bytes]:
    return [each.payload for each in decoded.arrived]


def test_messages_and_other_packets_come_apart_each_in_order() -> None:
    ping = mqtt5.PingRespPacket().write()
    data = publish(b"1", 5) + ping + publish(b"2", None) + b"\xe0\x00" + publish(b"3", 6)
    decoded = decoder().feed(data, AT)
    assert decoded.arrived == [
        Envelope((3, 5), "t", b"1", AT),
        Envelope(None, "t", b"2", AT),
        Envelope((3, 6), "t", b"3", AT),
    ]
    kinds = [type(each) for each in decoded.controls]
    assert kinds == [mqtt5.PingRespPacket, mqtt5.DisconnectPacket]
    assert decoded.fault is None


@given(st.lists(st.integers(0, 400), max_size=12))
def test_how_the_bytes_are_cut_makes_no_difference(cuts: list[int]) -> None:
    data = b"".join(publish(b"x" * (17 * n), n) for n in range(1, 7)) + b"\xd0\x00"
    cutting, seen, controls = decoder(), [], []
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    for start, end in pairwise(edges):
        decoded = cutting.feed(data[start:end], AT)
        assert decoded.fault is None
        seen += decoded.arrived
        controls += decoded.controls
    assert seen == decoder().feed(data, AT).arrived
    assert len(controls) == 1


def test_an_unconfirmed_repeat_is_left_out_and_a_settled_number_is_new_again() -> None:
    window = Window(1)
    repeating = Decoder(window)
    assert payloads(repeating.feed(publish(b"a", 5) + publish(b"a", 5), AT)) == [b"a"]
    assert payloads(repeating.feed(publish(b"a", 5), AT)) == []
    assert window.settle([(1, 5)]) == [5]
    assert payloads(repeating.feed(publish(b"b", 5), AT)) == [b"b"]


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\xff\xff\xff\xff\xff",
        b"\x00\x00",
        b"\xd0\x01\x00",
        b"\x30\x03\x00\x64a",
        b"\x34\x07\x00\x01a\x00\x05\x00x",
        b"\x20\x02\x00\x01",
    ],
)
def test_a_fault_comes_behind_what_was_good(nonsense: bytes) -> None:
    decoded = decoder().feed(publish(b"good", 1) + nonsense + publish(b"never", 2), AT)
    assert payloads(decoded) == [b"good"]
    assert decoded.fault is not None


def test_a_fault_shows_where_it_began() -> None:
    decoded = decoder().feed(b"\x20\x02\x00\x01", AT)
    assert decoded.fault is not None
    assert decoded.fault.head == b"\x20\x02\x00\x01"


@given(st.lists(st.binary(max_size=30), max_size=6))
def test_it_is_total(chunks: list[bytes]) -> None:
    fuzzed = decoder()
    for chunk in chunks:
        if fuzzed.feed(chunk, AT).fault is not None:
            break


# The codec panics over text that is not UTF-8, and leaves an exception lying about.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_message_the_codec_refuses_is_cut_out_and_those_behind_it_come() -> None:
    bad = b"\x32\x09\x00\x03a\xffb\x00\x05\x00x"
    decoded = decoder().feed(publish(b"1", 4) + bad + bad + publish(b"2", 6), AT)
    assert payloads(decoded) == [b"1", b"x", b"2"]
    assert decoded.arrived[1] == Envelope((3, 5), "a\ufffdb", b"x", AT)
    assert decoded.fault is None


def test_a_packet_without_end_is_a_fault() -> None:
    endless = decoder()
    chunk = bytes(1 << 20)
    assert endless.feed(b"\x32\xff\xff\xff\x7f", AT).fault is None
    for _ in range(MAX_PACKET_BYTES // len(chunk) - 1):
        assert endless.feed(chunk, AT).fault is None
    assert endless.feed(chunk, AT).fault is not None
