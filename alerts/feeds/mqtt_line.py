"""One connection to a broker, to publish on: paho-mqtt with its thread, awaited from the loop.

paho publishes and nothing else here, so that its thread cannot confirm what nobody has stored; what
its callbacks learn is handed to the loop. A line serves one connection: nothing that was under way
on it can turn up on the next one. It refuses to decide when to try again.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

Version = Literal["5", "3.1.1"]
ANSWER_S: Final = 5.0
"""For the TCP connection, for the TLS handshake, and for the CONNACK."""
PUBACK_S: Final = 10.0
"""A broker that syncs what it confirms to a slow disk takes a second; one that takes ten is away.

Shorter than `alerts.feeds.worker.SEND_S`, so that it is the broker of which this is said.
"""
_VERSIONS: Final = {"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311}
_VERSION_REFUSED: Final = 0x84
"""MQTT 5, section 3.2.2.2: Unsupported Protocol Version; paho says it of an older CONNACK too."""
_REFUSED: Final = 0x80
"""MQTT 5, section 2.4: reason codes from here on are failures."""


class LineLost(Exception):
    """There is no connection, or no more; the message says why and holds no secret."""


class VersionNotSpoken(LineLost):
    """The broker does not speak this version of MQTT; another may do."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where it is, and as whom we come."""

    host: str
    port: int
    client_id: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    keep_alive_s: int = 30


class Line:
    """Open between `open` and `close`. Belongs to one event loop; made inside it."""

    def __init__(self, broker: Broker, version: Version) -> None:
        self._broker = broker
        self._loop = asyncio.get_running_loop()
        self._connack: asyncio.Future[int] = self._loop.create_future()
        self._pubacks: dict[int, asyncio.Future[int]] = {}
        self._over = asyncio.Event()
        self._why = "closed"
        self._client = self._prepare(broker, version)

    async def open(self) -> None:
        """Connects. Raises `LineLost`. It is to be closed in any case."""
        try:
            await asyncio.to_thread(self._dial)
        except OSError as error:
            raise LineLost(f"cannot connect: {error}") from error
        self._client.loop_start()
        try:
            code = await asyncio.wait_for(self._connack, ANSWER_S)
        except TimeoutError:
            raise LineLost("no answer to CONNECT") from None
        if code == _VERSION_REFUSED:
            raise VersionNotSpoken("the broker does not speak this version of MQTT")
        if code >= _REFUSED:
            raise LineLost(f"the broker refuses us: 0x{code:02x}")

    async def publish(self, topic: str, payload: bytes) -> int:
        """Sends at QoS 1 and waits for the PUBACK; its reason code. Raises `LineLost`.

        Without an answer in time the whole line is given up: what it says later is of no use.
        """
        if self._over.is_set():
            raise LineLost(self._why)
        sent = self._client.publish(topic, payload, qos=1)
        if sent.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise LineLost(f"cannot publish: {sent.rc.name}")
        puback: asyncio.Future[int] = self._loop.create_future()
        self._pubacks[sent.mid] = puback
        try:
            return await asyncio.wait_for(puback, PUBACK_S)
        except TimeoutError:
            self._lose("no PUBACK")
            raise LineLost("no PUBACK") from None
        finally:
            self._pubacks.pop(sent.mid, None)

    async def over(self) -> str:
        """Returns when the connection is gone, and says why."""
        await self._over.wait()
        return self._why

    async def close(self) -> None:
        """Disconnects, and waits for the thread."""
        self._lose(self._why)
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    def _dial(self) -> None:
        """Name, TCP, TLS and CONNECT; blocks."""
        self._client.connect(self._broker.host, self._broker.port, self._broker.keep_alive_s)

    def _prepare(self, broker: Broker, version: Version) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=broker.client_id,
            clean_session=None if version == "5" else True,
            protocol=_VERSIONS[version],
            reconnect_on_failure=False,
        )
        client.connect_timeout = ANSWER_S
        if broker.username is not None:
            client.username_pw_set(broker.username, broker.password)
        if broker.tls is not None:
            client.tls_set_context(broker.tls)
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_disconnect = self._on_disconnect
        return client

    def _on_connect(
        self, _: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode, _p: Properties | None
    ) -> None:
        self._hand_over(lambda: _settle(self._connack, reason.value))

    def _on_publish(
        self, _: Client, _data: Any, mid: int, reason: ReasonCode, _p: Properties | None
    ) -> None:
        self._hand_over(lambda: self._confirmed(mid, reason.value))

    def _on_disconnect(
        self, _: Client, _data: Any, _f: DisconnectFlags, reason: ReasonCode, _p: Properties | None
    ) -> None:
        self._hand_over(lambda: self._lose(f"the connection broke: {reason}"))

    def _hand_over(self, what: Callable[[], None]) -> None:
        """From paho's thread. After the loop's end there is nobody to be told."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what)

    def _confirmed(self, mid: int, code: int) -> None:
        if mid in self._pubacks:
            _settle(self._pubacks[mid], code)

    def _lose(self, why: str) -> None:
        if self._over.is_set():
            return
        self._why = why
        self._over.set()
        for waiting in (self._connack, *self._pubacks.values()):
            if not waiting.done():
                waiting.set_exception(LineLost(why))
        # Nobody may be waiting for it, and then it is nobody's loss.
        if self._connack.done() and not self._connack.cancelled():
            self._connack.exception()


def _settle(future: asyncio.Future[int], code: int) -> None:
    if not future.done():
        future.set_result(code)
