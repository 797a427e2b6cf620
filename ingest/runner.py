"""Carries out what the pipeline wants: its shell, with no opinion of its own.

One event loop; the ledger works in one thread, so at most one commit is in flight and keep-alives
go on while it runs. Whatever is not a passing trouble of the store ends the process: a crash that
restarts is safer than a service that quietly stopped listening.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, assert_never

from domain import faults
from domain.people import Roster
from ingest.directory import Directory
from ingest.events import (
    Ack,
    Commit,
    CommitFailed,
    Committed,
    Draining,
    Effect,
    Event,
    Pause,
    Publish,
    Received,
    Resume,
    Retried,
    RetryIn,
    RosterChanged,
    SourceLost,
    SourceUp,
    Stopped,
    Ticked,
    WakeIn,
    Warn,
    Woke,
)
from ingest.metrics import Signals
from ingest.outgoing import Outgoing
from ingest.pipeline import Pipeline
from ingest.sources.port import FAREWELL_S, Connected, Envelope, Source, SourceEvent
from ingest.work import Ledger, Work
from rules.rulebook import Rulebook
from rules.wearers import Wearers

log = logging.getLogger(__name__)

TICK_S = 1.0
ROSTER_POLL_S = 2.0
"""Contract section 4: running processes pick up a new roster within 5 s."""


HELD_BEFORE_NEXT_PAGE = 500
"""Kept readings come in pages; the next waits until no more than so many messages are held."""
STOP_GRACE_S = 5.0
"""A commit that hangs so long after a request to stop is broken off; its messages come again."""
STOPPED_WITHIN_S = 9.0
"""Everything: the last commit, and a busy broker that takes its time with our last pubacks."""
RETRY_FLOOR_S = 0.1
RETRY_CEILING_S = 5.0


def retry_delay_s(attempt: int, draw: float) -> float:
    """Seconds before a failed commit is tried again; `attempt` counts from 0, `draw` is in 0..1."""
    return min(RETRY_CEILING_S, RETRY_FLOOR_S * 2.0 ** min(attempt, 10)) * (0.5 + draw / 2)


class RosterReader(Protocol):
    """Where a newer roster comes from. Called in a thread of its own."""

    def newer_than(self, version: int) -> Roster | None:
        """The roster if there is a newer one. Raises what `Ports.passing` names."""
        ...

    def covered(self, after: bytes) -> tuple[list[Envelope], bytes]:
        """Kept rejections the newest roster covers, a page at a time; the last is empty."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything of the world the runner touches."""

    source: Source
    ledger: Ledger
    rosters: RosterReader
    now: Callable[[], int]
    passing: tuple[type[Exception], ...]
    """Troubles of the store after which the same work is tried again."""


class Runner:
    """Runs one pipeline until `stop`, then drains it: finish, commit, confirm, disconnect."""

    def __init__(self, pipeline: Pipeline, rulebook: Rulebook, ports: Ports) -> None:
        self._pipeline = pipeline
        self._rulebook = rulebook
        self._ports = ports
        self._work: asyncio.Queue[Work] = asyncio.Queue(maxsize=1)
        self._due: asyncio.Queue[Event] = asyncio.Queue()
        """At most one `Woke` and one `Retried`: the pipeline asks for no more."""
        self._stopped = asyncio.Event()
        self._last_failure = ""
        self._roster_failure = ""
        self._grace: asyncio.TimerHandle | None = None
        self._notices = Outgoing(ports.source.publish)
        self._stop_by: float | None = None
        self.signals = Signals(ports.source.hearing)

    async def run(self) -> None:
        """Returns after `stop`; raises `SourceRefused`, `Fenced` or whatever broke."""
        with (
            ThreadPoolExecutor(1, "ledger") as ledger_thread,
            ThreadPoolExecutor(1, "roster") as roster_thread,
        ):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._ports.source.run(self._deliver, self._report))
                helpers = [
                    tasks.create_task(self._commit_for_ever(ledger_thread)),
                    tasks.create_task(self._tick_for_ever()),
                    tasks.create_task(self._wake_for_ever()),
                    tasks.create_task(self._follow_roster(roster_thread)),
                ]
                await self._stopped.wait()
                if self._grace is not None:
                    self._grace.cancel()
                self._notices.stop()
                assert self._stop_by is not None
                left_s = self._stop_by - asyncio.get_running_loop().time()
                await self._ports.source.stop(max(FAREWELL_S, left_s))
                for helper in helpers:
                    helper.cancel()

    def stop(self) -> None:
        """Takes in nothing more and finishes what was accepted; `run` then returns."""
        self._ports.source.pause()
        loop = asyncio.get_running_loop()
        self._stop_by = loop.time() + STOPPED_WITHIN_S
        self._grace = loop.call_later(STOP_GRACE_S, self._ports.ledger.abort)
        self._take(Draining())

    def _deliver(self, envelopes: Sequence[Envelope]) -> None:
        self.signals.message_at = asyncio.get_running_loop().time()
        self._take(Received(envelopes))
        faults.reached(faults.Point.BATCH_OPEN)

    def _report(self, event: SourceEvent) -> None:
        if isinstance(event, Connected):
            log.info("broker session stands", extra={"session_present": event.session_present})
            self._take(SourceUp(event.generation, event.session_present))
        else:
            log.warning("broker session lost", extra={"reason": event.reason})
            self._notices.session_lost(confirmed=event.notices_confirmed)
            self._take(SourceLost(event.generation, event.reason))

    def _take(self, event: Event) -> None:
        for effect in self._pipeline.handle(event, self._ports.now()):
            self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Commit(work):
                self._work.put_nowait(work)
            case Ack(tokens):
                self._ports.source.ack(tokens)
            case Publish(notices):
                self._notices.add(notices)
            case Pause():
                self._ports.source.pause()
            case Resume():
                self._resume()
            case WakeIn(delay_ms):
                self._later(delay_ms / 1000, Woke())
            case RetryIn(attempt, reason):
                self._note_failure(reason, attempt)
                draw = random.random()  # noqa: S311 - jitter is no secret
                self._later(retry_delay_s(attempt, draw), Retried())
            case Warn(signal, detail):
                self.signals.session_lost |= signal == "session_lost"
                log.warning("signal", extra={"signal": signal, "detail": detail})
            case Stopped():
                self._stopped.set()
            case _:
                assert_never(effect)

    def _resume(self) -> None:
        """Not once we stop: a batch has room again, but what came now would put off the end."""
        if self._stop_by is None:
            self._ports.source.resume()

    def _later(self, delay: float, event: Event) -> None:
        asyncio.get_running_loop().call_later(delay, self._due.put_nowait, event)

    def _note_failure(self, reason: str, attempt: int) -> None:
        """Once for each new reason, so that an hour's outage is not an hour of log lines."""
        if reason != self._last_failure:
            log.error("cannot store, trying again", extra={"reason": reason, "attempt": attempt})
        self._last_failure = reason

    async def _commit_for_ever(self, thread: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        while True:
            work = await self._work.get()
            try:
                result = await loop.run_in_executor(thread, self._ports.ledger.commit, work)
            except self._ports.passing as error:
                self._take(CommitFailed(f"{type(error).__name__}: {error}"))
                continue
            self.signals.committed_at = loop.time()
            if self._last_failure:
                log.info("storing again")
                self._last_failure = ""
            if work.messages:
                faults.reached(faults.Point.COMMITTED)
            self._take(Committed(result))

    async def _wake_for_ever(self) -> None:
        # Not in the timer's own callback: the loop would only log what is raised there.
        while True:
            self._take(await self._due.get())

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._take(Ticked())

    async def _follow_roster(self, thread: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        resubmitted_for = -1
        while True:
            await asyncio.sleep(ROSTER_POLL_S)
            try:
                changed = await loop.run_in_executor(thread, self._newer_roster)
                if changed is not None:
                    log.info("roster changed", extra={"version": changed.directory.roster.version})
                    self._take(changed)
                pending = resubmitted_for != self._pipeline.roster_version
                if pending and not self._pipeline.settling_older_roster:
                    await self._resubmit(thread)
                    resubmitted_for = self._pipeline.roster_version
            except self._ports.passing as error:
                if self._roster_failure != str(error):
                    log.warning("cannot read the roster", extra={"reason": str(error)})
                self._roster_failure = str(error)
            else:
                self._roster_failure = ""
            self.signals.roster_unread = bool(self._roster_failure)

    def _newer_roster(self) -> RosterChanged | None:
        roster = self._ports.rosters.newer_than(self._pipeline.roster_version)
        if roster is None:
            return None
        wearers = Wearers.of(roster, self._rulebook, self._pipeline.wearers)
        return RosterChanged(Directory.of(roster, wearers.slots), wearers)

    async def _resubmit(self, thread: ThreadPoolExecutor) -> None:
        """Readings that came before their device was known are judged now, page by page."""
        loop = asyncio.get_running_loop()
        after = b""
        while True:
            rosters = self._ports.rosters
            envelopes, after = await loop.run_in_executor(thread, rosters.covered, after)
            if not envelopes:
                return
            log.info("kept readings are covered now", extra={"messages": len(envelopes)})
            self._take(Received(envelopes))
            # The pipeline has no waiters, and pages are rare: polling is the simple thing.
            while self._pipeline.held > HELD_BEFORE_NEXT_PAGE:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
