"""One connection to the broker with a client id of the doctor's own, driven by plain calls.

paho-mqtt with its thread, because a doctor has time and no readings of ours pass through it: it
never uses ingestion's client id, whose session holds the queue. Every wait has a limit. It refuses
to decide anything; it tells what the broker said, or raises `LinkError`.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ingest.sources.address import SourceSettings
from ingest.sources.refusal import FINAL, VERSION_REFUSED

Version = Literal["5", "3.1.1"]
ANSWER_S: Final = 5.0
KEEP_ALIVE_S: Final = 30
IN_FLIGHT: Final = 10
"""Messages we have under way to the broker."""
_VERSIONS: Final = {"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311}


class LinkError(Exception):
    """The broker cannot be reached, broke the connection, or did not answer in time."""


class LinkRefused(LinkError):
    """The broker answered and would not have us."""


class VersionNotSpoken(LinkRefused):
    """The broker does not speak this version of MQTT."""


@dataclass(frozen=True, slots=True)
class Session:
    """How a connection is made."""

    client_id: str
    version: Version
    fresh: bool = True
    """Forgets what the broker kept for this client id."""
    kept_s: int = 0
    """How long it keeps the session afterwards (3.1.1: for good, unless 0)."""
    receive_maximum: int = 100
    login: bool = True


class Link:
    """An open connection; made by `connected`. Messages are confirmed by `confirm` only."""

    def __init__(self, settings: SourceSettings, session: Session) -> None:
        self._changed = threading.Condition()
        self._session = session
        self._granted: dict[int, list[int]] = {}
        self.limits: dict[str, Any] = {}
        """The properties of the CONNACK, by their names in paho."""
        self.present = False
        """Whether the broker had kept the session."""
        self.messages: list[MQTTMessage] = []
        self.published: dict[int, bool] = {}
        """By packet id, whether the broker accepted what it confirmed."""
        self._connack: int | None = None
        self._lost: str | None = None
        self._client = self._prepare(settings)

    def open(self, settings: SourceSettings) -> None:
        """Connects. Raises `LinkError`; `LinkRefused` when the broker said no."""
        address, session = settings.address(), self._session
        try:
            if session.version == "5":
                properties: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
                properties.SessionExpiryInterval = session.kept_s
                properties.ReceiveMaximum = session.receive_maximum
                self._client.connect(
                    address.host,
                    address.port,
                    KEEP_ALIVE_S,
                    clean_start=session.fresh,
                    properties=properties,
                )
            else:
                self._client.connect(address.host, address.port, KEEP_ALIVE_S)
        except OSError as error:
            raise LinkError(f"{address.host}:{address.port}: {error}") from error
        self._client.loop_start()
        if not self.wait(lambda: self._connack is not None or self._lost is not None, ANSWER_S):
            raise LinkError("no answer to CONNECT")
        if self._connack == VERSION_REFUSED:
            raise VersionNotSpoken(f"the broker does not speak MQTT {session.version}")
        if self._connack is None:
            raise LinkError(self._lost or "the connection broke")
        if self._connack:
            said = FINAL.get(self._connack, f"reason 0x{self._connack:02x}")
            raise LinkRefused(f"the broker refuses us: {said}")

    def wait(self, ready: Callable[[], bool], within_s: float) -> bool:
        """Waits until `ready`, which is asked after everything that arrives; False when too late.

        Raises `LinkError` when the connection broke first.
        """
        with self._changed:
            self._changed.wait_for(lambda: ready() or self._lost is not None, within_s)
            if ready():
                return True
            if self._lost is not None and self._connack == 0:
                raise LinkError(self._lost)
            return False

    def subscribe(self, topics: Sequence[str]) -> list[int]:
        """Asks for topics at QoS 1 and returns what was granted, or refused (0x80 and above)."""
        _, mid = self._client.subscribe([(topic, 1) for topic in topics])
        assert mid is not None
        if not self.wait(lambda: mid in self._granted, ANSWER_S):
            raise LinkError("no answer to SUBSCRIBE")
        return self._granted[mid]

    def publish(self, topic: str, payload: bytes) -> None:
        """Queues a message with QoS 1; `published` tells when it is confirmed."""
        self._client.publish(topic, payload, qos=1)

    def confirm(self, messages: Sequence[MQTTMessage]) -> None:
        """Confirms messages to the broker."""
        for message in messages:
            self._client.ack(message.mid, message.qos)

    def close(self) -> None:
        """Disconnects, keeping the session for as long as was asked."""
        self._client.disconnect()
        self._client.loop_stop()

    def _prepare(self, settings: SourceSettings) -> Client:
        session, address = self._session, settings.address()
        clean = session.fresh and not session.kept_s
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=session.client_id,
            clean_session=None if session.version == "5" else clean,
            protocol=_VERSIONS[session.version],
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = ANSWER_S
        # paho does not keep to the broker's Receive Maximum, which may be lower than its own 20.
        client.max_inflight_messages_set(IN_FLIGHT)
        if session.login and address.username is not None:
            client.username_pw_set(address.username, address.password)
        tls = settings.tls_context()
        if tls is not None:
            client.tls_set_context(tls)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def _on_connect(
        self,
        _client: Client,
        _data: object,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        with self._changed:
            self.present = flags.session_present
            self.limits = _words(properties)
            self._connack = reason.value
            self._changed.notify_all()

    def _on_subscribe(
        self,
        _client: Client,
        _data: object,
        mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        with self._changed:
            self._granted[mid] = [reason.value for reason in reasons]
            self._changed.notify_all()

    def _on_publish(
        self,
        _client: Client,
        _data: object,
        mid: int,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        with self._changed:
            self.published[mid] = not reason.is_failure
            self._changed.notify_all()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()

    def _on_disconnect(
        self,
        _client: Client,
        _data: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        with self._changed:
            self._lost = f"the connection broke: {reason}"
            self._changed.notify_all()


def _words(properties: Properties | None) -> dict[str, Any]:
    if properties is None:
        return {}
    said: dict[str, Any] = properties.json()  # type: ignore[no-untyped-call]
    return said


@contextmanager
def connected(settings: SourceSettings, session: Session) -> Iterator[Link]:
    """An open connection, closed at the end. Raises `LinkError`."""
    link = Link(settings, session)
    try:
        link.open(settings)
        yield link
    finally:
        link.close()
