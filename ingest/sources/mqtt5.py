"""The fast road: readings from an MQTT 5 broker.

Keeps one `Mqtt5Connection` alive at a time and gives each the next generation. Confirmations reach
only the connection whose generation they carry, so none can cross a reconnect. It refuses to
decode, to decide when to stop reading, and to confirm anything by itself.
"""

import asyncio
from collections.abc import Sequence

from ingest.sources.address import MicrosecondClock, SourceSettings
from ingest.sources.echo import Echo
from ingest.sources.mqtt5_connection import Mqtt5Connection
from ingest.sources.port import FAREWELL_S, Deliver, Notice, Report, Token
from ingest.sources.reconnect import Ended, Reconnect
from ingest.sources.refusal import refused_dial

CONNECT_S = 10.0
"""For the name, the TCP connection and the TLS handshake together."""


class Mqtt5Source:
    """A `Source` for MQTT 5 brokers."""

    def __init__(self, settings: SourceSettings, clock: MicrosecondClock) -> None:
        """Raises `ValueError` if the CA file cannot be used."""
        self.hearing = Echo(settings.client_id, settings.echo_s, clock())
        self._settings = settings
        self._clock = clock
        self._tls = settings.tls_context()
        self._paused = False
        self._connection: Mqtt5Connection | None = None
        self._dialling: asyncio.Timeout | None = None
        self._reconnect = Reconnect()

    @property
    def next_generation(self) -> int:
        """The first generation this source has not used."""
        return self._reconnect.next_generation

    async def run(self, deliver: Deliver, report: Report) -> None:
        """Connects, subscribes and delivers until `stop`.

        Raises `SourceRefused`, and whatever `deliver` and `report` raise.
        """

        async def attempt(generation: int) -> Ended:
            self._connection = Mqtt5Connection(
                generation,
                self._settings,
                self._clock,
                self.hearing,
                deliver,
                report,
            )
            if self._paused:
                self._connection.pause()
            try:
                return await self._serve(self._connection)
            finally:
                self.hearing.end()
                self._connection = None

        await self._reconnect.run(attempt, report)

    def ack(self, tokens: Sequence[Token]) -> None:
        """Confirms messages, in order and in one write; stale tokens are dropped."""
        if self._connection is not None:
            self._connection.confirm(tokens)

    def publish(self, notices: Sequence[Notice]) -> int:
        """Sends notices in one write; see the port for how many."""
        return 0 if self._connection is None else self._connection.publish(notices)

    def pause(self) -> None:
        """Stops reading from the socket, now or as soon as there is one."""
        self._paused = True
        if self._connection is not None:
            self._connection.pause()

    def resume(self) -> None:
        """Reads again."""
        self._paused = False
        if self._connection is not None:
            self._connection.resume()

    async def stop(self, within_s: float = FAREWELL_S) -> None:
        """Sends what was acked, disconnects, keeps the session; returns when `run` has ended."""
        if self._connection is not None:
            self._connection.finish(within_s)
        if self._dialling is not None and not self._dialling.expired():
            self._dialling.reschedule(0.0)
        await self._reconnect.stop()

    async def _serve(self, connection: Mqtt5Connection) -> Ended:
        try:
            transport = await self._dial(connection)
        except OSError as error:
            if refusal := refused_dial(error):
                raise refusal from error
            return Ended(f"cannot reach the broker: {error!r}")
        try:
            return await connection.ended
        finally:
            transport.abort()

    async def _dial(self, connection: Mqtt5Connection) -> asyncio.Transport:
        address = self._settings.address()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S) as self._dialling:
                transport, _ = await loop.create_connection(
                    lambda: connection, address.host, address.port, ssl=self._tls
                )
        finally:
            self._dialling = None
        return transport
