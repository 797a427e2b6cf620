"""Whether messages come back from the broker: one of our own, sent and awaited on one connection.

Theory of operation. A socket that answers pings may still be deaf: a broker that lost its
subscriptions, or a fault between its socket and our listener. So every few seconds a small message
goes out to a topic of our own, to which the same connection subscribes, at QoS 0. Anything that
arrives is a sign that messages come; the echo makes sure that there is something to arrive.

Three beats without any are deafness, and the connection is dropped, if an echo has come back on it
before. Beats are counted, not seconds: a process that was itself stopped for a while finds one beat
due, not many. While we do not read, nothing is counted.
A broker may not allow it, and then it must do no harm. A refused subscription or an echo that never
comes back ends the echo and nothing else; a broker that hangs up on it is not asked a third time.
It refuses to know sockets, packets or clocks: `mqtt5_connection` and `mqtt_connection` do.
"""

import logging
import re

from ingest.sources.port import Envelope

log = logging.getLogger(__name__)

MISSED_MAX = 3
HANG_UPS_MAX = 2


class Echo:
    """The echo of one source, over all its connections."""

    __slots__ = (
        "_asking",
        "_awaited",
        "_beating",
        "_hang_ups",
        "_heard_here",
        "_mark",
        "_number",
        "_on",
        "_said",
        "deaf",
        "heard_at",
        "interval_s",
        "topic",
    )

    def __init__(self, client_id: str, interval_s: float, mark: int) -> None:
        """Off if `interval_s` is 0. `mark` tells our messages from those of an earlier process."""
        self.interval_s = interval_s
        self.topic = topic(client_id)
        self._on = interval_s > 0
        self._mark = b"%d " % mark
        self._number = 0
        self._asking = False
        """From the subscription until there is an answer, or one is overdue."""
        self._beating = False
        self._heard_here = False
        self._awaited = 0
        self._hang_ups = 0
        self._said = False
        self.deaf = False
        """Messages came and then no more; until one comes again."""
        self.heard_at: float | None = None
        """When an echo last came back; None while none can be expected."""

    @property
    def lost(self) -> bool:
        """Whether this connection has gone deaf."""
        return self._heard_here and self._awaited > MISSED_MAX

    def begin(self) -> bool:
        """A connection is up; whether to subscribe to the topic, and beat when it is granted."""
        self._asking = self._on
        self._beating = self._heard_here = False
        self._awaited = 0
        return self._asking

    def refuse(self) -> None:
        """The broker does not grant the subscription on this connection."""
        self._asking = False
        self.heard_at, self.deaf = None, False
        self._say("the subscription is refused")

    def beat(self, *, reading: bool) -> bytes | None:
        """What to publish now, if anything. Called every `interval_s`."""
        if not reading:
            self._awaited = 0  # we are not listening, so silence says nothing
            self._asking = False
            return None
        self._asking = self._asking and not self._beating
        self._beating = True
        if self._awaited >= MISSED_MAX:
            if self.heard_at is None:
                self._say("it does not come back")
                return None
            self.deaf = True
        self._awaited += 1
        self._number += 1
        return self._mark + b"%d" % self._number

    def hear(self, payload: bytes, now: float) -> None:
        """A message came on the topic."""
        if payload.startswith(self._mark):
            self._heard_here = True
            self._asking = False
            self._hang_ups = 0
            self.heard_at = now
            self.progress()

    def sift(self, arrived: list[Envelope], now: float) -> list[Envelope]:
        """Hears our own among what arrived, and gives back the others."""
        others = []
        for envelope in arrived:
            if envelope.token is None and envelope.topic == self.topic:
                self.hear(envelope.payload, now)
            else:
                others.append(envelope)
        return others

    def progress(self) -> None:
        """A message came, whichever."""
        self._awaited = 0
        self.deaf = False

    def end(self) -> None:
        """The connection is gone."""
        self._hang_ups += self._asking
        self._asking = False
        if self._hang_ups >= HANG_UPS_MAX:
            self._on, self.heard_at = False, None
            self._say("the broker hangs up on it")

    def _say(self, why: str) -> None:
        if not self._said:
            self._said = True
            log.warning("no echo: deafness of the broker cannot be seen", extra={"reason": why})


def topic(client_id: str) -> str:
    """Where a service with this client id talks to itself."""
    return f"doorstep/v1/ingest/{re.sub(r'[^A-Za-z0-9_-]', '_', client_id)}/echo"
