"""The other way: what a source tells devices, heard by an independent client."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import aiomqtt
import pytest
from typing_extensions import override

from doorstep.embedded import broker as embedded
from ingest.sources.port import NOTICES_MAX, Notice, Source
from tests.integration.ingest.harness import (
    TOPIC,
    Stage,
    eventually,
    make,
    numbered,
    publish,
    running,
)
from tests.services.mosquitto import Mosquitto
from tests.services.nats import Nats

pytestmark = pytest.mark.integration

RECEIPT: Final = "doorstep/v1/devices/w-000001/receipt"
LOGIN: Final[dict[str, Any]] = {"username": "ingest", "password": "right"}
ERRORS: Final = "doorstep/v1/devices/w-000001/errors"


def receipts(first: int, last: int) -> list[Notice]:
    return [Notice(RECEIPT, payload, 1) for payload in numbered(first, last)]


async def tell(source: Source, notices: Sequence[Notice]) -> None:
    """All of these, as room for them is made."""
    async with asyncio.timeout(20):
        while notices:
            notices = notices[source.publish(notices) :]
            await asyncio.sleep(0)


class Device:
    """What a subscriber heard: (topic, payload, QoS, retained)."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes, int, bool]] = []

    def payloads(self, topic: str) -> list[bytes]:
        return [payload for where, payload, _, _ in self.heard if where == topic]

    async def listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            self.heard.append(
                (message.topic.value, message.payload, message.qos, bool(message.retain))
            )


@asynccontextmanager
async def device(port: int) -> AsyncIterator[Device]:
    """Subscribed to what devices hear."""
    version = aiomqtt.ProtocolVersion.V311
    it = Device()
    async with aiomqtt.Client("127.0.0.1", port, protocol=version) as client:
        for topic in (RECEIPT, ERRORS):
            await client.subscribe(topic, qos=1)
        listening = asyncio.create_task(it.listen(client))
        yield it
        listening.cancel()


async def test_notices_come_at_their_qos_in_order_while_readings_flow(stage: Stage) -> None:
    source = stage.source()
    async with device(stage.broker.port) as heard, running(source) as listener:
        await stage.publish(numbered(1, 10))
        await tell(source, [Notice(ERRORS, b"wrong", 0), *receipts(1, 50)])
        await eventually(lambda: len(listener.envelopes) == 10)
        source.ack(listener.tokens())
        await tell(source, receipts(51, 60))
        # More than a window of them: only confirmed ones make room.
        await stage.publish(numbered(11, 25))
        await eventually(lambda: len(listener.envelopes) == 25)
        source.ack(listener.tokens(numbered(11, 25)))
        await eventually(lambda: len(heard.heard) == 61)
        assert heard.payloads(RECEIPT) == numbered(1, 60)
        assert {(topic, qos) for topic, _, qos, _ in heard.heard} == {(ERRORS, 0), (RECEIPT, 1)}
        assert not any(retained for *_, retained in heard.heard)
    async with running(stage.source()) as listener:
        await stage.publish([b"last"])
        await eventually(lambda: b"last" in listener.payloads)
        assert listener.payloads == [b"last"]


async def test_confirmed_notices_make_room_for_more(stage: Stage) -> None:
    source, total = stage.source(), 3 * NOTICES_MAX
    async with running(source) as listener:
        sent = 0
        async with asyncio.timeout(60):
            while sent < total:
                sent += source.publish([Notice(RECEIPT, b"x", 1)] * min(500, total - sent))
                await asyncio.sleep(0)
        await stage.publish([b"last"])
        await eventually(lambda: listener.payloads == [b"last"])
        assert not listener.losses


async def test_never_more_under_way_than_the_bound(stage: Stage) -> None:
    # Without an echo, which may be one of those that are under way.
    source = make(stage.broker.url, stage.protocol, echo_s=0)
    async with device(stage.broker.port) as heard, running(source):
        assert source.publish(receipts(1, NOTICES_MAX + 10)) == min(NOTICES_MAX, _allowed(stage))
        assert source.publish(receipts(1, 1)) == 0
        await eventually(lambda: len(heard.heard) == min(NOTICES_MAX, _allowed(stage)))
        await eventually(lambda: source.publish(receipts(1, 1)) == 1)


def _allowed(stage: Stage) -> int:
    """Mosquitto says how many unconfirmed messages it takes, in its CONNACK: 20 by default."""
    return 20 if stage.protocol == "5" else NOTICES_MAX


async def test_nothing_is_taken_without_a_session(stage: Stage) -> None:
    source = stage.source()
    assert source.publish(receipts(1, 1)) == 0
    async with running(source) as listener:
        assert source.publish([]) == 0
        stage.broker.kill()
        await eventually(lambda: len(listener.losses) == 1)
        assert source.publish(receipts(1, 1)) == 0
        stage.broker.start()
        await eventually(lambda: len(listener.connections) == 2)
        async with device(stage.broker.port) as heard:
            assert source.publish(receipts(2, 2)) == 1
            await eventually(lambda: heard.payloads(RECEIPT) == [b"2"])


class StrictMosquitto(Mosquitto):
    """Passes on readings and nothing else.

    With `max_queued_messages 0` Mosquitto 2.0 hangs up on whoever publishes what is refused.
    """

    @override
    def prepare(self) -> None:
        (self.folder / "acl").write_text(f"user ingest\ntopic readwrite {TOPIC}\n")
        self.own("acl")
        acl = f"acl_file {self.host.inside(self.folder)}/acl"
        self.options = (acl, "max_queued_messages 1000")
        super().prepare()


class StrictNats(Nats):
    """Does not let ingestion send receipts."""

    login = embedded.Login("ingest", "right")

    @override
    def prepare(self) -> None:
        text = embedded.configuration(self.port, self.folder / "store", None, self.login)
        chosen = json.loads(text)
        denied = {"publish": {"deny": [RECEIPT.replace("/", ".")]}}
        chosen["authorization"]["users"][0]["permissions"] = denied
        (self.folder / "nats.conf").write_text(json.dumps(chosen))

    @override
    def answers(self) -> bool:
        return embedded.answers(self.port, self.login)


@pytest.fixture(
    params=[(StrictMosquitto, "5"), (StrictMosquitto, "3.1.1"), (StrictNats, "3.1.1")],
    ids=["mosquitto-5", "mosquitto-3.1.1", "nats-3.1.1"],
)
def strict(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A broker that refuses what we tell devices."""
    kind, protocol = request.param
    with kind() as broker:
        yield Stage(broker, protocol)


async def test_a_refused_notice_ends_nothing(
    strict: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    port = strict.broker.port
    source = make(strict.broker.url, strict.protocol, **LOGIN)
    async with running(source) as listener:
        assert source.publish(receipts(1, 10)) == 10
        await publish(port, numbered(1, 10), **LOGIN)
        await eventually(lambda: len(listener.envelopes) == 10)
        source.ack(listener.tokens())
        # Refused is settled too: there is room again, for as many as ever.
        await tell(source, receipts(11, 50))
        await publish(port, [b"last"], **LOGIN)
        await eventually(lambda: b"last" in listener.payloads)
        assert not listener.losses
    told = [each for each in caplog.messages if "refuses a notice" in each]
    assert len(told) == (1 if strict.protocol == "5" else 0), "3.1.1 has no word for it"
