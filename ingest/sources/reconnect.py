"""Keeps one connection alive: try, wait, try again, until told to stop.

Counts the generations and tells the listener of lost connections, once each. It refuses to know any
protocol: `attempt` opens a connection, stays with it and says how it ended. What `attempt` raises
(a refusal, a bug) leaves through `run`; nothing is swallowed here.
"""

import asyncio
import enum
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ingest.sources.backoff import delay_s, failures_after
from ingest.sources.port import Disconnected, Report

log = logging.getLogger(__name__)


class Phase(enum.Enum):
    """How far a connection has come, named after what it waits for."""

    DIALLING = "a transport"
    GREETING = "CONNACK"
    SUBSCRIBING = "SUBACK"
    UP = "messages"
    CLOSING = "the end of the stream"


@dataclass(frozen=True, slots=True)
class Ended:
    """How one attempt ended. `connected_s` is None if the subscription was never granted."""

    reason: str
    connected_s: float | None = None
    contested: bool = False
    """Another client took the session; coming back at once would take it back."""
    notices_confirmed: bool = False


def jittered_delay_s(failures: int) -> float:
    """The schedule of `backoff`, with chance from the machine."""
    return delay_s(failures, random.SystemRandom().random())


class Reconnect:
    """The loop around the connections of one source. Used once: after `stop` it stays stopped."""

    def __init__(
        self, first_generation: int = 1, delay: Callable[[int], float] = jittered_delay_s
    ) -> None:
        """`first_generation` lets one source follow another without reusing its tokens.

        `delay` is asked for the seconds to wait after so many failures in a row.
        """
        self._next_generation = first_generation
        self._delay = delay
        self._stopping = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def next_generation(self) -> int:
        """The generation the next connection will have."""
        return self._next_generation

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping.is_set()

    async def run(self, attempt: Callable[[int], Awaitable[Ended]], report: Report) -> None:
        """Connects again and again until `stop`. One run at a time."""
        assert self._idle.is_set(), "a source runs once at a time"
        self._idle.clear()
        failures = 0
        try:
            while not self.stopping:
                generation = self._next_generation
                self._next_generation += 1
                ended = await attempt(generation)
                if self.stopping:
                    return
                if ended.connected_s is not None:
                    report(Disconnected(generation, ended.reason, ended.notices_confirmed))
                failures = failures_after(
                    failures, ended.connected_s or 0.0, contested=ended.contested
                )
                await self._wait(ended.reason, failures)
        finally:
            self._idle.set()

    async def stop(self) -> None:
        """Ends the loop; returns when `run` has let go of its last connection."""
        self._stopping.set()
        await self._idle.wait()

    async def _wait(self, reason: str, failures: int) -> None:
        wait_s = self._delay(failures)
        log.warning("no broker: %s; next try in %.1f s", reason, wait_s)
        try:
            async with asyncio.timeout(wait_s):
                await self._stopping.wait()
        except TimeoutError:
            return
