"""How long from a device's publish to the doctor's screen: probes among steady traffic.

A probe is a spot thermometer of a wearer of its own, whose one reading is a fever at once. The
clock starts before its bytes are written and stops when the `data` line of its alert has been read
from the event stream; beside it, when the broker's puback was there. All of it is this machine's
one monotonic clock.
"""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from bench.load import TOPIC, Stream
from bench.packets import connect, publish
from bench.people import PROBES, STAFF
from bench.world import World, turn
from domain.instant import format_rfc3339
from doorstep.clock import SystemClock
from tests.services import doorstep

RATES: Final = (1_000, 10_000)
SHARE: Final = 0.7
"""The third rate, as a share of the most that was committed in this run."""
SECONDS: Final = 6.0
PROBES_S: Final = 100.0
HEARD_WITHIN_S: Final = 30.0
FEVER_C: Final = 38.4
TURNS_APART: Final = 1_000
"""Between the streams of two rates, so that none repeats the other's readings."""


class Screen:
    """One subscriber of the event stream."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HEARD_WITHIN_S)
        headers = {"Authorization": f"Bearer {token}"}
        self._connection.request("GET", "/api/v1/alerts/stream", headers=headers)
        self._answer = self._connection.getresponse()
        assert self._answer.status == http.HTTPStatus.OK, self._answer.read()
        assert self._answer.readline(), "the stream says hello"
        self._lines: list[tuple[int, bytes]] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def heard(self) -> dict[str, int]:
        """When (monotonic, ns) the first alert of each device was there."""
        first: dict[str, int] = {}
        for at, line in tuple(self._lines):
            event = json.loads(line)
            if event.get("type") == "new":
                first.setdefault(event["after"]["device"], at)
        return first

    def close(self) -> None:
        if self._connection.sock is not None:
            self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(HEARD_WITHIN_S)
        self._connection.close()

    def _read(self) -> None:
        try:
            while line := self._answer.readline():
                if line.startswith(b"data:"):
                    self._lines.append((time.monotonic_ns(), line[5:]))
        except (OSError, ValueError):
            return


def latencies(world: World, scale: float) -> dict[str, list[float]]:
    """Milliseconds of each probe, by rate; the third rate needs `world.maximum`."""
    seconds = SECONDS * max(scale, 0.5)
    rates = {f"latency.{rate}": float(rate) for rate in RATES}
    rates["latency.most"] = world.maximum * SHARE
    probes = round(PROBES_S * seconds)
    found: dict[str, list[float]] = {}
    with (
        world.broker() as broker,
        world.database(Stream(0).wearers, probes * len(rates)) as database,
        world.ingest(database, broker),
        doorstep.serve(database, folder(world)) as serve,
        closing(Screen(serve.port, token(database))) as screen,
        connected(broker.port) as probe,
    ):
        for number, (name, rate) in enumerate(rates.items()):
            stream = Stream(round(rate * seconds), first_turn=number * TURNS_APART)
            with world.generator(stream, broker) as generator:
                turn(generator, "warm")
                generator.say(f"run {rate}")
                ours = [PROBES.format(number * probes + n) for n in range(probes)]
                sent = list(send(probe, ours, PROBES_S))
                generator.answer()
            heard = [_heard(screen, ours)[device] for device in ours]
            pairs = zip(sent, heard, strict=True)
            found[name] = [(seen_ns - sent_ns) / 1e6 for (sent_ns, _), seen_ns in pairs]
            found[f"{name}.broker"] = [(acked - begun) / 1e6 for begun, acked in sent]
            world.forget(stream)
    return found


def folder(world: World) -> Path:
    folder = world.folder / "serve"
    folder.mkdir(exist_ok=True)
    return folder


def token(database: str) -> str:
    env = {"DOORSTEP_DATABASE_URL": database}
    made = doorstep.run(["token", "create", "--staff", STAFF], env)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port)) as probe:
        probe.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        probe.sendall(connect("bench-probes"))
        assert probe.recv(4)[:1] == b"\x20"
        yield probe


def send(probe: socket.socket, devices: list[str], per_s: float) -> Iterator[tuple[int, int]]:
    """Publishes one reading of each, so many a second, evenly in time.

    Yields when (monotonic, ns) it was written, and when the broker's puback was there.
    """
    begun = time.monotonic()
    for number, device in enumerate(devices):
        measured_at = format_rfc3339(SystemClock().now())
        reading = {"measured_at": measured_at, "temperature_c": FEVER_C, "site": "axillary"}
        topic = TOPIC.format(device).encode()
        packet = publish(topic, json.dumps(reading).encode(), number + 1)
        time.sleep(max(0.0, begun + number / per_s - time.monotonic()))
        at = time.monotonic_ns()
        probe.sendall(packet)
        assert probe.recv(4) == b"\x40\x02" + (number + 1).to_bytes(2, "big")
        yield at, time.monotonic_ns()


def _heard(screen: Screen, devices: list[str]) -> dict[str, int]:
    deadline = time.monotonic() + HEARD_WITHIN_S
    while missing := set(devices) - (heard := screen.heard()).keys():
        assert time.monotonic() < deadline, f"no alert of {len(missing)} of {len(devices)} probes"
        time.sleep(0.1)
    return heard
