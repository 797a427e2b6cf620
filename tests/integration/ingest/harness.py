"""What the tests of the sources share: a listener, a publisher, a proxy that cuts and freezes."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self, cast

import aiomqtt

from ingest.sources.address import SourceSettings
from ingest.sources.auto import source
from ingest.sources.port import Connected, Disconnected, Envelope, Source, SourceEvent, Token
from tests.services.mosquitto import Mosquitto
from tests.services.nats import Nats

CLIENT_ID = "ingest"
TOPIC = "doorstep/v1/devices/w-000001/readings"
RECEIVED_AT = 1_770_091_506_789_000
Broker = Mosquitto | Nats
WINDOW = 20
"""What Mosquitto allows a 3.1.1 client by default; the MQTT 5 source asks for the same."""


def make(url: str, protocol: str, **more: Any) -> Source:
    """A source with the fixed client id and a clock that stands still."""
    settings = SourceSettings(url, CLIENT_ID, protocol=cast("Any", protocol), **more)
    return source(settings, lambda: RECEIVED_AT)


def lose_sessions(broker: Broker) -> None:
    """kill -9, and the disk is new when it comes back."""
    broker.kill()
    if isinstance(broker, Nats):
        shutil.rmtree(broker.folder / "store")
    else:
        (broker.folder / "mosquitto.db").unlink(missing_ok=True)
    broker.start()


class Listener:
    """What one source told, in order."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.events: list[SourceEvent] = []

    def deliver(self, envelopes: Sequence[Envelope]) -> None:
        assert self.connections, "messages before Connected"
        assert envelopes, "a call without messages"
        self.envelopes += envelopes

    def report(self, event: SourceEvent) -> None:
        self.events.append(event)

    @property
    def connections(self) -> list[Connected]:
        return [event for event in self.events if isinstance(event, Connected)]

    @property
    def losses(self) -> list[Disconnected]:
        return [event for event in self.events if isinstance(event, Disconnected)]

    @property
    def payloads(self) -> list[bytes]:
        return [envelope.payload for envelope in self.envelopes]

    def tokens(self, payloads: Iterable[bytes] | None = None) -> list[Token]:
        """The newest token of each message, or of those named."""
        newest = {each.payload: each.token for each in self.envelopes}
        wanted = newest if payloads is None else payloads
        return [token for payload in wanted if (token := newest[payload]) is not None]


@asynccontextmanager
async def running(source: Source) -> AsyncIterator[Listener]:
    """The source, connected; stopped cleanly at the end."""
    listener = Listener()
    async with asyncio.TaskGroup() as group:
        group.create_task(source.run(listener.deliver, listener.report))
        await eventually(lambda: bool(listener.connections))
        yield listener
        await source.stop()


async def eventually(check: Callable[[], bool], within_s: float = 20.0) -> None:
    """Returns when `check` holds; fails after `within_s`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while not check():
        assert loop.time() < deadline, "this did not come true in time"
        await asyncio.sleep(0.01)


async def throughout(check: Callable[[], bool], during_s: float) -> None:
    """Fails as soon as `check` does not hold; for what must not happen within `during_s`."""
    loop = asyncio.get_running_loop()
    end = loop.time() + during_s
    while loop.time() < end:
        assert check(), "this did not stay true"
        await asyncio.sleep(0.01)


async def publish(
    port: int,
    payloads: Iterable[bytes],
    *,
    topic: str = TOPIC,
    qos: int = 1,
    retain: bool = False,
    **login: Any,
) -> None:
    """An independent client publishes, and waits for each puback at QoS 1."""
    version = aiomqtt.ProtocolVersion.V311
    async with aiomqtt.Client("127.0.0.1", port, protocol=version, **login) as client:
        for payload in payloads:
            await client.publish(topic, payload, qos=qos, retain=retain)


def numbered(first: int, last: int) -> list[bytes]:
    """Payloads that say which they are."""
    return [b"%d" % number for number in range(first, last + 1)]


class Proxy:
    """Between a source and its broker: cuts the connection, or lets the bytes vanish."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._writers: list[asyncio.StreamWriter] = []
        self._relaying = 0
        self._server: asyncio.Server | None = None
        self.frozen = False
        """While set, connections stay open and carry nothing."""

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"mqtt://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """Resets every connection there is."""
        for writer in self._writers:
            writer.transport.abort()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await eventually(lambda: self._relaying == 0)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._relaying += 1
        self._writers.append(writer)
        try:
            broker_reader, broker_writer = await asyncio.open_connection("127.0.0.1", self._target)
            self._writers.append(broker_writer)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, broker_writer))
                group.create_task(self._pump(broker_reader, writer))
        except OSError:
            writer.close()
        finally:
            self._relaying -= 1

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if not self.frozen:
                    writer.write(data)
        writer.close()


@dataclass(frozen=True)
class Stage:
    """A broker, and the version of MQTT to speak to it."""

    broker: Broker
    protocol: str

    def source(self, url: str | None = None) -> Source:
        return make(url or self.broker.url, self.protocol, keep_alive_s=2, receive_maximum=WINDOW)

    async def publish(self, payloads: list[bytes]) -> None:
        await publish(self.broker.port, payloads)
