"""SIGTERM under load: stopped in seconds, what was taken in is stored and confirmed, once."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typing_extensions import override

from domain.instant import SECOND_US
from doorstep.clock import SystemClock
from tests.acceptance import publishing, stored
from tests.services import doorstep
from tests.services.brokers import Broker
from tests.services.mosquitto import Mosquitto
from tests.services.nats import Nats

WEARERS = 100
BACKLOG = 10_000
"""Messages that wait for it when it starts; more are published while it runs."""
LIVE = 5_000
STOPPED_WITHIN_S = 10.0
STORED = "SELECT count(*) FROM reading"


def _messages(now: int, numbers: range) -> Iterator[tuple[str, bytes]]:
    """One reading each, a second apart for each wearer."""
    for number in numbers:
        second, wearer = divmod(number, WEARERS)
        measured_at = now - (20_000 - second) * SECOND_US
        yield publishing.encoded(
            f"w-{wearer:04d}", [publishing.reading(measured_at, seq=second, temperature_c=36.6)]
        )


class PatientNats(Nats):
    """Sends again after 20 s, not 2: what is under way for so long on a busy machine comes again
    while we confirm it, stop or no stop, and this test is about the stop.
    """

    @override
    def prepare(self) -> None:
        super().prepare()
        file = self.folder / "nats.conf"
        patient = json.loads(file.read_text())
        patient["mqtt"]["ack_wait"] = "20s"
        file.write_text(json.dumps(patient))


@pytest.fixture(params=["mosquitto", "nats"])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """Mosquitto at full speed: with `autosave_on_changes` it writes its whole queue each time."""
    if request.param == "nats":
        with PatientNats() as nats:
            yield Broker(nats, "3.1.1")
    else:
        with Mosquitto("autosave_on_changes false") as mosquitto:
            yield Broker(mosquitto, "5")


@pytest.mark.slow
async def test_a_stop_under_load_is_quick_and_nothing_comes_again(
    database: str, broker: Broker, tmp_path: Path
) -> None:
    now = SystemClock().now()
    doorstep.import_roster(database, publishing.roster(now, WEARERS))
    # Batches so small that they fill up, so that the pipeline holds the socket back and lets it go.
    settings = {"MQTT__PROTOCOL": broker.protocol, "INGEST__BATCH_READINGS": "200"}
    with doorstep.ingest(database, broker.url, tmp_path, **settings):
        pass  # from now on the broker queues for its session
    await publishing.publish(broker.port, _messages(now, range(BACKLOG)), in_flight=1_000)

    service = doorstep.ingest(database, broker.url, tmp_path, **settings)
    service.start()
    async with asyncio.TaskGroup() as tasks:
        more = _messages(now, range(BACKLOG, BACKLOG + LIVE))
        tasks.create_task(publishing.publish(broker.port, more, in_flight=500))
        await asyncio.to_thread(_until_it_stores, database)
        asked = time.monotonic()
        assert await asyncio.to_thread(service.stop, STOPPED_WITHIN_S) == 0, service.tail()
        took_s = time.monotonic() - asked
    assert took_s < STOPPED_WITHIN_S
    before = stored.one(database, STORED)
    assert 0 < before < BACKLOG + LIVE, "it was not stopped under load"

    with doorstep.ingest(database, broker.url, tmp_path, **settings):
        stored.wait_for(database, STORED, BACKLOG + LIVE, 120)
    assert stored.one(database, "SELECT sum(duplicates) FROM journal") == 0
    distinct = "SELECT count(DISTINCT (device_no, seq)) FROM reading"
    assert stored.one(database, distinct) == BACKLOG + LIVE
    assert stored.one(database, "SELECT count(*) FROM rejected_message") == 0


def _until_it_stores(database: str) -> None:
    deadline = time.monotonic() + 60
    while stored.one(database, STORED) == 0:
        assert time.monotonic() < deadline, "it does not store"
        time.sleep(0.02)
