"""Chooses the version of MQTT, and makes the source for it.

`auto` tries MQTT 5 and falls back to 3.1.1 only when a broker answers that it does not know the
version. A time-out or a reset says nothing about versions, and falling back then would trade the
receive window for the broker's default on a bad day. Once fallen back it stays there until it is
started again. It refuses to look at messages.
"""

import logging
from collections.abc import Sequence

from ingest.sources.address import MicrosecondClock, SourceSettings
from ingest.sources.mqtt import MqttSource
from ingest.sources.mqtt5 import Mqtt5Source
from ingest.sources.port import FAREWELL_S, Deliver, Notice, Report, Source, Token
from ingest.sources.refusal import VersionRefused

log = logging.getLogger(__name__)


def source(settings: SourceSettings, clock: MicrosecondClock) -> Source:
    """The source for `settings.protocol`; `clock` tells microseconds since the epoch.

    Raises `ValueError` if the settings cannot be used.
    """
    if settings.protocol == "5":
        return Mqtt5Source(settings, clock)
    if settings.protocol == "3.1.1":
        return MqttSource(settings, clock)
    return AutoSource(settings, clock)


class AutoSource:
    """A `Source` that finds out which version the broker speaks."""

    def __init__(self, settings: SourceSettings, clock: MicrosecondClock) -> None:
        """Raises `ValueError` if the CA file cannot be used."""
        self._newer = Mqtt5Source(settings, clock)
        self.hearing = self._newer.hearing
        self._settings = settings
        self._clock = clock
        self._paused = False
        self._current: Source = self._newer

    async def run(self, deliver: Deliver, report: Report) -> None:
        """Connects, subscribes and delivers until `stop`.

        Raises `SourceRefused`, and whatever `deliver` and `report` raise.
        """
        try:
            await self._newer.run(deliver, report)
            return
        except VersionRefused:
            log.info("the broker does not speak MQTT 5; going on with 3.1.1")
        # Counting on from the generations used keeps every old token stale.
        first = self._newer.next_generation
        older = MqttSource(self._settings, self._clock, first, self.hearing)
        if self._paused:
            older.pause()
        self._current = older
        await older.run(deliver, report)

    def ack(self, tokens: Sequence[Token]) -> None:
        """Confirms messages, in order; stale tokens are dropped. Never blocks."""
        self._current.ack(tokens)

    def publish(self, notices: Sequence[Notice]) -> int:
        """Sends notices, in order, and says how many were taken. Never blocks."""
        return self._current.publish(notices)

    def pause(self) -> None:
        """Delivers nothing until `resume`."""
        self._paused = True
        self._current.pause()

    def resume(self) -> None:
        """Delivers again."""
        self._paused = False
        self._current.resume()

    async def stop(self, within_s: float = FAREWELL_S) -> None:
        """Sends what was acked, disconnects, keeps the session; `run` has then ended."""
        await self._current.stop(within_s)
