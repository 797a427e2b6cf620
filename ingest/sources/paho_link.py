"""paho-mqtt without its thread: a client that the event loop drives, for one connection.

Theory of operation. paho's own network thread is not used. With it, a confirmation decided on our
thread could reach the client after that thread had reconnected, and would confirm a message of the
new session that nobody has stored; and an exception in a callback ends the thread silently while
`is_connected()` stays true. Here the loop says when the socket can be read or written, `read` lets
paho read, and its callbacks only note what came. Only the dial (name, TCP, TLS) blocks and runs on
a thread, before anything else. A client serves one connection, so that no packet id and no queued
puback can outlive it. It refuses to decide anything; `mqtt_connection` does that.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from typing_extensions import override

from domain.faults import Die
from ingest.sources.address import SourceSettings
from ingest.sources.port import NOTICES_MAX, Notice
from ingest.sources.refusal import FIRST_FAILURE

CONNECT_S = 5.0
"""For the TCP connection, and again for the TLS handshake. A dial cannot be interrupted."""
BATCH_MAX = 1000
"""Messages read in one go, so that the loop gets its turn."""


class PahoLink:
    """One connection of paho. The public attributes are what its callbacks noted."""

    def __init__(self, settings: SourceSettings, tls: ssl.SSLContext | None) -> None:
        """A link that `dial` opens."""
        self.settings = settings
        self.connack: tuple[bool, int] | None = None
        """(session present, reason code in the numbers of MQTT 5)."""
        self.suback: list[int] | None = None
        self.echo_suback: int | None = None
        self._echo_mid: int | None = None
        self._messages: list[MQTTMessage] = []
        self._under_way: set[int] = set()
        self.notices_confirmed = False
        """Our own messages: not yet written (QoS 0) or not yet confirmed (QoS 1)."""
        self.lost: str | None = None
        """Why there is no connection any more."""
        self._wake: Callable[[], None] = _nobody
        self._abandoned = False
        self._lingering: socket.socket | None = None
        self._client = self._prepare(settings, tls)

    async def dial(self, wake: Callable[[], None]) -> None:
        """Connects and sends CONNECT. Raises `OSError`.

        `wake` is called on the loop whenever `read` has something to do.
        """
        self._wake = wake
        await asyncio.to_thread(self._dial)
        fd = self._fd()
        if fd is None:
            raise ConnectionError("the connection broke during CONNECT")
        loop = asyncio.get_running_loop()
        client = self._client
        # Set only now: on the dialling thread paho has to write by itself.
        client.on_socket_register_write = lambda *_: loop.add_writer(fd, client.loop_write)
        client.on_socket_unregister_write = lambda *_: _forget(loop.remove_writer, fd)
        client.on_socket_close = lambda *_: _forget(loop.remove_reader, fd)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_disconnect = self._on_disconnect
        loop.add_reader(fd, self._wake)

    def read(self) -> None:
        """Reads what is there, at most a batch, and calls `wake` if there may be more unseen."""
        sock = self._client.socket()
        while len(self._messages) < BATCH_MAX:
            before = len(self._messages)
            if self._client.loop_read() is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                return
            if len(self._messages) == before:
                break
        # Bytes that TLS has already decrypted do not make the socket readable again.
        if isinstance(sock, ssl.SSLSocket) and self._client.socket() and sock.pending():
            self._wake()

    def take(self) -> list[MQTTMessage]:
        """The messages read since the last call, in order of arrival."""
        taken, self._messages = self._messages, []
        return taken

    def tick(self) -> None:
        """Lets paho ping, and give up a broker that has not answered for a keep-alive."""
        self._client.loop_misc()

    def subscribe(self) -> None:
        """Asks for every topic filter at QoS 1."""
        self._client.subscribe([(topic, 1) for topic in self.settings.topics])

    def subscribe_echo(self, topic: str) -> None:
        """Asks for our own messages, at QoS 0; the answer is `echo_suback`."""
        _, self._echo_mid = self._client.subscribe(topic, 0)

    def confirm(self, packet_ids: Iterable[int]) -> None:
        """Queues pubacks; they leave when the loop finds the socket writable."""
        for packet_id in packet_ids:
            self._client.ack(packet_id, 1)

    def publish(self, notices: Sequence[Notice]) -> int:
        """Queues as many as may be under way, and says how many that is."""
        taken = 0
        for notice in notices[: NOTICES_MAX - len(self._under_way)]:
            sent = self._client.publish(notice.topic, notice.payload, notice.qos)
            if sent.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                break
            self._under_way.add(sent.mid)
            taken += 1
        return taken

    def confirm_now(self, packet_ids: Iterable[int], then: Die) -> None:
        """Sends pubacks without waiting for the loop; for a fault point only."""
        self.confirm(packet_ids)
        self._client.loop_write()
        then()

    def say_goodbye(self) -> None:
        """Queues a DISCONNECT behind the pubacks; paho closes its socket when it is sent.

        A second handle keeps the connection open for `see_off`: closing one with unread bytes
        resets it, and a reset can overtake the pubacks.
        """
        fd = self._fd()
        if fd is not None:
            asyncio.get_running_loop().remove_reader(fd)
            self._lingering = socket.socket(fileno=os.dup(fd))
            self._lingering.settimeout(0)
            self._client.disconnect()

    async def see_off(self, limit_s: float) -> None:
        """Reads to the end of the stream after `say_goodbye`, for at most `limit_s`."""
        if self._lingering is None:
            return
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(limit_s):
                while await loop.sock_recv(self._lingering, 65_536):
                    continue
        except OSError:  # a time-out is one of them; the pubacks had their chance
            return

    def close(self) -> None:
        """Lets go of every socket, now or, if a dial is still under way, when it is done."""
        self._abandoned = True
        if self._lingering is not None:
            self._lingering.close()
        fd = self._fd()
        if fd is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(fd)
            loop.remove_writer(fd)
        self._hang_up()

    def _prepare(self, settings: SourceSettings, tls: ssl.SSLContext | None) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = CONNECT_S
        # We count what is under way ourselves: with a limit of its own paho looks through all of
        # it at every puback.
        client.max_inflight_messages = 0
        address = settings.address()
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        if tls is not None:
            tls.sslsocket_class = _Tidy
            client.tls_set_context(tls)
        return client

    def _dial(self) -> None:
        address = self.settings.address()
        self._client.connect(address.host, address.port, self.settings.keep_alive_s)
        sock = self._client.socket()
        if isinstance(sock, socket.socket):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._abandoned:
            self._hang_up()

    def _fd(self) -> int | None:
        sock = self._client.socket()
        fd = -1 if sock is None else sock.fileno()
        return None if fd < 0 else fd  # negative once the socket has been closed

    def _hang_up(self) -> None:
        client = self._client
        # paho calls this one again when it is collected, and the number may then be another's.
        client.on_socket_close = None
        client.on_socket_unregister_write = None
        sock = client.socket()
        if isinstance(sock, socket.socket):
            sock.close()

    def _on_connect(
        self,
        _client: Client,
        _data: object,
        flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self.connack = (flags.session_present, reason.value)

    def _on_subscribe(
        self,
        _client: Client,
        _data: object,
        mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        codes = [reason.value for reason in reasons]
        if mid == self._echo_mid:
            self.echo_suback = max(codes, default=FIRST_FAILURE)
        else:
            self.suback = codes

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        if message.qos > 1:
            # paho has answered it already, so it is lost if we are; and we asked for QoS 1.
            self.lost = "the broker sends QoS 2 to a subscription with QoS 1"
            return
        self._messages.append(message)

    def _on_publish(
        self, _client: Client, _data: object, mid: int, _: ReasonCode, _properties: Properties
    ) -> None:
        self._under_way.discard(mid)
        self.notices_confirmed = True

    def _on_disconnect(
        self,
        _client: Client,
        _data: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self.lost = f"the connection broke: {reason}"
        self._wake()


class _Tidy(ssl.SSLSocket):
    """Closes itself when the handshake fails, which paho leaves to the garbage collector."""

    @override
    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _forget(remove: Callable[[int], bool], fd: int) -> None:
    remove(fd)  # whether it was there at all is of no interest


def _nobody() -> None:
    """Stands in for `wake` before there is a connection."""
