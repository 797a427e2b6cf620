"""Whether messages come back: on real brokers, on those that forbid it, on one gone deaf."""

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any, Final

import pytest
from typing_extensions import override

from doorstep.embedded import broker as embedded
from ingest.sources.port import Source
from tests.integration.ingest.harness import (
    CLIENT_ID,
    TOPIC,
    Stage,
    eventually,
    make,
    numbered,
    publish,
    running,
    throughout,
)
from tests.integration.ingest.odd_broker import OddBroker, Talk, connack, packet, suback
from tests.services.mosquitto import Mosquitto
from tests.services.nats import Nats

pytestmark = pytest.mark.integration

ECHO: Final = f"doorstep/v1/ingest/{CLIENT_ID}/echo"
LOGIN: Final[dict[str, Any]] = {"username": "ingest", "password": "right"}
SUBSCRIBE, PINGREQ, PUBLISH = 0x82, 0xC0, 0x30
GRANTED, REFUSED = 0, 0x80


def echoing(stage: Stage, **more: Any) -> Source:
    return make(stage.broker.url, stage.protocol, echo_s=0.1, receive_maximum=20, **more)


async def test_it_comes_back_and_reaches_nobody(stage: Stage) -> None:
    source = echoing(stage)
    async with running(source) as listener:
        await eventually(lambda: source.hearing.heard_at is not None)
        first = source.hearing.heard_at
        await eventually(lambda: source.hearing.heard_at != first)
        await stage.publish([b"1"])
        await eventually(lambda: listener.payloads == [b"1"])
        assert {each.topic for each in listener.envelopes} == {TOPIC}
        assert not source.hearing.deaf


async def test_it_works_again_after_a_reconnect_and_on_a_resumed_session(stage: Stage) -> None:
    source = echoing(stage)
    async with running(source) as listener:
        await eventually(lambda: source.hearing.heard_at is not None)
        stage.broker.kill()
        await eventually(lambda: len(listener.losses) == 1)
        stage.broker.start()
        await eventually(lambda: len(listener.connections) == 2)
        before = source.hearing.heard_at
        await eventually(lambda: source.hearing.heard_at != before)


async def test_neither_a_full_window_nor_a_pause_is_deafness(stage: Stage) -> None:
    source = echoing(stage)
    async with running(source) as listener:
        await eventually(lambda: source.hearing.heard_at is not None)
        await stage.publish(numbered(1, 30))
        await throughout(lambda: not listener.losses and not source.hearing.deaf, 1.0)
        source.pause()
        await throughout(lambda: not listener.losses and not source.hearing.deaf, 1.0)
        source.resume()
        await throughout(lambda: not listener.losses and not source.hearing.deaf, 0.5)


async def test_a_process_that_was_stopped_for_a_while_is_not_deaf(stage: Stage) -> None:
    source = echoing(stage)
    async with running(source) as listener:
        await eventually(lambda: source.hearing.heard_at is not None)
        for _ in range(2):
            # The loop stands still as under SIGSTOP: many beats fall into this time.
            threading.Event().wait(1.0)
            before = source.hearing.heard_at
            await eventually(lambda before=before: source.hearing.heard_at != before)  # type: ignore[misc]
        assert not listener.losses


class StrictMosquitto(Mosquitto):
    """Lets ingestion read readings and nothing else; the echo is subscribed to and lost."""

    more: tuple[str, ...] = ("max_queued_messages 1000",)

    @override
    def prepare(self) -> None:
        (self.folder / "acl").write_text(f"user ingest\ntopic readwrite {TOPIC}\n")
        self.own("acl")
        self.options = (f"acl_file {self.host.inside(self.folder)}/acl", *self.more)
        super().prepare()


class HangingUp(StrictMosquitto):
    """With `max_queued_messages 0` Mosquitto 2.0 hangs up on whoever publishes what is refused."""

    more: tuple[str, ...] = ()


class StrictNats(Nats):
    """Refuses the subscription."""

    login = embedded.Login("ingest", "right")

    @override
    def prepare(self) -> None:
        text = embedded.configuration(self.port, self.folder / "store", None, self.login)
        chosen = json.loads(text)
        subject = ECHO.replace("/", ".")
        chosen["authorization"]["users"][0]["permissions"] = {"subscribe": {"deny": [subject]}}
        (self.folder / "nats.conf").write_text(json.dumps(chosen))

    @override
    def answers(self) -> bool:
        return embedded.answers(self.port, self.login)


@pytest.fixture(
    params=[
        (StrictMosquitto, "5"),
        (StrictMosquitto, "3.1.1"),
        (HangingUp, "5"),
        (HangingUp, "3.1.1"),
        (StrictNats, "3.1.1"),
    ],
    ids=lambda each: f"{each[0].__name__}-{each[1]}",
)
def strict(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A broker that does not allow it."""
    kind, protocol = request.param
    with kind() as broker:
        yield Stage(broker, protocol)


async def test_where_the_broker_forbids_it_it_does_no_harm(
    strict: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    source = echoing(strict, **LOGIN)
    async with running(source) as listener:
        await eventually(lambda: any("no echo" in each for each in caplog.messages))
        hung_up = len(listener.losses)
        assert hung_up <= 2
        await eventually(lambda: len(listener.connections) > hung_up)
        await publish(strict.broker.port, numbered(1, 10), **LOGIN)
        await eventually(lambda: {*listener.payloads} == {*numbered(1, 10)})
        source.ack(listener.tokens())
        await throughout(lambda: len(listener.losses) == hung_up, 1.0)
        assert source.hearing.heard_at is None
        assert not source.hearing.deaf
    assert len([each for each in caplog.messages if "no echo" in each]) == 1


def mirror(version: str, echoes: int | None, code: int = GRANTED) -> Talk:
    """Grants the readings, answers pings, and sends so many echoes back: all, if None."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = echoes
        writer.write(connack(version))
        writer.write(suback(version, await packet(reader)))
        while (received := await packet(reader))[0] != 0xE0:
            if received[0] == SUBSCRIBE:
                writer.write(suback(version, received, code))
            elif received[0] == PINGREQ:
                writer.write(b"\xd0\x00")
            elif received[0] == PUBLISH and left != 0:
                left = None if left is None else left - 1
                writer.write(received)

    return talk


@pytest.fixture(params=["5", "3.1.1"])
def version(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


async def test_a_connection_gone_deaf_is_dropped_and_made_anew(version: str) -> None:
    async with OddBroker(mirror(version, 2), mirror(version, None)) as broker:
        source = make(broker.url, version, echo_s=0.1)
        async with running(source) as listener:
            await eventually(lambda: len(listener.losses) == 1)
            assert "do not come back" in listener.losses[0].reason
            assert source.hearing.deaf
            await eventually(lambda: not source.hearing.deaf)
            await throughout(lambda: len(listener.losses) == 1, 0.6)
            assert len(listener.connections) == 2
            assert listener.envelopes == []


async def test_a_broker_that_stays_deaf_is_not_left_again_and_again(version: str) -> None:
    async with OddBroker(mirror(version, 2), mirror(version, 0)) as broker:
        source = make(broker.url, version, echo_s=0.1)
        async with running(source) as listener:
            await eventually(lambda: len(listener.connections) == 2)
            await throughout(lambda: len(listener.losses) == 1 and source.hearing.deaf, 1.0)


async def test_a_refused_echo_is_said_and_harmless(
    version: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with OddBroker(mirror(version, 0, REFUSED)) as broker:
        source = make(broker.url, version, echo_s=0.1)
        async with running(source) as listener:
            await eventually(lambda: any("no echo" in each for each in caplog.messages))
            await throughout(lambda: not listener.losses, 0.5)
            assert source.hearing.heard_at is None


async def test_off_it_asks_for_nothing(version: str) -> None:
    heard: list[int] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(connack(version))
        writer.write(suback(version, await packet(reader)))
        while True:
            heard.append((await packet(reader))[0])

    async with OddBroker(talk) as broker:
        async with running(make(broker.url, version, echo_s=0)):
            await throughout(lambda: heard == [], 0.5)
    assert heard == [0xE0]
