"""Five hundred who listen to the event stream, a hundred of whom have stopped reading.

Fifty webhooks beside them lead to somebody who takes every request and answers none. Alerts come
all the while, each from a band's publish on. The clock starts before its bytes are
written, and stops for each of those who read when the event is there. Then the frozen ones wake
up, read what is left for them, resume, and must have heard everything once.
"""

import http
import json
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bench.latency import connected, folder, send, token
from bench.people import PROBES
from bench.processes import Child, rss_mb
from bench.world import World
from tests.services import doorstep

LISTENERS: Final = 500
FROZEN: Final = 100
BLACK_HOLES: Final = 50
GRIDS: Final = [f"grid-{number}" for number in range(1, 101)]
ALERTS_S: Final = 20.0
SECONDS: Final = 40.0
HEARD_WITHIN_S: Final = 60.0


def crowded(world: World, scale: float) -> dict[str, list[float] | float]:
    """Milliseconds from publish to each listener, MB of `doorstep serve`, and events lost."""
    alerts = round(ALERTS_S * SECONDS * scale)
    with (
        world.broker() as broker,
        world.database(1, alerts) as database,
        world.ingest(database, broker),
        doorstep.serve(database, folder(world), FEEDS__ALLOW_PRIVATE="true") as serve,
        _black_holes(database, serve.port) as taken,
        _audience(world, serve.port, token(database)) as audience,
        connected(broker.port) as probe,
    ):
        assert serve.process is not None
        pid = serve.process.pid
        memory = [rss_mb(pid)]
        ours = [PROBES.format(n) for n in range(alerts)]
        sent: dict[str, int] = {}
        for device, (at, _) in zip(ours, send(probe, ours, ALERTS_S), strict=True):
            sent[device] = at
            if len(sent) % 50 == 0:
                memory.append(rss_mb(pid))
        _all_heard(audience, alerts)
        memory.append(rss_mb(pid))
        audience.say("times")
        times = audience.answer()
        audience.say(f"thaw {times[-1][0]}")
        frozen = audience.answer()
        memory.append(rss_mb(pid))
    assert taken, "the black holes were called"
    took = [(at - sent[device]) / 1e6 for _, device, heard in times for at in heard]
    return {
        "crowd": took,
        "crowd.memory_mb": max(memory),
        "crowd.begin_mb": memory[0],
        "crowd.lost": float(frozen["lost"]),
        "crowd.twice": float(frozen["twice"]),
    }


@contextmanager
def _black_holes(database: str, port: int) -> Iterator[list[socket.socket]]:
    """Makes the webhooks; yields the calls that they have taken."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=1_000) as hole:

        def swallow() -> None:
            while True:
                try:
                    taken.append(hole.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=swallow, daemon=True)
        thread.start()
        word = token(database)
        for number in range(BLACK_HOLES):
            address = f"http://127.0.0.1:{hole.getsockname()[1]}/{number}"
            _make_webhook(port, word, {"url": address, "grids": GRIDS, "name": f"hole {number}"})
        try:
            yield taken
        finally:
            hole.shutdown(socket.SHUT_RDWR)
            thread.join(HEARD_WITHIN_S)
            for each in taken:
                each.close()


def _make_webhook(port: int, word: str, body: dict[str, object]) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/webhooks",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {word}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=HEARD_WITHIN_S) as answer:
        assert answer.status == http.HTTPStatus.CREATED


@contextmanager
def _audience(world: World, port: int, word: str) -> Iterator[Child]:
    numbers = (LISTENERS - FROZEN, FROZEN)
    log = world.log("audience")
    with Child.module("bench.audience", port, word, *numbers, log=log) as audience:
        assert audience.answer() == {"ready": True}
        yield audience


def _all_heard(audience: Child, alerts: int) -> None:
    deadline = time.monotonic() + HEARD_WITHIN_S
    while True:
        audience.say("count")
        least = min(audience.answer())
        if least >= alerts:
            return
        assert time.monotonic() < deadline, f"{least} of {alerts} alerts heard by all"
        time.sleep(0.2)
