"""Receipts over real brokers: what the service misses is sent again; who hears none goes on."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiomqtt
import pytest

from doorstep.clock import SystemClock
from doorstep.simulation import Simulation
from simulator.fleet import Fleet
from simulator.publisher import ASKED_FOR_RECEIPTS, Broker, Publisher, Tally
from tests.integration.ingest.odd_broker import OddBroker, Talk, connack, packet
from tests.integration.simulator.listening import calm
from tests.services.mosquitto import Mosquitto
from tests.services.nats import Nats

PATIENCE_US = 500_000


@pytest.fixture(params=["mosquitto", "nats"])
def server(request: pytest.FixtureRequest) -> Mosquitto | Nats:
    found: Mosquitto | Nats = request.getfixturevalue(request.param)
    return found


def publisher_of(simulated: Simulation, port: int) -> tuple[Publisher, Fleet]:
    fleet = Fleet(simulated.bands, simulated.run.schedule.from_at, PATIENCE_US)
    return Publisher(Broker("127.0.0.1", port), fleet, SystemClock(), 1.0), fleet


class Forgetful:
    """A service that overlooks the first sight of every fifth number, and says what it misses."""

    def __init__(self, boot: str) -> None:
        self._boot = boot
        self._overlooked: set[tuple[str, int]] = set()
        self.stored: dict[str, set[int]] = {}
        self.twice = 0

    async def run(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            content = json.loads(message.payload)
            device = message.topic.value.split("/")[3]
            readings = content if isinstance(content, list) else [content]
            if readings[0]["boot"] == self._boot:
                self._take(device, [reading["seq"] for reading in readings])
                await client.publish(
                    f"doorstep/v1/devices/{device}/receipt", json.dumps(self._receipt(device)), 1
                )

    def _take(self, device: str, numbers: list[int]) -> None:
        stored = self.stored.setdefault(device, set())
        for number in numbers:
            if number % 5 == 0 and (device, number) not in self._overlooked:
                self._overlooked.add((device, number))
            else:
                self.twice += number in stored
                stored.add(number)

    def _receipt(self, device: str) -> dict[str, object]:
        stored = self.stored[device]
        highest = max(stored, default=0)
        missing = [[n, n] for n in range(1, highest) if n not in stored][:16]
        seq = highest if len(missing) < 16 else missing[-1][0]
        return {"boot": self._boot, "seq": seq, "missing": missing, "at": "2026-02-03T04:05:06Z"}


@asynccontextmanager
async def serving(service: Forgetful, port: int) -> AsyncIterator[None]:
    async with (
        aiomqtt.Client("127.0.0.1", port, identifier="forgetful") as client,
        asyncio.TaskGroup() as group,
    ):
        await client.subscribe("doorstep/v1/devices/+/readings", qos=1)
        running = group.create_task(service.run(client))
        yield
        running.cancel()


async def test_what_is_missing_is_sent_again(server: Mosquitto | Nats) -> None:
    simulated = calm(wearers=3, rate=60, seconds=3600)
    publisher, fleet = publisher_of(simulated, server.port)
    service = Forgetful(simulated.run.schedule.boot)
    wanted = {*range(1, 41)}
    async with serving(service, server.port), asyncio.TaskGroup() as group:
        publishing = group.create_task(publisher.run(None))
        async with asyncio.timeout(30):
            while [numbers >= wanted for numbers in service.stored.values()] != [True] * 3:
                await asyncio.sleep(0.05)
        publisher.stop()
        tally = await publishing
    assert tally.receipts > 20
    assert tally.again >= 3 * 8
    assert 0 < fleet.unreceipted < tally.readings - 3 * 20


async def test_without_a_service_it_stops_sending_again(mosquitto: Mosquitto) -> None:
    simulated = calm(wearers=1, rate=1, seconds=4)
    publisher, fleet = publisher_of(simulated, mosquitto.port)
    tally = await publisher.run(simulated.run.until_at)
    assert tally.readings == 5
    # After half a second, one, and one and a half: those were 1, 1 or 2, and 2 readings.
    assert 3 <= tally.again <= 6
    assert fleet.unreceipted == 5


def taking_readings(on_subscribe: bytes | None) -> Talk:
    """Confirms what is published; answers a SUBSCRIBE with this code, or hangs up (None)."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(connack("3"))
        while True:
            got = await packet(reader)
            kind = got[0] & 0xF0
            if kind == 0x80:
                if on_subscribe is None:
                    return
                writer.write(b"\x90\x03" + got[2:4] + on_subscribe)
            elif kind == 0x30:
                body = got[2:] if got[1] < 0x80 else got[3:]
                after = 2 + int.from_bytes(body[:2], "big")
                writer.write(b"\x40\x02" + body[after : after + 2])

    return talk


async def publish_to(talk: Talk) -> tuple[Tally, int]:
    """A second of readings; and how often it connected."""
    simulated = calm(wearers=2, rate=40, seconds=1)
    async with OddBroker(talk) as broker:
        publisher, _ = publisher_of(simulated, int(broker.url.rpartition(":")[2]))
        tally = await publisher.run(simulated.run.until_at)
        return tally, len(broker.connects)


async def test_a_refused_subscription_is_said_once_and_stops_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "doorstep.simulator"):
        tally, connections = await publish_to(taking_readings(b"\x80"))
    assert (tally.unconfirmed, connections) == (0, 1)
    assert tally.readings >= 39
    assert [one.getMessage() for one in caplog.records] == [
        "no receipts can be heard: the broker refuses"
    ]


async def test_a_broker_that_hangs_up_on_it_is_not_asked_for_ever(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "doorstep.simulator"):
        tally, connections = await publish_to(taking_readings(None))
    assert (tally.unconfirmed, connections) == (0, ASKED_FOR_RECEIPTS + 1)
    assert tally.readings >= 39
    said = [one.getMessage() for one in caplog.records if "no receipts" in one.getMessage()]
    assert len(said) == 1
