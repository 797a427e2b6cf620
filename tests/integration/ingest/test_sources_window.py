"""What differs between the sources: windows, retained messages, repeats, versions."""

from collections.abc import Iterator

import pytest

from ingest.sources.address import SourceSettings
from ingest.sources.auto import source
from tests.integration.ingest.harness import (
    CLIENT_ID,
    TOPIC,
    eventually,
    make,
    numbered,
    publish,
    running,
    throughout,
)
from tests.services.mosquitto import Mosquitto
from tests.services.nats import Nats

pytestmark = pytest.mark.integration


@pytest.fixture
def mosquitto() -> Iterator[Mosquitto]:
    with Mosquitto() as broker:
        yield broker


@pytest.fixture
def nats() -> Iterator[Nats]:
    with Nats() as broker:
        yield broker


async def test_the_receive_maximum_bounds_what_is_unconfirmed(mosquitto: Mosquitto) -> None:
    bounded = make(mosquitto.url, "5", receive_maximum=50)
    async with running(bounded) as listener:
        await publish(mosquitto.port, numbered(1, 120))
        await eventually(lambda: len(listener.envelopes) == 50)
        await throughout(lambda: len(listener.envelopes) == 50, 0.5)
        bounded.ack(listener.tokens(numbered(1, 10)))
        # Mosquitto 2.0.11 answers this with the whole backlog, newer ones with ten.
        await eventually(lambda: len(listener.envelopes) >= 60)
        assert not listener.losses


async def test_a_smaller_receive_maximum_than_the_session_had_is_no_trouble(
    mosquitto: Mosquitto,
) -> None:
    """Mosquitto sends again all that was in flight, whatever the new connection asks for."""
    async with running(make(mosquitto.url, "5", receive_maximum=50)) as listener:
        await publish(mosquitto.port, numbered(1, 50))
        await eventually(lambda: len(listener.envelopes) == 50)
    smaller = make(mosquitto.url, "5", receive_maximum=10)
    async with running(smaller) as listener:
        await eventually(lambda: len(listener.envelopes) >= 10)
        await throughout(lambda: not listener.losses, 0.5)
        smaller.ack(listener.tokens())
        await eventually(lambda: {*numbered(1, 20)} <= {*listener.payloads})
        assert not listener.losses


async def test_mqtt_5_never_brings_retained_messages(mosquitto: Mosquitto) -> None:
    await publish(mosquitto.port, [b"old"], retain=True)
    for _ in range(2):
        async with running(make(mosquitto.url, "5")) as listener:
            await publish(mosquitto.port, [b"live"])
            await eventually(lambda: b"live" in listener.payloads)
            assert b"old" not in listener.payloads


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_retained_message_sent_now_comes_as_a_live_one(
    mosquitto: Mosquitto, protocol: str
) -> None:
    live = make(mosquitto.url, protocol)
    async with running(live) as listener:
        await publish(mosquitto.port, [b"now"], retain=True)
        await eventually(lambda: listener.payloads == [b"now"])
        assert not listener.envelopes[0].retain


async def test_mqtt_3_marks_the_retained_messages_it_cannot_decline(mosquitto: Mosquitto) -> None:
    await publish(mosquitto.port, [b"old"], retain=True)
    for _ in range(2):
        older = make(mosquitto.url, "3.1.1")
        async with running(older) as listener:
            await eventually(lambda: listener.payloads == [b"old"])
            assert listener.envelopes[0].retain
            older.ack(listener.tokens())


async def test_what_nats_sends_again_on_a_live_connection_comes_once(nats: Nats) -> None:
    """It does so every two seconds (`ack_wait`) until the message is confirmed."""
    older = make(nats.url, "3.1.1")
    async with running(older) as listener:
        await publish(nats.port, numbered(1, 3))
        await eventually(lambda: len(listener.envelopes) == 3)
        await throughout(lambda: len(listener.envelopes) == 3, 5.0)
        older.ack(listener.tokens())
        await publish(nats.port, [b"last"])
        await eventually(lambda: listener.payloads == [*numbered(1, 3), b"last"])
        older.ack(listener.tokens([b"last"]))
    async with running(make(nats.url, "3.1.1")) as listener:
        await throughout(lambda: not listener.envelopes, 3.0)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_resumed_session_takes_new_topics(mosquitto: Mosquitto, protocol: str) -> None:
    status = "doorstep/v1/devices/w-000001/status"
    async with running(make(mosquitto.url, protocol)):
        pass
    both = (
        "doorstep/v1/devices/+/readings",
        "doorstep/v1/devices/+/status",
    )
    async with running(make(mosquitto.url, protocol, topics=both)) as listener:
        assert listener.connections[0].session_present
        await publish(mosquitto.port, [b"online"], topic=status)
        await publish(mosquitto.port, [b"reading"])
        await eventually(lambda: len(listener.envelopes) == 2)
        assert [each.topic for each in listener.envelopes] == [status, TOPIC]


async def test_auto_speaks_mqtt_5_where_it_can(mosquitto: Mosquitto) -> None:
    async with running(make(mosquitto.url, "auto", receive_maximum=30)) as listener:
        await publish(mosquitto.port, numbered(1, 40))
        # With 3.1.1 it would be the 20 of the broker.
        await eventually(lambda: len(listener.envelopes) == 30)


async def test_auto_falls_back_where_the_broker_says_so(nats: Nats) -> None:
    chosen = source(SourceSettings(nats.url, CLIENT_ID), lambda: 0)
    chosen.pause()
    async with running(chosen) as listener:
        await publish(nats.port, numbered(1, 3))
        await throughout(lambda: not listener.envelopes, 0.3)
        chosen.resume()
        await eventually(lambda: listener.payloads == numbered(1, 3))
        chosen.ack([(1, packet_id) for _, packet_id in listener.tokens()])
        chosen.ack(listener.tokens([b"1"]))
    async with running(make(nats.url, "3.1.1")) as listener:
        await eventually(lambda: len(listener.envelopes) == 2)
        assert {*listener.payloads} == {b"2", b"3"}
