"""One MQTT 5 connection, from CONNECT to the closed socket, as an asyncio Protocol.

Theory of operation. A connection greets (CONNECT, CONNACK), subscribes (always, also on a resumed
session, whose filters may be those of an older version) and is then up. Messages that arrive before
the SUBACK, or while paused, are held and handed over later; the Receive Maximum bounds them.
Everything one read of the socket held goes to `deliver` in one call, everything one `confirm` is
given goes out in one write. However the connection ends (end of stream, malformed bytes, a silent
peer, an exception in `deliver`), `ended` is resolved exactly once: there is no deaf state.

A broker that sends more than the Receive Maximum is not cut off. Mosquitto does it (2.0.11 after
the first puback of a backlog, 2.0.11 when a session is resumed with a smaller one), and to insist
would be never to get past it; but nothing more is read until enough of it is confirmed.
It refuses to reconnect; `mqtt5` makes a new connection with the next generation.
"""

import asyncio
import logging
import os
from collections.abc import Iterable, Sequence
from typing import Literal, cast

import mqtt5
from typing_extensions import override

from domain import faults
from ingest.sources.address import MicrosecondClock, SourceSettings
from ingest.sources.echo import Echo
from ingest.sources.gate import Gate
from ingest.sources.mqtt5_decoder import MAX_PACKET_BYTES, Decoder, Fault
from ingest.sources.mqtt5_notices import Mqtt5Notices
from ingest.sources.mqtt5_pubacks import PUBACK_BYTES, pubacks
from ingest.sources.pace import REST_S, Pace
from ingest.sources.port import FAREWELL_S, Connected, Deliver, Notice, Report, Token
from ingest.sources.reconnect import Ended, Phase
from ingest.sources.refusal import (
    FIRST_FAILURE,
    old_form_code,
    refused_connect,
    refused_subscription,
)
from ingest.sources.window import Window

log = logging.getLogger(__name__)

HANDSHAKE_S = 30.0
"""From CONNECT to SUBACK. Long, because a resumed session may send its backlog first."""
PINGS_PER_KEEP_ALIVE = 3
"""So many pings in a row without a byte from the broker, and it is dead. More than one, because a
process that was itself stopped for a while finds its timer due before it has read its socket."""
SUBSCRIBE_ID = 1
ECHO_SUBSCRIBE_ID = 2

Reason = mqtt5.DisconnectReasonCode
AWAY = (Reason.SESSION_TAKEN_OVER, Reason.USE_ANOTHER_SERVER, Reason.SERVER_MOVED)
"""Dismissals after which coming back at once is wrong (MQTT 5, section 3.14.2.1)."""


class Mqtt5Connection(asyncio.Protocol):
    """See the module's theory of operation. `ended` becomes an `Ended` or raises."""

    def __init__(
        self,
        generation: int,
        settings: SourceSettings,
        clock: MicrosecondClock,
        echo: Echo,
        deliver: Deliver,
        report: Report,
    ) -> None:
        """A connection that greets as soon as it has a transport."""
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[Ended] = self._loop.create_future()
        self._window = Window(generation)
        self._echo = echo
        self._decoder = Decoder(self._window)
        self._notices = Mqtt5Notices()
        self._congested = False
        self._settings = settings
        self._clock = clock
        self._gate = Gate(deliver, paused=False)
        self._report = report
        self._phase = Phase.DIALLING
        self._session_present = False
        self._up_since: float | None = None
        self._ending: Ended | Exception | None = None
        self._unheard = 0
        self._reading = True
        self._held_back = False
        self._resting = False
        self._pace = Pace()
        self._keep_alive_s = settings.keep_alive_s
        self._timer: asyncio.TimerHandle | None = None
        self._beats: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greets."""
        # Not isinstance: the transports of uvloop only look like asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._phase = Phase.GREETING
        settings, address = self._settings, self._settings.address()
        packet = mqtt5.ConnectPacket(
            settings.client_id,
            username=address.username,
            password=None if address.password is None else address.password.encode(),
            clean_start=False,
            keep_alive=settings.keep_alive_s,
            session_expiry_interval=settings.session_expiry_s,
            receive_max=settings.receive_maximum,
            max_packet_size=MAX_PACKET_BYTES,
        )
        self._transport.write(packet.write())
        self._timer = self._loop.call_later(HANDSHAKE_S, self._late)

    @override
    def data_received(self, data: bytes) -> None:
        """Decodes what came and hands over the messages in it, in order, in one call."""
        if self._closing():
            return
        self._unheard = 0
        if self._phase is Phase.UP:
            faults.reached(faults.Point.BYTES_READ)
        decoded = self._decoder.feed(data, self._clock())
        for packet in decoded.controls:
            self._handle(packet)
        if self._phase is Phase.GREETING and decoded.arrived:
            self._at_fault(Fault("the broker sends messages before CONNACK"))
        elif decoded.arrived and not self._closing():
            arrived = decoded.arrived
            if decoded.unpromised:
                arrived = self._echo.sift(arrived, self._loop.time())
            self._echo.progress()
            self._gate.pass_on(arrived)
        if decoded.fault is not None:
            self._at_fault(decoded.fault)
        if self._pace.read(self._loop.time()) and self._phase is Phase.UP:
            self._resting = True
            self._loop.call_later(REST_S, self._go_on_reading)
        self._read_or_not()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Resolves `ended`; an exception that is not the network's is a bug and goes up."""
        self._stop_timers()
        if exc is not None and not isinstance(exc, OSError):
            self._ending = exc
        elif self._ending is None:
            why = f"the connection broke: {exc}" if exc else "the broker closed the connection"
            self._ending = self._as_ended(why)
        self._phase = Phase.CLOSING
        if self.ended.done():
            return
        if isinstance(self._ending, Exception):
            self.ended.set_exception(self._ending)
        else:
            self.ended.set_result(self._ending)

    def confirm(self, tokens: Iterable[Token]) -> None:
        """Sends the pubacks of this generation's tokens in one write."""
        if self._phase is not Phase.UP:
            return
        if settled := self._window.settle(tokens):
            packets = pubacks(settled)
            faults.reached(faults.Point.HALF_CONFIRMED, lambda die: self._send_half(packets, die))
            self._transport.write(packets)
            faults.reached(faults.Point.CONFIRMED)
            self._read_or_not()

    def publish(self, notices: Sequence[Notice]) -> int:
        """Sends what may be under way in one write, and says how many that is."""
        if self._phase is not Phase.UP or self._congested:
            return 0
        packets = self._notices.encode(notices)
        if packets:
            self._transport.write(b"".join(packets))
        return len(packets)

    @override
    def pause_writing(self) -> None:
        """The broker does not take what we write: no more notices."""
        self._congested = True

    @override
    def resume_writing(self) -> None:
        """It takes them again."""
        self._congested = False

    def pause(self) -> None:
        """Stops reading as soon as the connection is up."""
        self._gate.pause()
        self._read_or_not()

    def resume(self) -> None:
        """Reads again; what was held is handed over first, though not inside this call."""
        self._gate.resume()
        if self._phase is Phase.UP:
            self._loop.call_soon(self._let_go)
            self._read_or_not()

    def finish(self, within_s: float = FAREWELL_S) -> None:
        """Says goodbye behind the pubacks already written, and lets the broker close.

        Reading on to the end of the stream matters: closing a socket with unread bytes resets the
        connection, and a reset can overtake the pubacks.
        """
        if self._phase in (Phase.DIALLING, Phase.CLOSING):
            return
        if not self._reading:
            self._transport.resume_reading()
        self._begin_closing(self._as_ended("stopped"), within_s)
        self._transport.write(mqtt5.DisconnectPacket().write())

    def _handle(self, packet: mqtt5.Packet) -> None:
        # First, because it is the one that comes by the thousand.
        if isinstance(packet, mqtt5.PubAckPacket) and self._notices.settle(packet):
            return
        if isinstance(packet, mqtt5.PingRespPacket) and self._phase is Phase.UP:
            return
        if isinstance(packet, mqtt5.ConnAckPacket) and self._phase is Phase.GREETING:
            self._greeted(packet)
        elif isinstance(packet, mqtt5.SubAckPacket) and self._phase is Phase.SUBSCRIBING:
            self._subscribed(packet)
        elif self._answers_echo(packet):
            return
        elif isinstance(packet, mqtt5.DisconnectPacket) and self._phase is not Phase.GREETING:
            self._dismissed(packet)
        elif self._phase is not Phase.CLOSING:
            name = type(packet).__name__
            self._at_fault(Fault(f"{name} while waiting for {self._phase.value}"))

    def _greeted(self, packet: mqtt5.ConnAckPacket) -> None:
        if packet.reason_code != mqtt5.ConnAckReasonCode.SUCCESS:
            detail = packet.reason_str or packet.server_reference
            refusal = refused_connect(int(packet.reason_code), detail)
            self._drop(refusal or Ended(f"the broker answers {packet.reason_code.name}"))
            return
        self._session_present = packet.session_present
        self._notices.limit(packet.receive_max)
        self._keep_alive_s = packet.server_keep_alive or self._keep_alive_s
        granted_s = packet.session_expiry_interval
        if granted_s is not None and granted_s < self._settings.session_expiry_s:
            log.warning("the broker keeps our session only %d s while we are away", granted_s)
        self._phase = Phase.SUBSCRIBING
        self._transport.write(subscribe(SUBSCRIBE_ID, self._settings.topics, 1))

    def _subscribed(self, packet: mqtt5.SubAckPacket) -> None:
        codes = [int(code) for code in packet.reason_codes]
        if refusal := refused_subscription(self._settings.topics, codes):
            self._drop(refusal, Reason.NORMAL_DISCONNECTION)
            return
        assert self._timer is not None
        self._timer.cancel()
        self._phase = Phase.UP
        self._up_since = self._loop.time()
        self._arm()
        if self._echo.begin():
            # Apart from the readings, so that nothing said to it can touch them.
            self._transport.write(subscribe(ECHO_SUBSCRIBE_ID, [self._echo.topic], 0))
        self._gate.grant()
        self._report(Connected(self._window.generation, self._session_present))
        self._gate.pass_on([])

    def _answers_echo(self, packet: mqtt5.Packet) -> bool:
        """Whether it is the answer to our second SUBSCRIBE; then beats or does without."""
        if self._phase is not Phase.UP or not isinstance(packet, mqtt5.SubAckPacket):
            return False
        if packet.packet_id != ECHO_SUBSCRIBE_ID or self._beats is not None:
            return False
        if any(int(code) >= FIRST_FAILURE for code in packet.reason_codes):
            self._echo.refuse()
        else:
            self._beat()
        return True

    def _beat(self) -> None:
        # With a full window a broker may hold back everything, QoS 0 too.
        full = len(self._window.unconfirmed) >= self._settings.receive_maximum
        payload = self._echo.beat(reading=not (self._held_back or full))
        if self._echo.lost:
            self._drop(self._as_ended("messages do not come back from the broker"))
            return
        if payload is not None:
            self._transport.write(mqtt5.PublishPacket(self._echo.topic, payload).write())
        self._beats = self._loop.call_later(self._echo.interval_s, self._beat)

    def _dismissed(self, packet: mqtt5.DisconnectPacket) -> None:
        detail = packet.reason_str or packet.server_reference
        told = f" ({detail})" if detail else ""
        why = f"the broker disconnects us: {packet.reason_code.name}{told}"
        self._drop(self._as_ended(why, contested=packet.reason_code in AWAY))

    def _at_fault(self, fault: Fault) -> None:
        code = old_form_code(fault.head) if self._phase is Phase.GREETING else None
        if code is None:
            self._drop(self._as_ended(fault.reason), Reason.PROTOCOL_ERROR)
        else:
            refusal = refused_connect(code)
            self._drop(refusal or Ended("the broker is unavailable, and speaks MQTT 3.1.1"))

    def _let_go(self) -> None:
        if self._phase is not Phase.UP:
            return
        # The loop calls this and would only log an exception of `deliver`; messages must not stay
        # behind in a connection that looks healthy, so it is dropped unless all goes well.
        failed = self._loop.call_soon(self._drop, self._as_ended("handing over failed"))
        self._gate.pass_on([])
        failed.cancel()

    def _read_or_not(self) -> None:
        if self._phase is not Phase.UP:
            return
        full = len(self._window.unconfirmed) > self._settings.receive_maximum
        self._held_back = full or self._gate.paused
        reading = not (self._held_back or self._resting)
        if reading and not self._reading:
            self._transport.resume_reading()
        elif self._reading and not reading:
            self._transport.pause_reading()
        self._reading = reading

    def _go_on_reading(self) -> None:
        self._resting = False
        self._read_or_not()

    def _ping(self) -> None:
        if self._held_back:
            self._unheard = 0  # we are not listening, so silence says nothing
        if self._unheard >= PINGS_PER_KEEP_ALIVE:
            self._drop(self._as_ended("the broker does not answer pings"))
            return
        self._unheard += 1
        self._transport.write(mqtt5.PingReqPacket().write())
        self._arm()

    def _arm(self) -> None:
        self._timer = self._loop.call_later(self._keep_alive_s / PINGS_PER_KEEP_ALIVE, self._ping)

    def _late(self) -> None:
        self._drop(Ended(f"no {self._phase.value} within {HANDSHAKE_S:.0f} s"))

    def _closing(self) -> bool:
        return self._phase is Phase.CLOSING

    def _as_ended(self, reason: str, *, contested: bool = False) -> Ended:
        up_since = self._up_since
        connected_s = None if up_since is None else self._loop.time() - up_since
        return Ended(reason, connected_s, contested, self._notices.confirmed)

    def _drop(self, ending: Ended | Exception, code: Reason | None = None) -> None:
        if self._closing():
            return
        self._begin_closing(ending)
        if code is not None:
            self._transport.write(mqtt5.DisconnectPacket(reason_code=code).write())
        self._transport.close()

    def _send_half(self, packets: bytes, die: faults.Die) -> None:
        """Past the transport, which would wait for its turn. Without TLS only."""
        socket = self._transport.get_extra_info("socket")
        os.write(socket.fileno(), packets[: len(packets) // PUBACK_BYTES // 2 * PUBACK_BYTES])
        die()

    def _begin_closing(self, ending: Ended | Exception, within_s: float = FAREWELL_S) -> None:
        self._phase = Phase.CLOSING
        self._ending = ending
        self._stop_timers()
        self._timer = self._loop.call_later(within_s, self._transport.abort)

    def _stop_timers(self) -> None:
        for timer in (self._timer, self._beats):
            if timer is not None:
                timer.cancel()


def subscribe(packet_id: int, topics: Iterable[str], qos: Literal[0, 1]) -> bytes:
    """A SUBSCRIBE to live messages only."""
    filters = [
        mqtt5.TopicFilter(
            topic,
            max_qos=mqtt5.QoS.AT_LEAST_ONCE if qos else mqtt5.QoS.AT_MOST_ONCE,
            # Clear on a live message, so that it never looks like an old copy.
            retain_as_published=False,
            retain_handling=mqtt5.RetainHandling.SEND_NEVER,
        )
        for topic in topics
    ]
    return mqtt5.SubscribePacket(packet_id, filters).write()
