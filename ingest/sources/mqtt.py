"""Readings from a broker that speaks only MQTT 3.1.1, such as the embedded NATS.

Keeps one `MqttConnection` alive at a time and gives each the next generation, as `mqtt5` does. Here
the window is the broker's (`max_inflight_messages` of Mosquitto, `max_ack_pending` of NATS), and
retained messages come again at every subscribe, marked as such: this version has no way to decline
them. It refuses to confirm anything by itself.
"""

from collections.abc import Sequence

from ingest.sources.address import MicrosecondClock, SourceSettings
from ingest.sources.echo import Echo
from ingest.sources.mqtt_connection import MqttConnection
from ingest.sources.paho_link import PahoLink
from ingest.sources.port import FAREWELL_S, Deliver, Notice, Report, Token
from ingest.sources.reconnect import Ended, Reconnect


class MqttSource:
    """A `Source` for MQTT 3.1.1 brokers."""

    def __init__(
        self,
        settings: SourceSettings,
        clock: MicrosecondClock,
        first_generation: int = 1,
        hearing: Echo | None = None,
    ) -> None:
        """`first_generation` is above all another source has used. Raises `ValueError`."""
        self.hearing = hearing or Echo(settings.client_id, settings.echo_s, clock())
        self._settings = settings
        self._clock = clock
        self._tls = settings.tls_context()
        self._paused = False
        self._connection: MqttConnection | None = None
        self._reconnect = Reconnect(first_generation)

    async def run(self, deliver: Deliver, report: Report) -> None:
        """Connects, subscribes and delivers until `stop`.

        Raises `SourceRefused`, and whatever `deliver` and `report` raise.
        """

        async def attempt(generation: int) -> Ended:
            link = PahoLink(self._settings, self._tls)
            self._connection = MqttConnection(
                generation,
                link,
                self._clock,
                self.hearing,
                deliver,
                report,
            )
            if self._paused:
                self._connection.pause()
            try:
                return await self._connection.serve()
            finally:
                self.hearing.end()
                self._connection = None

        await self._reconnect.run(attempt, report)

    def ack(self, tokens: Sequence[Token]) -> None:
        """Confirms messages, in order; stale tokens are dropped. Never blocks."""
        if self._connection is not None:
            self._connection.confirm(tokens)

    def publish(self, notices: Sequence[Notice]) -> int:
        """Queues notices, which the loop sends; see the port for how many."""
        return 0 if self._connection is None else self._connection.publish(notices)

    def pause(self) -> None:
        """Delivers nothing until `resume`; the broker's window bounds what is held meanwhile."""
        self._paused = True
        if self._connection is not None:
            self._connection.pause()

    def resume(self) -> None:
        """Delivers again."""
        self._paused = False
        if self._connection is not None:
            self._connection.resume()

    async def stop(self, within_s: float = FAREWELL_S) -> None:
        """Sends what was acked, disconnects, keeps the session; returns when `run` has ended.

        A dial under way is waited for, at most twice `paho_link.CONNECT_S`.
        """
        if self._connection is not None:
            self._connection.finish(within_s)
        await self._reconnect.stop()
