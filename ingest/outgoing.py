"""Notices on their way to devices: kept while the broker lets no more of them be under way.

Bounded: beyond `MOST` the newest are dropped, which costs a device no more than a later receipt.
While there is no session they wait, and those that a broken connection takes with it are not sent
again.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

from ingest.sources.port import NOTICES_MAX, Notice

MOST: Final = 50_000
AGAIN_S: Final = 0.02
"""Between two looks at whether more may be sent. Mosquitto lets 20 be under way unless told so."""


class Outgoing:
    """Between the pipeline and `Source.publish`."""

    def __init__(self, publish: Callable[[Sequence[Notice]], int]) -> None:
        self._publish = publish
        self._waiting: deque[Notice] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, notices: Sequence[Notice]) -> None:
        """Sends what can be sent now, in order, and the rest as soon as it can."""
        self._waiting.extend(notices[: MOST - len(self._waiting)])
        if self._timer is None:
            self._send()

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
            if taken < len(some):
                self._timer = asyncio.get_running_loop().call_later(AGAIN_S, self._send)
                return
