"""A stream as bytes: PUBLISH packets of MQTT 3.1.1 in a file, cut in chunks for a few connections.

Encoded before the clock starts, so that the generator need only send. All messages of one wearer
go over one connection and stay in order.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Final

from bench.load import TOPIC, Message, Stream, device_id, messages, warm_up

CHUNK: Final = 16
"""Messages that are sent in one call."""
LAST_ID: Final = 65_535


@dataclass(slots=True)
class Lane:
    """What one connection sends."""

    data: list[bytes] = field(default_factory=list)
    pending: list[bytes] = field(default_factory=list)
    chunks: list[tuple[int, int]] = field(default_factory=list)
    """(bytes, messages)"""
    last_id: int = 0

    def add(self, message: Message) -> None:
        """One more packet, with the next packet id."""
        self.last_id = self.last_id % LAST_ID + 1
        topic = TOPIC.format(device_id(message.wearer)).encode()
        self.pending.append(publish(topic, message.payload, self.last_id))
        if len(self.pending) == CHUNK:
            self.close()

    def close(self) -> None:
        """Ends the present chunk."""
        if self.pending:
            chunk = b"".join(self.pending)
            self.data.append(chunk)
            self.chunks.append((len(chunk), len(self.pending)))
            self.pending = []


@dataclass(frozen=True, slots=True)
class Index:
    """What is where in a stream's file."""

    file: str
    warm_chunks: list[int]
    """For each lane, how many chunks the warm-up has."""
    lanes: list[list[tuple[int, int]]]
    """For each lane, its chunks: (bytes, messages). Lanes lie one after the other."""
    warm_messages: int
    messages: int

    @staticmethod
    def read(path: Path) -> "Index":
        """What `write` wrote."""
        return Index(**json.loads(path.read_text()))


def write(stream: Stream, now: int, lanes: int, path: Path) -> Index:
    """Writes the packets to `path`, and the index beside it as `path`.json."""
    filled = [Lane() for _ in range(lanes)]
    warm = _fill(filled, warm_up(stream, now))
    warm_chunks = [len(lane.chunks) for lane in filled]
    sent = _fill(filled, messages(stream, now))
    with path.open("wb") as file:
        file.writelines(chain.from_iterable(lane.data for lane in filled))
    index = Index(str(path), warm_chunks, [lane.chunks for lane in filled], warm, sent)
    index_path(path).write_text(json.dumps(asdict(index)))
    return index


def index_path(path: Path) -> Path:
    """Where the index of a stream's file is."""
    return path.with_suffix(".json")


def _fill(lanes: list[Lane], stream: Iterable[Message]) -> int:
    count = 0
    for message in stream:
        lanes[message.wearer % len(lanes)].add(message)
        count += 1
    for lane in lanes:
        lane.close()
    return count


def publish(topic: bytes, payload: bytes, packet_id: int) -> bytes:
    """A PUBLISH at QoS 1 (MQTT 3.1.1, section 3.3)."""
    body = len(topic).to_bytes(2, "big") + topic + packet_id.to_bytes(2, "big") + payload
    return b"\x32" + remaining_length(len(body)) + body


def remaining_length(length: int) -> bytes:
    """Section 2.2.3: seven bits a byte, the lowest first."""
    coded = bytearray()
    while True:
        length, low = divmod(length, 128)
        coded.append(low | (128 if length else 0))
        if not length:
            return bytes(coded)


def connect(client_id: str) -> bytes:
    """A CONNECT with a clean session and no keep-alive (section 3.1)."""
    name = client_id.encode()
    body = b"\x00\x04MQTT\x04\x02\x00\x00" + len(name).to_bytes(2, "big") + name
    return b"\x10" + remaining_length(len(body)) + body
