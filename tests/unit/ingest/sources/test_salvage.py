import mqtt5
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.salvage import Salvaged, salvage


@given(
    topic=st.text(st.characters(codec="utf-8", exclude_characters="+#\0"), min_size=1, max_size=50),
    payload=st.binary(max_size=300),
    retain=st.booleans(),
    packet_id=st.none() | st.integers(1, 65_535),
    user_properties=st.lists(st.tuples(st.text(max_size=9), st.text(max_size=9)), max_size=20),
    behind=st.binary(max_size=9),
)
def test_it_agrees_with_the_codec(  # one independent reading of the format against another
    topic: str,
    payload: bytes,
    retain: bool,
    packet_id: int | None,
    user_properties: list[tuple[str, str]],
    behind: bytes,
) -> None:
    packet = mqtt5.PublishPacket(
        topic,
        payload,
        qos=mqtt5.QoS.AT_MOST_ONCE if packet_id is None else mqtt5.QoS.AT_LEAST_ONCE,
        retain=retain,
        packet_id=packet_id,
        user_properties=user_properties,
    )
    data = packet.write()
    assert salvage(memoryview(data + behind)) == Salvaged(
        packet_id, topic, payload, retain, duplicate=False, size=len(data)
    )


def test_text_that_is_not_utf_8_is_replaced_in_the_topic_and_skipped_elsewhere() -> None:
    property_ = b"\x26\x00\x01\xff\x00\x01b"
    data = b"\x3b\x10\x00\x03a\xffb\x01\x02\x07" + property_ + b"x"
    assert salvage(memoryview(data)) == Salvaged(
        0x0102, "a\ufffdb", b"x", retain=True, duplicate=True, size=len(data)
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x20\x03\x00\x00\x00",  # no PUBLISH
        b"\x34\x07\x00\x01a\x00\x05\x00x",  # QoS 2
        b"\x36\x07\x00\x01a\x00\x05\x00x",  # QoS 3
        b"\x32\x07\x00\x01a\x00\x00\x00x",  # packet id 0
        b"\x32\x08\x00\x01a\x00\x05\x00x",  # not all here
        b"\x32\x07\x00\x09a\x00\x05\x00x",  # a topic longer than the packet
        b"\x32\x07\x00\x01a\x00\x05\x09x",  # properties longer than the packet
        b"\x32\xff\xff\xff\xff\x01",  # a length without end
        b"\x32\x04\x00\x01a\x00",  # no packet id
    ],
)
def test_what_cannot_be_cut_out(data: bytes) -> None:
    assert salvage(memoryview(data)) is None


@given(st.binary(max_size=40), st.sampled_from([0x30, 0x31, 0x32, 0x3A]))
def test_it_is_total(data: bytes, first: int) -> None:
    salvage(memoryview(data))
    found = salvage(memoryview(bytes((first,)) + data))
    if found is not None:
        assert 0 < found.size <= len(data) + 1
