"""Many who listen to the event stream at once, some of whom stop to read.

    python -m bench.audience PORT TOKEN LIVE FROZEN

Says `{"ready": true}` when all are connected. Then, at the word `count`, how many events each of
the live ones has heard; at `times`, a list of [event id, device, instants (monotonic, ns)]; at
`thaw ID`, the frozen ones read what is left for them and resume until they have event ID, and it
says how many events, of all together, never came to one of them.
"""

import asyncio
import json
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import uvloop

_RECEIVE_BUFFER: Final = 4_096
_QUIET_S: Final = 60.0
_THREADS: Final = 20


def _request(port: int, token: str, last_id: int | None) -> bytes:
    resume = "" if last_id is None else f"Last-Event-ID: {last_id}\r\n"
    return (
        f"GET /api/v1/alerts/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Authorization: Bearer {token}\r\n{resume}\r\n"
    ).encode()


class Live:
    """One who reads everything as it comes."""

    def __init__(self) -> None:
        self.heard: dict[int, int] = {}
        """Event id -> when."""
        self.devices: dict[int, str] = {}
        """Of the first who listens: event id -> whose alert."""

    async def listen(self, port: int, token: str, ready: asyncio.Event, *, look: bool) -> None:
        """Until the stream ends."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        writer.write(_request(port, token, None))
        data = b""
        begun = False
        while line := await reader.readline():
            if line.startswith(b"data: "):
                data = line
            elif line.startswith(b"id: ") and data:
                number = int(line[4:])
                self.heard[number] = time.monotonic_ns()
                if look:
                    self.devices[number] = json.loads(data[6:])["after"]["device"]
                data = b""
            elif line.startswith(b"id: ") and not begun:
                begun = True
                ready.set()


class Frozen:
    """One who connects, and reads only when told."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._token = token
        self._last_id: int | None = None
        self._heard: dict[int, int] = {}
        self._socket = self._connected(None)
        # The hello, so that it is known from where on it listens.
        self._take(self._socket.makefile("rb"), None, hello=True)

    def _connected(self, last_id: int | None) -> socket.socket:
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        made.settimeout(_QUIET_S)
        made.connect(("127.0.0.1", self._port))
        made.sendall(_request(self._port, self._token, last_id))
        return made

    def thaw(self, until: int) -> dict[int, int]:
        """Reads to the end of what is there and resumes, until it has that event: what it heard."""
        self._read(until)
        while until not in self._heard:
            self._socket.close()
            self._socket = self._connected(self._last_id)
            self._read(until)
        self._socket.close()
        return self._heard

    def _read(self, until: int) -> None:
        try:
            self._take(self._socket.makefile("rb"), until, hello=False)
        except ConnectionError:
            return

    def _take(self, stream: Any, until: int | None, *, hello: bool) -> None:
        data = False
        for line in stream:
            if line.startswith(b"data: "):
                data = line.endswith(b"\n")
            elif line.startswith(b"id: ") and line.endswith(b"\n"):
                self._last_id = int(line[4:])
                if data:
                    self._heard[self._last_id] = self._heard.get(self._last_id, 0) + 1
                data = False
                if hello or self._last_id == until:
                    return


async def main(port: int, token: str, live: int, frozen: int) -> None:
    """Returns when its standard input ends."""
    people = [Live() for _ in range(live)]
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as tasks:
        hellos = [asyncio.Event() for _ in people]
        listening = [
            tasks.create_task(each.listen(port, token, hello, look=n == 0))
            for n, (each, hello) in enumerate(zip(people, hellos, strict=True))
        ]
        await asyncio.gather(*(hello.wait() for hello in hellos))
        with ThreadPoolExecutor(_THREADS) as threads:
            stuck = await loop.run_in_executor(
                None, lambda: [Frozen(port, token) for _ in range(frozen)]
            )
            _say({"ready": True})
            while word := await loop.run_in_executor(None, sys.stdin.readline):
                _say(await _answer(word.split(), people, stuck, threads))
        for each in listening:
            each.cancel()


async def _answer(
    words: list[str], people: list[Live], stuck: list[Frozen], threads: ThreadPoolExecutor
) -> Any:
    match words:
        case ["count"]:
            return [len(each.heard) for each in people]
        case ["times"]:
            return [
                [number, device, [each.heard.get(number) for each in people]]
                for number, device in people[0].devices.items()
            ]
        case ["thaw", until]:
            loop = asyncio.get_running_loop()
            heard = await asyncio.gather(
                *(loop.run_in_executor(threads, each.thaw, int(until)) for each in stuck)
            )
            known = people[0].heard
            return {
                "lost": sum(number not in each for each in heard for number in known),
                "twice": sum(times > 1 for each in heard for times in each.values()),
            }
        case _:
            raise ValueError(words)


def _say(what: Any) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
