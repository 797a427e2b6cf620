"""The one reader of the alert log in a process, and the queues of those who listen.

It is told which signals stand, and tells whoever listens of those that begin and end. Canaries it
reads beside the log, and hands them to those who ask for them.

Reads events in the order of their ids, which is the order of their commits, and hands each to every
listener whose grids it is of. A listener's queue is bounded: who does not keep up is put out, and
resumes from the last event they had. What a listener missed before it came is not handed out here;
`alerts.feeds.sse` reads that from the log.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from alerts.canary import Sighting
from alerts.casework import LoggedEvent
from alerts.signals import Standing
from domain import faults

QUEUE: Final = 1_000
"""Events that may wait for one listener."""
LISTENERS: Final = 2_000
BATCH: Final = 500
WAKE_S: Final = 1.0
"""How long a lost wake-up may cost."""
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 5.0

log = logging.getLogger(__name__)


class Feed(Protocol):
    """Where events come from. Every call may raise what the dispatcher is told is passing."""

    async def last_id(self) -> int:
        """The newest event's id."""
        ...

    async def after(self, event_id: int, limit: int) -> list[LoggedEvent]:
        """Events after one, in order, of all grids."""
        ...

    async def canaries(self) -> list[Sighting]:
        """Those that have come since the last call, in order; none at the first."""
        ...

    async def wait(self, timeout_s: float) -> None:
        """Returns when there may be news, or after the timeout."""
        ...

    async def close(self) -> None:
        """Lets go of the connection."""
        ...


class TooManyListeners(Exception):
    """No room for another one."""


@dataclass(slots=True, eq=False)
class Listener:
    """Somebody who listens. `None` in the queue says that it is over."""

    grid_nos: frozenset[int]
    from_id: int
    """Events after this one come through the queue, if they are of these grids."""
    canaries: bool = False
    """Whether canaries of these grids come too."""
    queue: asyncio.Queue[LoggedEvent | Standing | Sighting | None] = field(
        default_factory=lambda: asyncio.Queue(QUEUE + 1)
    )
    put_out: bool = False
    """They did not keep up; what was queued is gone."""


class Dispatcher:
    """Runs until `stop`. Belongs to one event loop."""

    def __init__(
        self,
        open_feed: Callable[[], Feed],
        passing: tuple[type[Exception], ...],
        news: Callable[[], None] = lambda: None,
        seen: Callable[[Sequence[Sighting]], None] = lambda _: None,
    ) -> None:
        self._open_feed = open_feed
        self._passing = passing
        self._news = news
        """Called when there are events: a hint for whoever reads the log for himself."""
        self._seen = seen
        """Told of canaries that were handed to streams."""
        self._listeners: dict[Listener, bool] = {}
        self._stopping = asyncio.Event()
        self.ready = False
        """Whether it is known where the log stands, so that somebody may begin to listen."""
        self.last_id = 0
        self.reading = False
        """Whether the last attempt to read the log succeeded."""
        self.delivered = 0
        """Events put into queues, in all."""
        self.put_out = 0
        """Listeners that did not keep up, in all."""
        self._signals: Mapping[str, Standing] = {}

    @property
    def listening(self) -> int:
        """How many listen just now."""
        return len(self._listeners)

    @property
    def stopping(self) -> bool:
        """Whether streams should end."""
        return self._stopping.is_set()

    async def run(self) -> None:
        """Reads and hands out until `stop` or cancelled. A database that is away is waited for."""
        feed = self._open_feed()
        pause = _FIRST_PAUSE_S
        try:
            while not self.stopping:
                try:
                    await self._follow(feed)
                except self._passing as error:
                    if self.reading:
                        log.warning("cannot read the alert log", extra={"error": str(error)})
                    self.reading = False
                    await self._pause(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE_S)
                else:
                    pause = _FIRST_PAUSE_S
        finally:
            await feed.close()

    async def _follow(self, feed: Feed) -> None:
        """One round: everything new, then a wait for more."""
        if not self.ready:
            self.last_id = await feed.last_id()
            self.ready = True
        events = await feed.after(self.last_id, BATCH)
        self.reading = True
        if events:
            faults.reached(faults.Point.EVENTS_READ)
            self._news()
        for event in events:
            self._hand_out(event)
        if len(events) < BATCH:
            self._hand_out_canaries(await feed.canaries())
            await feed.wait(WAKE_S)

    async def _pause(self, length_s: float) -> None:
        try:
            async with asyncio.timeout(length_s):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _hand_out(self, event: LoggedEvent) -> None:
        self.last_id = event.event_id
        for listener in list(self._listeners):
            if event.grid_no in listener.grid_nos and self._put(listener, event):
                self.delivered += 1

    def _hand_out_canaries(self, sightings: Sequence[Sighting]) -> None:
        if not sightings:
            return
        self._news()
        for sighting in sightings:
            for listener in list(self._listeners):
                if listener.canaries and sighting.grid_no in listener.grid_nos:
                    self._put(listener, sighting)
        self._seen(sightings)

    def _put(self, listener: Listener, what: LoggedEvent | Standing | Sighting) -> bool:
        """Whether there was room; without, the listener is put out."""
        if listener.queue.qsize() >= QUEUE:
            self._put_out(listener)
            return False
        listener.queue.put_nowait(what)
        return True

    def signals_are(self, now_standing: Mapping[str, Standing], now: int) -> None:
        """Tells what has begun and what is over since the last time. In the loop's thread."""
        before, self._signals = self._signals, now_standing
        began = [each for name, each in now_standing.items() if name not in before]
        ended = [each.over(now) for name, each in before.items() if name not in now_standing]
        for listener in list(self._listeners):
            for each in (*ended, *began):
                if _concerns(each, listener.grid_nos) and not self._put(listener, each):
                    break

    def signals(self, grid_nos: frozenset[int]) -> list[Standing]:
        """Those that stand and concern these grids, the newest first."""
        return [each for each in self._signals.values() if _concerns(each, grid_nos)]

    def _put_out(self, listener: Listener) -> None:
        self.put_out += 1
        listener.put_out = True
        self.leave(listener)
        while not listener.queue.empty():
            listener.queue.get_nowait()
        listener.queue.put_nowait(None)

    def listen(self, grid_nos: frozenset[int], *, canaries: bool = False) -> Listener:
        """A new listener. Raises `TooManyListeners`. Give it back with `leave`."""
        if len(self._listeners) >= LISTENERS:
            raise TooManyListeners
        listener = Listener(grid_nos, self.last_id, canaries)
        self._listeners[listener] = True
        return listener

    def leave(self, listener: Listener) -> None:
        """Nothing more for this one."""
        self._listeners.pop(listener, None)

    def stop(self) -> None:
        """Ends `run` and tells every listener that it is over. Call it in the loop's thread."""
        self._stopping.set()
        for listener in list(self._listeners):
            self.leave(listener)
            # The queue has one place that `_hand_out` never takes.
            listener.queue.put_nowait(None)


def _concerns(signal: Standing, grid_nos: frozenset[int]) -> bool:
    return signal.grid_nos is None or not signal.grid_nos.isdisjoint(grid_nos)
