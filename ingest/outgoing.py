"""Notices on their way to devices: kept while the broker lets no more of them be under way.

Bounded: beyond `MOST` the newest are dropped, which costs a device no more than a later receipt.
While there is no session they wait, and those that a broken connection takes with it are not sent
again.

Some brokers hang up on whoever publishes what an access list refuses (Mosquitto 2.0 without a limit
to its queue). Readings matter more than notices: after `HANG_UPS` sessions in a row that broke as
soon as a notice had been sent, none is sent for a while.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

from ingest.sources.port import NOTICES_MAX, Notice

MOST: Final = 50_000
AGAIN_S: Final = 0.02
"""Between two looks at whether more may be sent. Mosquitto lets 20 be under way unless told so."""
SOON_S: Final = 5.0
"""A session that breaks within this after its first notice may have broken because of it."""
HANG_UPS: Final = 3
OFF_S: Final = 600.0

log = logging.getLogger(__name__)


class Outgoing:
    """Between the pipeline and `Source.publish`."""

    def __init__(self, publish: Callable[[Sequence[Notice]], int]) -> None:
        self._publish = publish
        self._waiting: deque[Notice] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._first_sent_at: float | None = None
        """In this session, on the loop's clock."""
        self._hang_ups = 0
        self._off_until = 0.0

    def add(self, notices: Sequence[Notice]) -> None:
        """Sends what can be sent now, in order, and the rest as soon as it can."""
        if asyncio.get_running_loop().time() < self._off_until:
            return
        self._waiting.extend(notices[: MOST - len(self._waiting)])
        if self._timer is None:
            self._send()

    def session_lost(self, *, confirmed: bool) -> None:
        """The session is gone, and what was under way with it.

        One on which the broker had `confirmed` a notice did not break because of one: a broker that
        is killed again and again is not taken for one that hangs up.
        """
        now = asyncio.get_running_loop().time()
        soon = self._first_sent_at is not None and now - self._first_sent_at < SOON_S
        self._hang_ups = self._hang_ups + 1 if soon and not confirmed else 0
        self._first_sent_at = None
        if self._hang_ups >= HANG_UPS:
            self._hang_ups = 0
            self._off_until = now + OFF_S
            self._waiting.clear()
            log.warning("the broker hangs up on what devices are told: no receipts for a while")

    def stop(self) -> None:
        """Drops what waits."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _send(self) -> None:
        self._timer = None
        while self._waiting:
            some = list(islice(self._waiting, NOTICES_MAX))
            taken = self._publish(some)
            for _ in range(taken):
                self._waiting.popleft()
            if taken and self._first_sent_at is None:
                self._first_sent_at = asyncio.get_running_loop().time()
            if taken < len(some):
                self._timer = asyncio.get_running_loop().call_later(AGAIN_S, self._send)
                return
