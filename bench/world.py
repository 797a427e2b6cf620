"""Everything a run needs around the candidate: broker, database, roster, streams, generator.

Each run has a broker and a database of its own, so that no run inherits a queue, a session or a
table's bloat from the one before. The database server is one for all.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg import sql

from bench import packets, people
from bench.load import Stream
from bench.people import MANY
from bench.processes import Child
from tests.services import doorstep
from tests.services.mosquitto import Mosquitto
from tests.services.postgres import Postgres, Timescale

if TYPE_CHECKING:
    from domain.batch import Rows

LANES: Final = 4
BROKER: Final = ("persistence false", "max_inflight_messages 0", "max_queued_messages 0")
DATABASE: Final = ("shared_buffers=512MB", "max_wal_size=8GB", "checkpoint_timeout=30min")
"""Room, no less safety: fsync, full_page_writes and synchronous_commit are on."""
READY_WITHIN_S: Final = 300.0
"""A million wearers take their time."""
DRAINED_WITHIN_S: Final = 300.0

_COMMITTED: Final = (
    "SELECT coalesce(sum(readings - duplicates), 0) FROM journal WHERE kind = 'batch'"
)


@dataclass(frozen=True, slots=True)
class Sent:
    """How a generator's turn went."""

    begun_ns: int
    ended_ns: int
    messages: int
    cpu_s: float


class World:
    """The database server, the templates in it, and the streams that were encoded."""

    def __init__(
        self, folder: Path, postgres: Postgres, now: int, settings: Mapping[str, str]
    ) -> None:
        self.folder = folder
        self.postgres = postgres
        self.now = now
        self.settings = settings
        """Of every `doorstep ingest`, as `MQTT__RECEIVE_MAXIMUM`."""
        self.rows: dict[Stream, list[Rows]] = {}
        """What a stream came to, in batches, once `stages.split` has taken it apart."""
        self.minutes = 1.0
        """How long the memory is watched."""
        self.maximum = 0.0
        """The most readings a second that were committed in this run so far."""
        self._streams: dict[Stream, Path] = {}
        self._rosters: dict[tuple[int, int], str] = {}
        self._numbers = count(1)

    @property
    def receive_maximum(self) -> int:
        return int(self.settings.get("MQTT__RECEIVE_MAXIMUM", "8000"))

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def encoded(self, stream: Stream) -> Path:
        """The index of the stream's packets; encoded once."""
        if stream not in self._streams:
            path = self.folder / f"stream-{len(self._streams)}.bin"
            packets.write(stream, self.now, LANES, path)
            self._streams[stream] = packets.index_path(path)
        return self._streams[stream]

    def forget(self, stream: Stream) -> None:
        """Removes its file."""
        index = self._streams.pop(stream)
        index.unlink()
        index.with_suffix(".bin").unlink()

    @contextmanager
    def broker(self) -> Iterator[Mosquitto]:
        """A new broker, its queues in memory."""
        with Mosquitto(*BROKER) as broker:
            yield broker

    @contextmanager
    def database(self, bands: int, probes: int = 0) -> Iterator[str]:
        """A new database with a roster of so many wearers."""
        url = self._copied(bands, probes) if bands < MANY else self._filled(bands, probes)
        self.postgres.execute("CHECKPOINT")
        try:
            yield url
        finally:
            self.postgres.drop(url)

    def _filled(self, bands: int, probes: int) -> str:
        url = self.postgres.fresh_database()
        people.fill(url, self.now, bands, probes)
        return url

    def _copied(self, bands: int, probes: int) -> str:
        roster = (bands, probes)
        if roster not in self._rosters:
            self._rosters[roster] = self._filled(bands, probes)
        name = f"bench_{next(self._numbers)}"
        template = self._rosters[roster].rpartition("/")[2]
        self.postgres.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return self.postgres.url_of(name)

    @contextmanager
    def generator(self, stream: Stream, broker: Mosquitto) -> Iterator[Child]:
        """The devices, connected and waiting for a word."""
        index = self.encoded(stream)
        log = self.log("generator")
        with Child.module("bench.generator", index, broker.port, log=log) as generator:
            assert generator.answer() == {"ready": True}
            yield generator

    @contextmanager
    def ingest(self, database: str, broker: Mosquitto) -> Iterator[doorstep.Process]:
        """`doorstep ingest`, ready."""
        folder = self.folder / f"ingest-{next(self._numbers)}"
        folder.mkdir()
        settings = {"MQTT__PROTOCOL": "5", **self.settings}
        process = doorstep.ingest(database, broker.url, folder, **settings)
        with ExitStack() as stack:
            process.start()
            stack.push(process.__exit__)
            process.wait_ready(READY_WITHIN_S)
            yield process


def turn(generator: Child, command: str) -> Sent:
    """Gives a command and waits until it is carried out."""
    generator.say(command)
    return Sent(**generator.answer())


class Progress:
    """How many readings are committed, asked for at little cost."""

    def __init__(self, database: str) -> None:
        self._connection = psycopg.connect(database, autocommit=True)

    def close(self) -> None:
        self._connection.close()

    def committed(self) -> int:
        row = self._connection.execute(_COMMITTED).fetchone()
        assert row is not None
        return int(row[0])

    def stored(self) -> int:
        """The truth, at a price."""
        row = self._connection.execute("SELECT count(*) FROM reading").fetchone()
        assert row is not None
        return int(row[0])

    def late_left(self) -> int:
        row = self._connection.execute("SELECT count(*) FROM late_work").fetchone()
        assert row is not None
        return int(row[0])

    def wait(self, readings: int, ingest: doorstep.Process) -> int:
        """Returns the instant (monotonic, ns) at which so many were seen committed.

        Asks more often the nearer it is, so that the answer is right to some milliseconds.
        """
        begun = time.monotonic()
        before = self.committed()
        while (have := self.committed()) < readings:
            at = time.monotonic()
            _still_there(ingest, begun, f"{have} of {readings} readings committed")
            rate = max(1.0, (have - before) / max(1e-3, at - begun))
            time.sleep(min(0.25, max(0.005, (readings - have) / rate / 2)))
        return time.monotonic_ns()

    def wait_judged(self, ingest: doorstep.Process) -> int:
        """Returns the instant at which what came late was seen judged in its place, too."""
        begun = time.monotonic()
        while left := self.late_left():
            _still_there(ingest, begun, f"{left} wearers with late readings not judged")
            time.sleep(0.02)
        return time.monotonic_ns()


def _still_there(ingest: doorstep.Process, begun: float, so_far: str) -> None:
    assert ingest.process is not None
    assert ingest.process.poll() is None, f"ingest has ended, {so_far}:\n{ingest.tail()}"
    assert time.monotonic() - begun < DRAINED_WITHIN_S, f"{so_far}:\n{ingest.tail()}"


@contextmanager
def standing(folder: Path, now: int, tier: str, settings: Mapping[str, str]) -> Iterator[World]:
    """A world; at its end nothing is left of it."""
    with Timescale(*DATABASE) if tier == "timescale" else Postgres(*DATABASE) as postgres:
        yield World(folder, postgres, now, settings)
