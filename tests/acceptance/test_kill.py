"""Promise 1 with `kill -9`: each reading the broker took is stored once and judged once."""

import asyncio
import logging
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.instant import MINUTE_US
from doorstep.clock import SystemClock
from tests.acceptance import publishing, stored
from tests.services import doorstep
from tests.services.brokers import Broker

WEARERS = 100
READINGS = 200
"""Each; 20,000 in all. Every tenth wearer has a fever."""
KILLS = 10
FEBRILE_EVERY = 10


def _messages(now: int) -> Iterator[tuple[str, bytes]]:
    """Interleaved: each wearer's next minute, wearer after wearer."""
    started_at = now - READINGS * MINUTE_US
    for minute in range(READINGS):
        for wearer in range(WEARERS):
            febrile = wearer % FEBRILE_EVERY == 0 and minute >= READINGS // 2
            yield publishing.encoded(
                f"w-{wearer:04d}",
                [
                    publishing.reading(
                        started_at + minute * MINUTE_US + wearer,
                        seq=minute,
                        temperature_c=38.4 if febrile else 36.6,
                        pulse_bpm=70,
                    )
                ],
            )


async def _kill_while_publishing(service: doorstep.Process, port: int, now: int, seed: int) -> None:
    """Ten kills at random moments, each after it has come up and stored something more."""
    rng = random.Random(seed)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(publishing.publish(port, _messages(now), per_s=700))
        for _ in range(KILLS):
            await asyncio.sleep(rng.uniform(0.3, 1.2))
            await asyncio.to_thread(service.kill)
            await asyncio.to_thread(service.start)
            await asyncio.to_thread(service.wait_ready)


@pytest.mark.timeout(600)
async def test_ten_kills_lose_nothing_and_double_nothing(
    database: str, broker: Broker, tmp_path: Path
) -> None:
    now = SystemClock().now()
    doorstep.import_roster(database, publishing.roster(now, WEARERS))
    service = doorstep.ingest(database, broker.url, tmp_path, MQTT__PROTOCOL=broker.protocol)
    seed = random.SystemRandom().randrange(2**32)
    logging.getLogger(__name__).warning("kill seed %d", seed)
    with service:
        await _kill_while_publishing(service, broker.port, now, seed)
        total = WEARERS * READINGS
        stored.wait_for(database, "SELECT count(*) FROM reading", total, 120)
        assert stored.one(database, "SELECT count(DISTINCT (device_no, seq)) FROM reading") == total
        stored.wait_for(database, "SELECT count(*) FROM late_work", 0)
    _alerts_are_as_without_kills(database, now)
    assert stored.one(database, "SELECT count(*) FROM rejected_message") == 0


def _alerts_are_as_without_kills(database: str, now: int) -> None:
    """One fever each for the febrile, nobody else, with the onset of the first febrile reading."""
    onset = now - READINGS * MINUTE_US + (READINGS // 2) * MINUTE_US
    found = stored.rows(
        database,
        "SELECT d.id, a.rule, (extract(epoch FROM a.onset_at) * 1000000)::bigint"
        " FROM alert a JOIN device d USING (device_no) WHERE a.rule <> 'silent' ORDER BY d.id",
    )
    febrile = range(0, WEARERS, FEBRILE_EVERY)
    wanted = [(f"w-{n:04d}", "fever", onset + n) for n in febrile]
    assert found == wanted
    assert stored.one(database, "SELECT count(*) FROM finding WHERE withdrawn_at IS NULL") == len(
        wanted
    )
