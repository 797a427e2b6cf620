"""The publisher against real brokers: nothing it made is lost, and it ends when it is told to."""

import asyncio
from time import monotonic

import pytest

from doorstep.clock import SystemClock
from doorstep.simulation import Simulation
from simulator.fleet import Fleet
from simulator.publisher import DRAIN_S, Broker, BrokerUnreachable, Publisher
from tests.integration.simulator.listening import calm, listener
from tests.services.doorstep import free_port
from tests.services.mosquitto import Mosquitto
from tests.services.nats import Nats
from tests.services.proxy import Proxy


@pytest.fixture(params=["mosquitto", "nats"])
def server(request: pytest.FixtureRequest) -> Mosquitto | Nats:
    found: Mosquitto | Nats = request.getfixturevalue(request.param)
    return found


def _publisher(simulated: Simulation, port: int) -> Publisher:
    fleet = Fleet(simulated.bands, simulated.run.schedule.from_at)
    return Publisher(Broker("127.0.0.1", port), fleet, SystemClock(), simulated.run.speed)


async def test_every_reading_arrives_once_and_in_order(server: Mosquitto | Nats) -> None:
    simulated = calm(wearers=7, rate=300, seconds=1.5)
    publisher = _publisher(simulated, server.port)
    async with listener(server.port, simulated.run.schedule.boot) as heard:
        tally = await publisher.run(simulated.run.until_at)
        await heard.until(tally.readings)
    assert 440 <= tally.readings <= 460
    assert (tally.unconfirmed, tally.connections) == (0, 1)
    assert len(heard.numbers) == 7
    for numbers in heard.numbers.values():
        assert numbers == [*range(1, len(numbers) + 1)]


async def test_a_cut_connection_loses_nothing(server: Mosquitto | Nats) -> None:
    simulated = calm(wearers=5, rate=400, seconds=3)
    with Proxy(server.port) as proxy:
        publisher = _publisher(simulated, proxy.port)
        async with (
            listener(server.port, simulated.run.schedule.boot) as heard,
            asyncio.TaskGroup() as group,
        ):
            publishing = group.create_task(publisher.run(simulated.run.until_at))
            for readings in (50, 200):
                await heard.until(readings)
                # What was sent and not confirmed must come again.
                proxy.lose_replies()
                await asyncio.sleep(0.1)
                proxy.cut()
                proxy.flow()
            tally = await publishing
            await heard.until(tally.readings)
    assert tally.connections == 3
    assert tally.unconfirmed == 0
    assert tally.readings >= 1190
    for numbers in heard.first_sights():
        assert numbers == [*range(1, len(numbers) + 1)]


async def test_it_makes_up_for_a_broker_that_was_away(server: Mosquitto | Nats) -> None:
    simulated = calm(wearers=5, rate=200, seconds=3)
    with Proxy(server.port) as proxy:
        publisher = _publisher(simulated, proxy.port)
        async with (
            listener(server.port, simulated.run.schedule.boot) as heard,
            asyncio.TaskGroup() as group,
        ):
            publishing = group.create_task(publisher.run(simulated.run.until_at))
            await heard.until(50)
            proxy.refuse()
            await asyncio.sleep(1.0)
            proxy.accept()
            tally = await publishing
            await heard.until(tally.readings)
    assert tally.readings >= 590
    assert tally.messages < tally.readings - 50  # arrays of what was measured meanwhile


async def test_stopped_it_confirms_what_it_sent_and_returns(mosquitto: Mosquitto) -> None:
    simulated = calm(wearers=5, rate=200, seconds=3600)
    publisher = _publisher(simulated, mosquitto.port)
    async with (
        listener(mosquitto.port, simulated.run.schedule.boot) as heard,
        asyncio.TaskGroup() as group,
    ):
        publishing = group.create_task(publisher.run(None))
        await heard.until(50)
        began_s = monotonic()
        publisher.stop()
        tally = await publishing
    assert monotonic() - began_s < 1.0
    assert tally.unconfirmed == 0


async def test_stopped_while_nothing_is_confirmed_it_gives_up_in_time(mosquitto: Mosquitto) -> None:
    simulated = calm(wearers=5, rate=200, seconds=3600)
    with Proxy(mosquitto.port) as proxy:
        publisher = _publisher(simulated, proxy.port)
        async with (
            listener(mosquitto.port, simulated.run.schedule.boot) as heard,
            asyncio.TaskGroup() as group,
        ):
            publishing = group.create_task(publisher.run(None))
            await heard.until(50)
            proxy.stall()
            await asyncio.sleep(0.2)
            began_s = monotonic()
            publisher.stop()
            tally = await publishing
        assert DRAIN_S - 0.5 < monotonic() - began_s < DRAIN_S + 1.5
        assert tally.unconfirmed > 0


async def test_without_a_broker_it_says_where_it_looked() -> None:
    port = free_port()
    simulated = calm(wearers=1, rate=10, seconds=1)
    with pytest.raises(BrokerUnreachable, match=f"127.0.0.1:{port}"):
        await _publisher(simulated, port).run(simulated.run.until_at)
