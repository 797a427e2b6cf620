"""What a million wearers on the roster cost `doorstep ingest` in memory, and whether that stays;

how soon it is ready again after a `kill -9`; and what judging them costs.
"""

import time
from contextlib import closing
from typing import Final

import psycopg

from bench import judging
from bench.load import Stream
from bench.processes import rss_mb
from bench.world import Progress, World
from rules.rulebook import DEFAULT
from store.recovery import recall

WEARERS: Final = 1_000_000
RATE: Final = 2_000
SETTLED: Final = 0.2
"""The share of the time after which what is allocated once has been."""
SAMPLE_S: Final = 1.0


def million(world: World, minutes: float) -> dict[str, float]:
    """Steady traffic for so long, every message of another wearer than the one before."""
    stream = Stream(round(RATE * minutes * 60), wearers=WEARERS, warm=False)
    with (
        world.broker() as broker,
        world.database(WEARERS) as database,
    ):
        begun = time.monotonic()
        with world.ingest(database, broker) as ingest, closing(Progress(database)) as progress:
            ready_s = time.monotonic() - begun
            assert ingest.process is not None
            process = ingest.process
            pid = process.pid
            taken = [rss_mb(pid)]
            with world.generator(stream, broker) as generator:
                generator.say(f"run {RATE}")
                end = time.monotonic() + minutes * 60
                while time.monotonic() < end:
                    time.sleep(SAMPLE_S)
                    taken.append(rss_mb(pid))
                generator.answer()
            progress.wait(stream.readings, ingest)
            process.kill()
            process.wait()
        begun = time.monotonic()
        with world.ingest(database, broker):
            again_s = time.monotonic() - begun
        with psycopg.connect(database, autocommit=True) as connection:
            beginning = recall(connection, DEFAULT, world.now)
        rules = judging.judged(beginning.wearers, beginning.state, world.now)
    world.forget(stream)
    settled = taken[int(len(taken) * SETTLED) :]
    return {
        **rules,
        "memory.ready_s": ready_s,
        "memory.again_s": again_s,
        "memory.most_mb": max(taken),
        "memory.begin_mb": settled[0],
        "memory.change": max(abs(each / settled[0] - 1) for each in settled) * 100,
    }
