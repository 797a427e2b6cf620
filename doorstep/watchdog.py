"""Ends a process whose event loop stands still, so that a supervisor can start it again.

Theory of operation. The loop winds a counter up once a second; a thread of its own looks at it as
often. A counter that has not moved for a minute, while the thread itself kept running, means that a
bug blocks the loop: the stacks of all threads go to stderr and the process ends with `EXIT_CODE`,
without clean-up: what was not committed was not confirmed, and comes again.
It must not end a process that was merely stopped (SIGSTOP, a suspended machine, one so busy that
nothing ran). Then the thread did not look for a while either, and it starts counting anew.
Code that blocks without letting go of the interpreter's lock stops the thread too, and is not seen.
"""

import asyncio
import faulthandler
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

log = logging.getLogger(__name__)

EXIT_CODE: Final = 70
"""EX_SOFTWARE of sysexits.h."""
LAST_WORDS_S: Final = 5.0
"""For the stacks; what blocks the loop may be that nobody reads our stderr."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long what may take."""

    blocked_s: float = 60.0
    """The loop, before the process is ended."""
    look_s: float = 1.0
    gap_s: float = 5.0
    """Between two looks, before it counts as not having run at all."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What the watchdog knows at one look."""

    looked_at: float
    beats: int
    since: float
    """When the loop was last known to run, or counting started anew."""

    def look(self, now: float, beats: int, gap_s: float) -> "Watch":
        """What it knows after looking again."""
        if beats != self.beats or now - self.looked_at > gap_s:
            return Watch(now, beats, now)
        return replace(self, looked_at=now)

    def blocked(self, limit_s: float) -> bool:
        """Whether the loop stood still for so long while the watchdog watched."""
        return self.looked_at - self.since >= limit_s


@contextmanager
def watched(limits: Limits | None = None) -> Iterator[None]:
    """Watches the running loop for as long as the block lasts."""
    loop = asyncio.get_running_loop()
    watchdog = _Watchdog(limits or Limits())
    beating = loop.create_task(watchdog.beat())
    thread = threading.Thread(target=watchdog.run, name="watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        beating.cancel()
        watchdog.over.set()


class _Watchdog:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._beats = 0
        self.over = threading.Event()

    async def beat(self) -> None:
        while True:
            self._beats += 1
            await asyncio.sleep(self._limits.look_s)

    def run(self) -> None:
        limits = self._limits
        now = time.monotonic()
        watch = Watch(now, self._beats, now)
        while not self.over.wait(limits.look_s):
            watch = watch.look(time.monotonic(), self._beats, limits.gap_s)
            if watch.blocked(limits.blocked_s):
                _end(limits.blocked_s)


def _end(blocked_s: float) -> None:
    words = threading.Thread(target=_last_words, args=(blocked_s,), daemon=True)
    words.start()
    words.join(LAST_WORDS_S)
    os._exit(EXIT_CODE)


def _last_words(blocked_s: float) -> None:
    faulthandler.dump_traceback(all_threads=True)
    log.critical("the event loop stands still; ending", extra={"seconds": blocked_s})
