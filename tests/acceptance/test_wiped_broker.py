"""Promise 1 beyond the broker: it loses all it confirmed, and no reading of a band is lost.

Bands of the simulator publish, ingestion is stopped, and the broker, which has confirmed what came
meanwhile, is wiped. What only it had is in no database: the receipts of what comes afterwards name
it as missing, and the bands, which still hold it, send it again.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from doorstep.clock import SystemClock
from doorstep.simulation import Simulation
from simulator import city as cities
from simulator.fleet import Fleet
from simulator.held import PATIENCE_US
from simulator.publisher import Broker, Publisher
from tests.acceptance import stored
from tests.integration.simulator.listening import calm
from tests.services import doorstep
from tests.services.mosquitto import Mosquitto

WEARERS = 5
LOST = 100
"""At least so many readings are in the broker alone when it is wiped."""
READINGS = "SELECT count(*) FROM reading"
NUMBERS = "SELECT count(DISTINCT (device_no, boot_key, seq)) FROM reading"
GAPS = "SELECT count(*) FROM gap"
SESSIONS_LOST = "SELECT count(*) FROM signal WHERE kind = 'session_lost'"


def wipe(broker: Mosquitto) -> None:
    """Like a new disk: sessions, subscriptions and queues are gone."""
    broker.stop()
    for file in broker.folder.glob("mosquitto.db*"):
        file.unlink()
    broker.start()


async def confirmed(publisher: Publisher, readings: int) -> None:
    """Waits until the broker has confirmed so many."""
    async with asyncio.timeout(60):
        while publisher.tally.readings < readings:
            await asyncio.sleep(0.05)


def roster(simulated: Simulation) -> dict[str, object]:
    return cities.roster(simulated.city, simulated.run.schedule.start_at, 1)


@asynccontextmanager
async def running(service: doorstep.Process) -> AsyncIterator[None]:
    """The process, started and stopped in order; publishing goes on meanwhile."""
    try:
        await asyncio.to_thread(service.start)
        await asyncio.to_thread(service.wait_ready)
        yield
    except BaseException:
        service.kill()
        raise
    assert await asyncio.to_thread(service.stop) == 0, service.tail()


async def all_stored(database: str, fleet: Fleet) -> None:
    """Waits until all is stored that the bands had measured when this was called."""
    bands = zip(fleet._bands, fleet._states, strict=True)
    wanted = {(band.device, seq) for band, state in bands for seq in range(1, state.seq)}
    query = "SELECT d.id, r.seq FROM reading r JOIN device d USING (device_no)"
    missing = wanted
    try:
        async with asyncio.timeout(60):
            while missing:
                missing = wanted - {*await asyncio.to_thread(stored.rows, database, query)}
                await asyncio.sleep(0.2)
    except TimeoutError:
        pytest.fail(f"{len(missing)} of {len(wanted)} readings are not stored, {min(missing)} ...")


@pytest.mark.timeout(300)
async def test_a_wiped_broker_costs_no_reading(database: str, tmp_path: Path) -> None:
    simulated = calm(wearers=WEARERS, rate=50, seconds=3600)
    doorstep.import_roster(database, roster(simulated))
    # Longer than this test: nothing is sent again but what a receipt says is missing.
    fleet = Fleet(simulated.bands, simulated.run.schedule.from_at, PATIENCE_US)
    with Mosquitto() as broker:
        publisher = Publisher(Broker("127.0.0.1", broker.port), fleet, SystemClock(), 1.0)
        service = doorstep.ingest(database, broker.url, tmp_path)
        async with asyncio.TaskGroup() as tasks:
            publishing = tasks.create_task(publisher.run(None))
            async with running(service):
                await confirmed(publisher, 100)
            before = stored.one(database, READINGS)
            await confirmed(publisher, before + LOST)
            await asyncio.to_thread(wipe, broker)
            async with running(service):
                # The broker forgot us while nobody was there to see it.
                await asyncio.to_thread(stored.wait_for, database, SESSIONS_LOST, 1)
                await all_stored(database, fleet)
                publisher.stop()
                tally = await publishing
                await asyncio.to_thread(stored.wait_for, database, READINGS, tally.readings)
                await asyncio.to_thread(stored.wait_for, database, GAPS, 0)
    assert tally.unconfirmed == 0
    assert tally.receipts > 0
    assert tally.again >= LOST
    assert stored.one(database, NUMBERS) == tally.readings
