"""What ours is compared with: short programs, and Node-RED, on the same broker and server."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

import psycopg

from bench import node_red
from bench.load import Stream
from bench.plain import TABLE
from bench.processes import Child
from bench.world import World, turn

WARM: Final = 500
"""Messages before the clock starts: a whole batch."""
SHARES: Final = {"paho": 6_000, "aiomqtt": 30_000, "node-red": 6_000}
"""How many messages each is given: some seconds' worth."""
STORED_WITHIN_S: Final = 120.0

Started = AbstractContextManager[object]
Start = Callable[[int, str], Started]
"""Starts a candidate on the broker's port and a database; it hears when entered."""


def paho(world: World, scale: float) -> dict[str, float]:
    """One INSERT and COMMIT a message."""
    return _plain(world, scale, "paho")


def aiomqtt(world: World, scale: float) -> dict[str, float]:
    """Batches of 500."""
    return _plain(world, scale, "aiomqtt")


def flow(world: World, scale: float) -> dict[str, float]:
    """Node-RED; nothing when it cannot be had here, and then `node_red.trouble` says why."""
    if node_red.trouble():
        return {}

    def start(port: int, database: str) -> Started:
        return node_red.running(world.folder, port, database)

    return {"node-red.readings_s": _rate(world, "node-red", scale, start)}


def _plain(world: World, scale: float, name: str) -> dict[str, float]:
    def start(port: int, database: str) -> Started:
        child = Child.module("bench.plain", name, port, database, log=world.log(name))
        assert child.answer() == {"ready": True}
        return child

    return {f"{name}.readings_s": _rate(world, name, scale, start)}


def _rate(world: World, name: str, scale: float, start: Start) -> float:
    messages = round(SHARES[name] * scale / WARM) * WARM
    stream = Stream(messages, wearers=WARM)
    database = world.postgres.empty_database()
    try:
        with (
            world.broker() as broker,
            psycopg.connect(database, autocommit=True) as connection,
        ):
            connection.execute(TABLE)
            with start(broker.port, database), world.generator(stream, broker) as generator:
                turn(generator, "warm")
                _wait(connection, WARM)
                sending = turn(generator, "run")
                done_ns = _wait(connection, WARM + messages)
    finally:
        world.postgres.drop(database)
    return messages / (done_ns - sending.begun_ns) * 1e9


def _wait(connection: psycopg.Connection, readings: int) -> int:
    """The instant (monotonic, ns) at which so many are in the table."""
    deadline = time.monotonic() + STORED_WITHIN_S
    while _stored(connection) < readings:
        assert time.monotonic() < deadline, f"{_stored(connection)} of {readings} stored"
        time.sleep(0.02)
    return time.monotonic_ns()


def _stored(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT count(*) FROM plain").fetchone()
    assert row is not None
    return int(row[0])
