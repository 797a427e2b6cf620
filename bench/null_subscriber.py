"""The limit of every subscriber: our own source, in a process that does nothing but confirm.

    python -m bench.null_subscriber PORT RECEIVE_MAXIMUM COUNT...

Says `{"ready": true}` when it hears, and a line of JSON with the instant and its CPU time whenever
it has heard so many messages more as the next COUNT says; then ends.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Sequence

import uvloop

from doorstep.clock import SystemClock
from ingest.sources.address import SourceSettings
from ingest.sources.mqtt5 import Mqtt5Source
from ingest.sources.port import Connected, Envelope, SourceEvent


async def listen(port: int, receive_maximum: int, counts: list[int]) -> None:
    """Returns when it has heard everything."""
    source = Mqtt5Source(
        SourceSettings(
            f"mqtt://127.0.0.1:{port}", "bench-null", "5", receive_maximum=receive_maximum
        ),
        SystemClock().now,
    )
    heard = 0
    done = asyncio.Event()

    def deliver(envelopes: Sequence[Envelope]) -> None:
        nonlocal heard
        source.ack([envelope.token for envelope in envelopes if envelope.token is not None])
        heard += len(envelopes)
        while counts and heard >= counts[0]:
            heard -= counts.pop(0)
            say({"at_ns": time.monotonic_ns(), "cpu_s": cpu_s()})
        if not counts:
            done.set()

    def report(event: SourceEvent) -> None:
        if isinstance(event, Connected):
            say({"ready": True})

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(source.run(deliver, report))
        await done.wait()
        await source.stop()


def say(what: dict[str, float]) -> None:
    print(json.dumps(what), flush=True)


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    uvloop.run(listen(int(sys.argv[1]), int(sys.argv[2]), [int(count) for count in sys.argv[3:]]))
