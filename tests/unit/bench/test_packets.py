import json
from pathlib import Path

import pytest

from bench.load import TOPIC, Stream, device_id, messages, warm_up
from bench.packets import Index, connect, index_path, publish, remaining_length, write
from domain.instant import parse_rfc3339

NOW = parse_rfc3339("2026-02-03T04:05:06Z")
LANES = 3


@pytest.mark.parametrize(
    ("length", "coded"),
    [
        (0, b"\x00"),
        (127, b"\x7f"),
        (128, b"\x80\x01"),
        (16_383, b"\xff\x7f"),
        (16_384, b"\x80\x80\x01"),
        (268_435_455, b"\xff\xff\xff\x7f"),
    ],
)
def test_remaining_length_is_as_in_the_table_of_the_standard(length: int, coded: bytes) -> None:
    assert remaining_length(length) == coded


def test_a_publish_at_qos_1() -> None:
    assert publish(b"a/b", b"hi", 0x1234) == b"\x32\x09\x00\x03a/b\x12\x34hi"


def test_a_connect_with_a_clean_session() -> None:
    assert connect("me") == b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x00\x00\x02me"


def published(data: bytes) -> list[tuple[str, int, bytes]]:
    """(topic, packet id, payload) of each packet."""
    found = []
    while data:
        assert data[0] == 0x32
        length, shift, at = 0, 0, 1
        while True:
            length |= (data[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if data[at - 1] < 128:
                break
        body, data = data[at : at + length], data[at + length :]
        end = 2 + int.from_bytes(body[:2], "big")
        packet_id = int.from_bytes(body[end : end + 2], "big")
        found.append((body[2:end].decode(), packet_id, body[end + 2 :]))
    return found


def test_the_file_has_every_message_in_the_order_of_its_wearer(tmp_path: Path) -> None:
    stream = Stream(200, wearers=40)
    index = write(stream, NOW, LANES, tmp_path / "stream.bin")
    data = (tmp_path / "stream.bin").read_bytes()
    at = 0
    for number, chunks in enumerate(index.lanes):
        size = sum(length for length, _ in chunks)
        lane, at = data[at : at + size], at + size
        assert [id_ for _, id_, _ in published(lane)] == list(range(1, len(published(lane)) + 1))
        assert [(topic, payload) for topic, _, payload in published(lane)] == [
            (TOPIC.format(device_id(message.wearer)), message.payload)
            for message in (*warm_up(stream, NOW), *messages(stream, NOW))
            if message.wearer % LANES == number
        ]
        start = 0
        for length, count in chunks:
            assert len(published(lane[start : start + length])) == count
            start += length
        warm = sum(count for _, count in chunks[: index.warm_chunks[number]])
        assert warm == len([n for n in range(40) if n % LANES == number])
    assert at == len(data)
    assert (index.warm_messages, index.messages) == (40, 200)


def test_the_index_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "stream.bin"
    index = write(Stream(20, wearers=4), NOW, 2, path)
    again = Index.read(index_path(path))
    assert json.dumps(again.lanes) == json.dumps(index.lanes)
    assert (again.file, again.warm_chunks) == (index.file, index.warm_chunks)
