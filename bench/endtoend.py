"""Devices -> broker -> candidate, at full speed: the null subscriber, and ours to the database."""

from contextlib import closing
from dataclasses import dataclass
from typing import Final

from bench.load import Stream
from bench.processes import Child, cpu_s
from bench.world import Progress, World, turn

SINGLE: Final = Stream(200_000)
PACKED: Final = Stream(30_000, per_message=20)
REPEATED: Final = Stream(200_000, duplicates=0.01)
LATE: Final = Stream(100_000, late=0.01)
NUMBERED: Final = Stream(200_000, seq=True)


@dataclass(frozen=True, slots=True)
class Speed:
    """What one run came to; CPU times are microseconds a reading."""

    readings_s: float
    """Committed, and judged."""
    stored_s: float
    """Committed. The two differ where readings come late: those are judged anew afterwards."""
    ours_us: float
    broker_us: float
    database_us: float
    generator_us: float

    def named(self, name: str) -> dict[str, float]:
        """As samples."""
        return {
            f"{name}.readings_s": self.readings_s,
            f"{name}.stored_s": self.stored_s,
            f"{name}.ours_us": self.ours_us,
            f"{name}.broker_us": self.broker_us,
            f"{name}.database_us": self.database_us,
            f"{name}.generator_us": self.generator_us,
        }


def null(world: World, stream: Stream) -> Speed:
    """What the broker gives a subscriber that only confirms."""
    with world.broker() as broker:
        sent = stream.messages + round(stream.messages * stream.duplicates)
        arguments = (broker.port, world.receive_maximum, stream.wearers, sent)
        log = world.log("null")
        with (
            Child.module("bench.null_subscriber", *arguments, log=log) as subscriber,
            world.generator(stream, broker) as generator,
        ):
            assert subscriber.answer() == {"ready": True}
            turn(generator, "warm")
            warm = subscriber.answer()
            assert broker.process is not None
            broker_s = cpu_s(broker.process.pid)
            sending = turn(generator, "run")
            done = subscriber.answer()
            broker_s = cpu_s(broker.process.pid) - broker_s
    share = 1e6 / stream.readings
    readings_s = stream.readings / (done["at_ns"] - sending.begun_ns) * 1e9
    return Speed(
        readings_s,
        readings_s,
        (done["cpu_s"] - warm["cpu_s"]) * share,
        broker_s * share,
        0.0,
        sending.cpu_s * share,
    )


def ours(world: World, stream: Stream) -> Speed:
    """`doorstep ingest`, until everything is committed and judged."""
    warm_readings = stream.wearers * stream.per_message
    with (
        world.broker() as broker,
        world.database(stream.wearers) as database,
        world.ingest(database, broker) as ingest,
        world.generator(stream, broker) as generator,
        closing(Progress(database)) as progress,
    ):
        turn(generator, "warm")
        progress.wait(warm_readings, ingest)
        assert ingest.process is not None
        assert broker.process is not None
        assert world.postgres.process is not None
        pids = (ingest.process.pid, broker.process.pid, world.postgres.process.pid)
        before = [cpu_s(pid) for pid in pids]
        sending = turn(generator, "run")
        stored_ns = progress.wait(warm_readings + stream.readings, ingest)
        done_ns = progress.wait_judged(ingest) if stream.late else stored_ns
        used = [cpu_s(pid) - was for pid, was in zip(pids, before, strict=True)]
        stored = progress.stored() - warm_readings
        assert stored == stream.readings, f"{stored} of {stream.readings} readings stored"
    share = 1e6 / stream.readings
    readings_s = stream.readings / (done_ns - sending.begun_ns) * 1e9
    if stream.per_message == 1:
        world.maximum = max(world.maximum, readings_s)
    return Speed(
        readings_s,
        stream.readings / (stored_ns - sending.begun_ns) * 1e9,
        used[0] * share,
        used[1] * share,
        used[2] * share,
        sending.cpu_s * share,
    )
