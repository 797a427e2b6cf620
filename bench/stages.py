"""Where our CPU goes: the same messages through the real parts in turn, in one process.

What the broker would send is fed to a real `Mqtt5Connection`, its messages to a real `Pipeline`,
the pipeline's work to a real ledger on a real database, and the tokens back to the connection.
The stages are CPU time of this process around those calls:

decode   bytes off the socket to envelopes: `data_received`, without what it hands over to
gather   envelopes to columns: `Pipeline.handle`
rules    `Work.judge` on the rows that were new
encode   rows to binary COPY: `copy_format.encode`
commit   the rest of `Ledger.commit`: what talking with the database costs us; not its waiting
ack      `confirm`: tokens to pubacks

What a running process uses beyond their sum goes to its event loop, its sockets and its two
threads handing over to each other.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Final

import mqtt5
from typing_extensions import override

from bench.load import TOPIC, Message, Stream, device_id, messages, warm_up
from bench.world import World
from domain.batch import Rows
from doorstep.memory import collect_no_more_of_what_is_there, collect_rarely
from ingest.events import Ack, Commit, Committed, Effect, Received, SourceUp, Woke
from ingest.gathering import Limits
from ingest.pipeline import Pipeline
from ingest.sources.address import SourceSettings
from ingest.sources.echo import Echo
from ingest.sources.mqtt5_connection import Mqtt5Connection
from ingest.sources.port import Connected, Envelope
from ingest.work import Places, Work
from rules.engine import Evaluation
from rules.rulebook import DEFAULT
from store.copy_format import encode
from store.ledger import PostgresLedger
from store.recovery import recall

STAGES: Final = ("decode", "gather", "rules", "encode", "commit", "ack")
READ: Final = 65_536
"""What one read of the socket gives at most."""


class Bench:
    """The parts, and the CPU time each has used."""

    def __init__(self, world: World, database: str) -> None:
        self.used_ns: Counter[str] = Counter()
        self.committed: list[Rows] = []
        self.now = world.now
        ids = (f"alert-{n}" for n in itertools.count())
        self.ledger = PostgresLedger(database, lambda: next(ids))
        beginning = recall(self.ledger.connect(), DEFAULT, self.now)
        self.pipeline = Pipeline(Limits(), beginning)
        self.connection = Mqtt5Connection(
            1,
            SourceSettings("mqtt://127.0.0.1", "bench", "5", receive_maximum=65_535),
            lambda: self.now,
            Echo("bench", 0, 1),
            self._deliver,
            self._report,
        )

    def greet(self) -> None:
        """The session stands."""
        self.connection.connection_made(_Nowhere())
        self.connection.data_received(mqtt5.ConnAckPacket().write())
        granted = [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE]
        self.connection.data_received(mqtt5.SubAckPacket(1, granted).write())

    def read(self, data: bytes) -> None:
        """One read of the socket, and all that follows from it."""
        with self._stage("decode"):
            self.connection.data_received(data)

    def finish(self) -> None:
        """What is still open is committed too."""
        with self._stage("gather"):
            self._carry_out(self.pipeline.handle(Woke(), self.now))

    @contextmanager
    def _stage(self, name: str, within: str | None = None) -> Iterator[None]:
        """Counts for `name`, and not for the stage it is called from."""
        begun = time.process_time_ns()
        try:
            yield
        finally:
            used = time.process_time_ns() - begun
            self.used_ns[name] += used
            if within is not None:
                self.used_ns[within] -= used

    def _deliver(self, envelopes: Sequence[Envelope]) -> None:
        with self._stage("gather", within="decode"):
            self._carry_out(self.pipeline.handle(Received(envelopes), self.now), "gather")

    def _report(self, event: object) -> None:
        if isinstance(event, Connected):
            self.pipeline.handle(SourceUp(1, session_present=False), self.now)

    def _carry_out(self, effects: Sequence[Effect], within: str = "gather") -> None:
        for effect in effects:
            if isinstance(effect, Commit):
                self._commit(effect.work, within)
            elif isinstance(effect, Ack):
                with self._stage("ack", within=within):
                    self.connection.confirm(effect.tokens)

    def _commit(self, work: Work, within: str) -> None:
        def judge(rows: Rows, places: Places | None = None) -> Evaluation:
            with self._stage("rules", within="commit"):
                return work.judge(rows, places)

        with self._stage("commit", within=within):
            result = self.ledger.commit(replace(work, judge=judge))
        # The ledger encodes for itself; once more, to know its share.
        begun = time.process_time_ns()
        encode(work.rows, 1)
        used = time.process_time_ns() - begun
        self.used_ns["encode"] += used
        self.used_ns["commit"] -= used
        self.used_ns[within] -= used
        self.committed.append(work.rows)
        self._carry_out(self.pipeline.handle(Committed(result), self.now), within)


class _Nowhere(asyncio.Transport):
    """A socket that takes everything."""

    @override
    def write(self, data: object) -> None:
        pass

    @override
    def pause_reading(self) -> None:
        pass

    @override
    def resume_reading(self) -> None:
        pass

    @override
    def close(self) -> None:
        pass

    @override
    def abort(self) -> None:
        pass


def split(world: World, stream: Stream, name: str) -> dict[str, float]:
    """Microseconds of our CPU a reading, by stage."""
    with world.database(stream.wearers) as database:
        bench = asyncio.run(_through(world, stream, database))
    world.rows[stream] = bench.committed
    share = 1e-3 / stream.readings
    return {f"{name}.{stage}_us": bench.used_ns[stage] * share for stage in STAGES}


async def _through(world: World, stream: Stream, database: str) -> Bench:
    bench = Bench(world, database)
    collect_rarely()  # as the process does
    collect_no_more_of_what_is_there()
    with closing(bench.ledger):
        bench.greet()
        for data in _reads(warm_up(stream, world.now)):
            bench.read(data)
        bench.finish()
        bench.committed.clear()
        bench.used_ns.clear()
        for data in _reads(messages(stream, world.now)):
            bench.read(data)
        bench.finish()
    return bench


def _reads(sent: Iterator[Message]) -> Iterator[bytes]:
    """What the broker sends of it, as our socket would read it."""
    held = bytearray()
    for number, message in enumerate(sent):
        packet = mqtt5.PublishPacket(
            TOPIC.format(device_id(message.wearer)),
            payload=message.payload,
            qos=mqtt5.QoS.AT_LEAST_ONCE,
            packet_id=number % 65_535 + 1,
        )
        held += packet.write()
        if len(held) >= READ:
            yield bytes(held[:READ])
            del held[:READ]
    yield bytes(held)
