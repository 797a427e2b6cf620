"""One MQTT 3.1.1 connection, from the dial to the closed socket, on the rules of `PahoLink`.

`serve` is one coroutine: woken, it lets paho read, answers what paho noted and hands the messages
over in one call. Whatever goes wrong leaves through it, an exception in `deliver` included, so that
there is no deaf state. It refuses to reconnect; `mqtt` makes a new connection.

While paused it goes on reading and holds what comes: paho has no way to ping without reading, and
NATS drops a client that does not read. The broker's own window bounds what is held.
"""

import asyncio
from collections.abc import Iterable, Sequence

from paho.mqtt.client import MQTTMessage

from domain import faults
from ingest.sources.address import MicrosecondClock
from ingest.sources.echo import Echo
from ingest.sources.gate import Gate
from ingest.sources.paho_link import PahoLink
from ingest.sources.port import FAREWELL_S, Connected, Deliver, Envelope, Notice, Report, Token
from ingest.sources.reconnect import Ended, Phase
from ingest.sources.refusal import (
    FIRST_FAILURE,
    refused_connect,
    refused_dial,
    refused_subscription,
)
from ingest.sources.window import Window

HANDSHAKE_S = 30.0
"""From CONNECT to SUBACK. Long, because a resumed session may send its backlog first."""
TICK_S = 1.0
"""How often paho looks after its keep-alive; a quarter of it if that is shorter."""


class MqttConnection:
    """See the module's theory of operation."""

    def __init__(
        self,
        generation: int,
        link: PahoLink,
        clock: MicrosecondClock,
        echo: Echo,
        deliver: Deliver,
        report: Report,
    ) -> None:
        """A connection that `serve` will open over `link`."""
        self._link = link
        self._clock = clock
        self._echo = echo
        self._report = report
        self._gate = Gate(deliver, paused=False)
        self._window = Window(generation)
        self._woken = asyncio.Event()
        self._phase = Phase.DIALLING
        self._ended: Ended | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._beats: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._farewell_s = FAREWELL_S
        self._session_present = False
        self._up_since: float | None = None

    async def serve(self) -> Ended:
        """Opens the connection and stays with it to its end.

        Raises `SourceRefused`, and whatever `deliver` and `report` raise.
        """
        try:
            if failed := await self._dial():
                return failed
            return await self._stay()
        finally:
            self._phase = Phase.CLOSING
            for timer in (self._timer, self._beats):
                if timer is not None:
                    timer.cancel()
            self._link.close()

    def confirm(self, tokens: Iterable[Token]) -> None:
        """Queues the pubacks of this generation's tokens; the loop sends them."""
        if self._phase is Phase.UP and (settled := self._window.settle(tokens)):
            faults.reached(
                faults.Point.HALF_CONFIRMED,
                lambda die: self._link.confirm_now(settled[: len(settled) // 2], die),
            )
            self._link.confirm(settled)
            faults.reached(faults.Point.CONFIRMED)

    def publish(self, notices: Sequence[Notice]) -> int:
        """Queues as many as may be under way; the loop sends them."""
        return self._link.publish(notices) if self._phase is Phase.UP else 0

    def pause(self) -> None:
        """From now on holds what comes."""
        self._gate.pause()

    def resume(self) -> None:
        """What was held is handed over first, though not inside this call."""
        self._gate.resume()
        self._woken.set()

    def finish(self, within_s: float = FAREWELL_S) -> None:
        """Says goodbye behind the pubacks already queued; `serve` then ends."""
        self._farewell_s = within_s
        if self._phase is not Phase.CLOSING:
            self._phase = Phase.CLOSING
            self._ended = self._as_ended("stopped")
            self._woken.set()

    async def _dial(self) -> Ended | None:
        try:
            await self._link.dial(self._woken.set)
        except OSError as error:
            if refusal := refused_dial(error):
                raise refusal from error
            return Ended(f"cannot reach the broker: {error!r}")
        if self._phase is Phase.DIALLING:
            self._phase = Phase.GREETING
        return None

    async def _stay(self) -> Ended:
        self._deadline = asyncio.get_running_loop().time() + HANDSHAKE_S
        self._tick()
        while self._ended is None:
            await self._woken.wait()
            self._woken.clear()
            self._pump()
        if self._phase is Phase.CLOSING:
            self._link.say_goodbye()
            await self._link.see_off(self._farewell_s)
        return self._ended

    def _tick(self) -> None:
        self._woken.set()
        tick_s = min(TICK_S, self._link.settings.keep_alive_s / 4)
        self._timer = asyncio.get_running_loop().call_later(tick_s, self._tick)

    def _pump(self) -> None:
        link, received_at = self._link, self._clock()
        link.read()
        link.tick()
        if self._phase is Phase.GREETING and link.connack is not None:
            self._greeted(link.connack)
        if self._phase is Phase.SUBSCRIBING and link.suback is not None:
            self._subscribed(link.suback)
        if self._phase is Phase.UP and link.echo_suback is not None:
            self._start_beating(link.echo_suback)
        if self._phase is not Phase.CLOSING:
            self._pass_on(self._envelopes(link.take(), received_at))
        if self._ended is None:
            self._ended = self._trouble()

    def _greeted(self, connack: tuple[bool, int]) -> None:
        session_present, code = connack
        if refusal := refused_connect(code):
            raise refusal
        if code:
            self._ended = Ended(f"the broker answers 0x{code:02x} to CONNECT")
            return
        self._session_present = session_present
        self._phase = Phase.SUBSCRIBING
        self._link.subscribe()

    def _subscribed(self, codes: list[int]) -> None:
        if refusal := refused_subscription(self._link.settings.topics, codes):
            raise refusal
        self._phase = Phase.UP
        self._up_since = asyncio.get_running_loop().time()
        if self._echo.begin():
            # Apart from the readings, so that nothing said to it can touch them.
            self._link.subscribe_echo(self._echo.topic)
        self._gate.grant()
        self._report(Connected(self._window.generation, self._session_present))

    def _envelopes(self, messages: list[MQTTMessage], received_at: int) -> list[Envelope]:
        envelopes = []
        if messages:
            faults.reached(faults.Point.BYTES_READ)
        for message in messages:
            token = None
            if message.qos:
                token = self._window.admit(message.mid)
                if token is None:
                    continue
            envelopes.append(
                Envelope(
                    token,
                    _topic(message),
                    bytes(message.payload),
                    received_at,
                    message.retain,
                    message.dup,
                )
            )
        return envelopes

    def _pass_on(self, arrived: list[Envelope]) -> None:
        if arrived:
            self._echo.progress()
            arrived = self._echo.sift(arrived, asyncio.get_running_loop().time())
        self._gate.pass_on(arrived)

    def _start_beating(self, code: int) -> None:
        self._link.echo_suback = None
        if code >= FIRST_FAILURE:
            self._echo.refuse()
        else:
            self._beat()

    def _beat(self) -> None:
        payload = self._echo.beat(reading=True)  # paused or not, see above
        if self._echo.lost:
            self._ended = self._as_ended("messages do not come back from the broker")
            self._woken.set()
            return
        if payload is not None:
            self._link.publish([Notice(self._echo.topic, payload, 0)])
        self._beats = asyncio.get_running_loop().call_later(self._echo.interval_s, self._beat)

    def _trouble(self) -> Ended | None:
        if self._link.lost is not None:
            return self._as_ended(self._link.lost)
        late = asyncio.get_running_loop().time() > self._deadline
        if late and self._phase in (Phase.GREETING, Phase.SUBSCRIBING):
            return Ended(f"no {self._phase.value} within {HANDSHAKE_S:.0f} s")
        return None

    def _as_ended(self, reason: str) -> Ended:
        up_since = self._up_since
        if up_since is None:
            return Ended(reason)
        connected_s = asyncio.get_running_loop().time() - up_since
        return Ended(reason, connected_s, notices_confirmed=self._link.notices_confirmed)


def _topic(message: MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:
        # paho keeps the bytes to itself. No device has this topic, so the message is rejected.
        return ""
