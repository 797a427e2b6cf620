"""The worst upload there is: one band sends 50,000 buffered readings while everybody else goes on.

All of them are older than one it has sent before, so that they are stored late and its whole
history is judged anew. How long were the others held up? That is the longest time between two
batches of the journal, from the upload until it is judged, beside the longest before it.
"""

import json
import socket
import time
from contextlib import closing
from typing import Final

import psycopg

from bench.load import TOPIC, Stream, device_id
from bench.packets import connect, publish
from bench.world import Progress, World, turn
from domain.instant import MINUTE_US, SECOND_US, format_rfc3339, to_datetime
from doorstep.clock import SystemClock

READINGS: Final = 50_000
APART_US: Final = 8 * SECOND_US
PER_MESSAGE: Final = 400
RATE: Final = 2_000
SECONDS: Final = 12.0
CALM_S: Final = 3.0

_LONGEST: Final = (
    "SELECT coalesce(max(extract(epoch FROM apart)) * 1000, 0)::float8 FROM (SELECT now_at,"
    " now_at - lag(now_at) OVER (ORDER BY batch) AS apart FROM journal WHERE kind = 'batch') j"
    " WHERE now_at > %s AND now_at <= %s"
)


def upload(world: World, scale: float) -> dict[str, float]:
    """Milliseconds between two batches at the most, and until all of the upload was judged."""
    stream = Stream(round(RATE * SECONDS))
    with (
        world.broker() as broker,
        world.database(stream.wearers + 1) as database,
        world.ingest(database, broker) as ingest,
        world.generator(stream, broker) as generator,
        closing(Progress(database)) as progress,
        socket.create_connection(("127.0.0.1", broker.port)) as band,
    ):
        turn(generator, "warm")
        begun = SystemClock().now()
        _send(band, stream.wearers, [begun])
        progress.wait(stream.wearers + 1, ingest)
        generator.say(f"run {RATE}")
        time.sleep(CALM_S)
        uploaded = SystemClock().now()
        count = round(READINGS * scale)
        oldest = uploaded - MINUTE_US - count * APART_US
        _send(band, stream.wearers, [oldest + n * APART_US for n in range(count)])
        _wait_stored(database, stream.wearers, count + 1)
        progress.wait_judged(ingest)
        judged = SystemClock().now()
        generator.answer()
        progress.wait(stream.wearers + 1 + count + stream.readings, ingest)
        world.forget(stream)
        with psycopg.connect(database) as connection:
            calm, held = (
                connection.execute(_LONGEST, [to_datetime(since), to_datetime(until)]).fetchone()
                for since, until in ((begun, uploaded), (uploaded, judged))
            )
    assert calm is not None
    assert held is not None
    return {
        "burst.calm_ms": calm[0],
        "burst.held_ms": held[0],
        "burst.judged_s": (judged - uploaded) / SECOND_US,
    }


def _send(band: socket.socket, wearer: int, instants: list[int]) -> None:
    """Publishes readings of one band, in the order of their instants, and hears the pubacks."""
    if len(instants) == 1:
        band.sendall(connect("bench-burst"))
        assert band.recv(4)[:1] == b"\x20"
    topic = TOPIC.format(device_id(wearer)).encode()
    for number, begin in enumerate(range(0, len(instants), PER_MESSAGE), start=1):
        readings = [
            {
                "measured_at": format_rfc3339(at),
                "temperature_c": 34 + at // APART_US % 40 / 100,
                "pulse_bpm": 60 + at // APART_US % 30,
                "steps": 0,
            }
            for at in instants[begin : begin + PER_MESSAGE]
        ]
        band.sendall(publish(topic, json.dumps(readings).encode(), number))
        assert band.recv(4)[:1] == b"\x40"


def _wait_stored(database: str, wearer: int, count: int) -> None:
    query = "SELECT count(*) FROM reading JOIN device USING (device_no) WHERE id = %s"
    with psycopg.connect(database, autocommit=True) as connection:
        while (row := connection.execute(query, [device_id(wearer)]).fetchone()) != (count,):
            assert row is not None
            time.sleep(0.05)
