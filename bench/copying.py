"""The database's limit: the same rows into the same table by COPY, and nothing else."""

import time
from typing import Final

import psycopg

from bench.load import Stream
from bench.processes import cpu_s
from bench.world import World
from store.copy_format import COLUMNS, encode

STATEMENT: Final = f"COPY reading ({', '.join(COLUMNS)}) FROM STDIN BINARY"


def bare(world: World, stream: Stream) -> dict[str, float]:
    """The rows and batches of `stages.split`, encoded before the clock starts."""
    with world.database(stream.wearers) as database:
        batches = world.rows[stream]
        buffers = [encode(rows, number) for number, rows in enumerate(batches)]
        total = sum(len(rows) for rows in batches)
        assert world.postgres.process is not None
        pid = world.postgres.process.pid
        with psycopg.connect(database, autocommit=True) as connection:
            used_s, begun = cpu_s(pid), time.monotonic()
            for buffer in buffers:
                with connection.cursor() as cursor, cursor.copy(STATEMENT) as copy:
                    copy.write(buffer)
            took_s = time.monotonic() - begun
            used_s = cpu_s(pid) - used_s
    return {
        "copy.readings_s": total / took_s,
        "copy.database_us": used_s * 1e6 / total,
    }
