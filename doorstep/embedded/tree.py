"""The process tree: parts started in order, watched, brought back when they fall, then stopped.

A part that ends while it should run is started again, each time a little later; one with a limit of
tries takes the whole stack down when they are used up, because nothing works without it. A part
that has run for a while has its tries back. They are stopped in reverse order, and none outlives
this process however it ends: see `child` and `orphans`.
"""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from doorstep.embedded.child import Program, ended, start, stop, tail
from doorstep.embedded.errors import (
    CONFIGURATION,
    FAILED,
    UNREACHABLE,
    GaveUp,
    StackError,
    Unreachable,
)
from doorstep.embedded.orphans import Watch
from doorstep.embedded.stopping import Stop

FIRST_DELAY_S: Final = 0.5
LONGEST_DELAY_S: Final = 30.0
SETTLED_S: Final = 60.0
STOPPED_WITHIN_S: Final = 14.0
"""All parts together; the last of them still get a second each."""
LOG_BYTES: Final = 10 * 1024**2


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the stack."""

    name: str
    program: Program
    ready: Callable[[], bool] = lambda: True
    ready_within_s: float = 60.0
    stops_within_s: float = 5.0
    tries: int | None = None
    """How often in a row it is brought back, where nothing works without it; None: for ever."""
    may_finish: bool = False
    """Whether ending with code 0 is no fall."""
    before: Callable[[], None] = lambda: None
    """What must be done before each start."""


class _Running:
    """A part and its process."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.process: subprocess.Popen[bytes] | None = None
        self.since = 0.0
        self.failures = 0
        self.due: float | None = None
        self.finished = False

    def start(self, stdin: int | None) -> None:
        if self.part.program.log is not None:
            _rotate(self.part.program.log)
        self.part.before()
        self.process = start(self.part.program, stdin)
        self.since, self.due = time.monotonic(), None

    def delay_s(self) -> float:
        """How long until the next try; grows with each failure in a row."""
        return float(min(FIRST_DELAY_S * 2 ** min(self.failures - 1, 10), LONGEST_DELAY_S))

    def last_words(self) -> str:
        log = self.part.program.log
        said = tail(log, 1) if log is not None else ""
        return f": {said}" if said else ""


class Tree:
    """The running parts. Leaving its `with` stops them all."""

    def __init__(self, stopping: Stop, say: Callable[[str], None]) -> None:
        self._stopping = stopping
        self._say = say
        self._parts: list[_Running] = []
        self._watch = Watch()

    def start(self, part: Part) -> None:
        """Starts a part and waits until it is ready. Raises `StackError` when it is not in time."""
        running = _Running(part)
        self._parts.append(running)
        deadline = time.monotonic() + part.ready_within_s
        tries = 1 if part.tries is None else part.tries
        while True:
            self._launch(running)
            if self._stopping.wait_until(
                lambda: _gone(running) or part.ready(), lambda: time.monotonic() > deadline
            ) and not _gone(running):
                return
            running.failures += 1
            if not _gone(running):
                raise _unready(running)
            if running.failures >= tries:
                raise GaveUp(f"{part.name} does not start{running.last_words()}", _code(running))
            self._stopping.wait(running.delay_s())

    def run(
        self, name: str, program: Program, within_s: float = 60.0, stdin: int | None = None
    ) -> None:
        """Runs a command to its end. Raises `GaveUp` when it fails or takes longer."""
        running = _Running(Part(name, program))
        self._parts.append(running)
        try:
            self._launch(running, stdin)
            deadline = time.monotonic() + within_s
            if not self._stopping.wait_until(
                lambda: _gone(running), lambda: time.monotonic() > deadline
            ):
                raise GaveUp(f"{name} takes longer than {within_s:g} s{running.last_words()}")
        finally:
            self._end(running, 1.0)
            self._parts.remove(running)
        if (code := _code(running)) != 0:
            raise GaveUp(f"{name} failed{running.last_words()}", code)

    def watch(self, every_s: float, often: Callable[[], None]) -> None:
        """Keeps the parts running until told to stop, and calls `often` every so many seconds.

        Raises `StopRequested` in the end, or `GaveUp` when a part has used up its tries.
        """
        due = 0.0
        while True:
            if time.monotonic() >= due:
                often()
                due = time.monotonic() + every_s
            for running in self._parts:
                self._tend(running)
            self._stopping.wait(0.2)

    def pids(self) -> dict[str, int]:
        """The processes by name."""
        return {
            running.part.name: running.process.pid
            for running in self._parts
            if running.process is not None and not ended(running.process)
        }

    def _tend(self, running: _Running) -> None:
        part, now = running.part, time.monotonic()
        if running.finished or not _gone(running):
            return
        assert running.process is not None
        if running.due is None:
            code = running.process.returncode
            self._watch.forget(running.process.pid)
            if code == 0 and part.may_finish:
                running.finished = True
                self._say(f"{part.name} has finished")
                return
            running.failures = 1 if now - running.since > SETTLED_S else running.failures + 1
            if part.tries is not None and running.failures > part.tries:
                raise GaveUp(f"{part.name} keeps ending (code {code}){running.last_words()}")
            running.due = now + running.delay_s()
            self._say(
                f"{part.name} ended with code {code}{running.last_words()};"
                f" starting it again in {running.delay_s():g} s"
            )
        elif now >= running.due:
            self._launch(running)

    def _launch(self, running: _Running, stdin: int | None = None) -> None:
        try:
            running.start(stdin)
        except (OSError, subprocess.SubprocessError) as error:
            raise GaveUp(f"cannot start {running.part.name}: {error}") from error
        assert running.process is not None
        self._watch.remember(running.process.pid, running.part.program.dies_on)

    def _end(self, running: _Running, within_s: float) -> None:
        if running.process is not None:
            stop(running.process, running.part.program, within_s)
            self._watch.forget(running.process.pid)

    def close(self) -> None:
        """Stops every part, the last first. Safe to repeat."""
        deadline = time.monotonic() + STOPPED_WITHIN_S
        while self._parts:
            running = self._parts[-1]
            # Asking twice is asking to be quick.
            left = 0.2 if self._stopping.requests > 1 else max(1.0, deadline - time.monotonic())
            self._end(running, min(running.part.stops_within_s, left))
            self._parts.pop()
        self._watch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()


def _gone(running: _Running) -> bool:
    return running.process is None or ended(running.process)


def _code(running: _Running) -> int:
    """The exit code that a fallen part makes ours; only those of contract section 2 mean more."""
    assert running.process is not None
    code = running.process.returncode
    return code if code in (0, CONFIGURATION, UNREACHABLE) else FAILED


def _unready(running: _Running) -> StackError:
    part = running.part
    sentence = f"{part.name} is not ready after {part.ready_within_s:g} s{running.last_words()}"
    return GaveUp(sentence) if part.tries is None else Unreachable(sentence)


def _rotate(log: Path) -> None:
    """A log that has grown large becomes `.1`, in place of the one before."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.rename(log.with_suffix(f"{log.suffix}.1"))
