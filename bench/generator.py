"""The devices: a process that sends a stream's file over a few sockets, and costs next to nothing.

    python -m bench.generator STREAM.json PORT

Takes a command a line on standard input, `warm` or `run [messages/s]`, and answers each with a line
of JSON when everything of it is confirmed. Confirmations are counted, not read: a PUBACK of MQTT
3.1.1 has four bytes. At most `WINDOW` messages are unconfirmed at a time.
"""

import json
import mmap
import resource
import select
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.packets import Index, connect

WINDOW: Final = 4_000
REST_S: Final = 0.002
"""Between two rounds over the sockets. To wake for each confirmation costs more than to send."""
STUCK_S: Final = 60.0
PUBACK_BYTES: Final = 4


class Lane:
    """One connection and what is to go over it."""

    def __init__(
        self, port: int, name: str, data: memoryview, chunks: Sequence[Sequence[int]]
    ) -> None:
        self._data = data
        self._chunks = chunks
        self._next = 0
        self._at = 0
        self._end = 0
        self._heard = 0
        self.begun = 0
        """Messages of chunks that are sent, or begun."""
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall(connect(name))
        assert self.socket.recv(4) == b"\x20\x02\x00\x00", "the broker refuses"
        self.socket.settimeout(0)

    @property
    def confirmed(self) -> int:
        return self._heard // PUBACK_BYTES

    @property
    def midway(self) -> bool:
        """Whether a chunk is sent in part."""
        return self._at < self._end

    def done(self, upto: int) -> bool:
        return self._next >= upto and not self.midway and self.confirmed == self.begun

    def listen(self) -> None:
        try:
            while data := self.socket.recv(65_536):
                self._heard += len(data)
                if len(data) < 65_536:
                    return
        except BlockingIOError:
            return
        if not data:
            raise ConnectionError("the broker hung up")

    def send(self, upto: int) -> bool:
        """Sends the rest of the chunk begun, or the next one; whether the socket may take more."""
        if not self.midway:
            if self._next >= upto:
                return False
            size, count = self._chunks[self._next]
            self._next += 1
            self._end += size
            self.begun += count
        try:
            self._at += self.socket.send(self._data[self._at : self._end])
        except BlockingIOError:
            return False
        return not self.midway


class Generator:
    """All connections."""

    def __init__(self, index: Index, port: int) -> None:
        with Path(index.file).open("rb") as file:
            view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        self.index = index
        self.lanes = []
        at = 0
        for n, chunks in enumerate(index.lanes):
            size = sum(chunk[0] for chunk in chunks)
            self.lanes.append(Lane(port, f"bench-{n}", view[at : at + size], chunks))
            at += size

    def send(self, upto: Sequence[int], per_s: float | None) -> dict[str, float]:
        """Sends up to these chunks of each lane, and returns when they are confirmed."""
        cpu, begun_ns = _cpu_s(), time.monotonic_ns()
        before = sum(lane.begun for lane in self.lanes)
        window = WINDOW // len(self.lanes)
        heard, heard_ns = -1, begun_ns
        while True:
            passed_s = (time.monotonic_ns() - begun_ns) / 1e9
            due = float("inf") if per_s is None else before + per_s * passed_s
            sent = sum(lane.begun for lane in self.lanes)
            for lane, last in zip(self.lanes, upto, strict=True):
                lane.listen()
                while (lane.midway or lane.begun - lane.confirmed < window) and sent < due:
                    had = lane.begun
                    more = lane.send(last)
                    sent += lane.begun - had
                    if not more or per_s is not None:
                        break
            if all(lane.done(last) for lane, last in zip(self.lanes, upto, strict=True)):
                break
            if heard != (heard := sum(lane.confirmed for lane in self.lanes)):
                heard_ns = time.monotonic_ns()
            elif time.monotonic_ns() - heard_ns > STUCK_S * 1e9:
                raise TimeoutError("the broker confirms nothing any more")
            time.sleep(REST_S)
        return {
            "begun_ns": begun_ns,
            "ended_ns": time.monotonic_ns(),
            "messages": sum(lane.begun for lane in self.lanes) - before,
            "cpu_s": _cpu_s() - cpu,
        }


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(arguments: list[str]) -> None:
    """Serves commands until standard input ends."""
    index = Index.read(Path(arguments[0]))
    generator = Generator(index, int(arguments[1]))
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        command, *rate = line.split()
        upto = index.warm_chunks if command == "warm" else [len(chunks) for chunks in index.lanes]
        answer = generator.send(upto, float(rate[0]) if rate else None)
        print(json.dumps(answer), flush=True)
    # Hang up only when everybody has: a last will is not our business.
    select.select([], [], [], 0)


if __name__ == "__main__":
    main(sys.argv[1:])
