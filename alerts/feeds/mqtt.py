"""Alert events over MQTT, to doctors' systems: `doorstep/v1/grids/{grid}/alerts/{alert}`, QoS 1.

A `Sender` of one consumer, the service's own. It keeps one connection up and hands over only while
there is one; a PUBACK is what it calls delivered. Nothing is retained: who was away longer than its
session asks `GET /alerts`. An event is `Failed` once in an outage, so that the outage shows in the
rows, and then waits for `AGAIN_S` at a time, so that all goes out as soon as the broker is back.
"""

import asyncio
import json
import logging
from collections.abc import Sequence
from typing import Final

from alerts.delivery import Answer, Consumer, Failed, Later, Message, Sent
from alerts.feeds.mqtt_line import Broker, Line, LineLost, Version, VersionNotSpoken

KIND: Final = "mqtt"
AGAIN_S: Final = 2.0
"""How soon what waits for the broker is looked at again."""
SOON_S: Final = 0.2
"""The same while the first connection is being made: a start is no outage."""
_REFUSED: Final = 0x80
"""MQTT 5, section 2.4: reason codes from here on are failures. 0x10, nobody listens, is none."""
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 5.0
_UNFIT: Final = "%/+# "

log = logging.getLogger(__name__)


def topic(grid: str, alert_id: str) -> str:
    """Where the events of an alert go; in a grid's id `% / + #` and space are percent-encoded.

    A roster may have them. MQTT (5, section 4.7.1) knows the first three of a topic name as
    separator and wildcards; the embedded broker refuses the space; controls SHOULD NOT be there.
    """
    return f"doorstep/v1/grids/{_fit(grid)}/alerts/{alert_id}"


def _fit(grid: str) -> str:
    unfit = (each in _UNFIT or not each.isprintable() for each in grid)
    return "".join(
        "".join(f"%{byte:02X}" for byte in each.encode()) if bad else each
        for each, bad in zip(grid, unfit, strict=True)
    )


def payload(message: Message) -> bytes:
    """What is published of an event (contract section 3), and its id, the same at each sending."""
    told = {
        "type": message.type,
        "before": message.before,
        "after": message.after,
        "id": message.id,
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def canary_topic(grid: str) -> str:
    """Where the canaries of a grid go."""
    return f"doorstep/v1/grids/{_fit(grid)}/canary"


class MqttFeed:
    """Belongs to one event loop. `run` keeps the connection; `send` uses it."""

    def __init__(self, broker: Broker, versions: Sequence[Version]) -> None:
        """`versions` of MQTT to be tried, in order."""
        self._broker = broker
        self._versions = list(versions)
        self._line: Line | None = None
        self._tried = False
        """Whether what came of the first attempt to connect is known."""
        self._outage_told = False
        self._last_complaint = ""

    @property
    def together(self) -> int:
        """One: a topic has one alert."""
        return 1

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._line is not None

    async def send(self, consumer: Consumer, messages: Sequence[Message]) -> Answer:
        """Publishes one event and waits until the broker has it."""
        del consumer
        (message,) = messages
        if self._line is None:
            return self._away()
        return await self.publish(topic(message.grid, message.alert_id), payload(message))

    async def publish(self, name: str, body: bytes) -> Sent | Failed:
        """Publishes anything, once: whether the broker has it."""
        if self._line is None:
            return Failed("no connection")
        try:
            code = await self._line.publish(name, body)
        except LineLost as error:
            return Failed(str(error))
        return Sent("PUBACK") if code < _REFUSED else Failed(f"refused 0x{code:02x}")

    async def run(self) -> None:
        """Connects, and connects again, until cancelled."""
        pause = _FIRST_PAUSE_S
        while True:
            line = Line(self._broker, self._versions[0])
            try:
                await line.open()
                pause = _FIRST_PAUSE_S
                await self._use(line)
            except VersionNotSpoken as error:
                if len(self._versions) > 1:
                    del self._versions[0]
                    continue
                self._complain(str(error))
            except LineLost as error:
                self._complain(str(error))
            finally:
                self._line = None
                await line.close()
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    async def _use(self, line: Line) -> None:
        self._line, self._outage_told, self._last_complaint = line, False, ""
        self._tried = True
        log.info("connected to the broker")
        raise LineLost(await line.over())

    def _away(self) -> Answer:
        if not self._tried:
            return Later(SOON_S)
        if self._outage_told:
            return Later(AGAIN_S)
        self._outage_told = True
        return Failed("no connection")

    def _complain(self, why: str) -> None:
        """Once for each reason."""
        self._tried = True
        if why != self._last_complaint:
            self._last_complaint = why
            log.warning("no connection for alerts by MQTT", extra={"error": why})
