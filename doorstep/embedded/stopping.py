"""SIGINT, SIGTERM and SIGHUP as something that every wait of `doorstep up` notices.

A handler only notes the signal; `wait` raises at the next moment where stopping is safe. So a child
is never half started when the stack is told to stop.
"""

import os
import select
import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Final, Self

from doorstep.embedded.child import POLL_S

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(Exception):
    """Somebody wants the stack to end."""


class Stop:
    """Whether somebody asked us to stop. Use it with `with`, in the main thread."""

    def __init__(self) -> None:
        self.requests = 0
        self._before: dict[signal.Signals, object] = {}
        self._read, self._write = -1, -1

    def wait(self, seconds: float) -> None:
        """Waits, shorter when a child ends. Raises `StopRequested` when asked to stop."""
        self._raise_if_asked()
        if select.select([self._read], [], [], seconds)[0]:
            os.read(self._read, 512)
        self._raise_if_asked()

    def wait_until(self, true: Callable[[], bool], deadline: Callable[[], bool]) -> bool:
        """Polls until something is true, or until the deadline has passed: False."""
        while not true():
            if deadline():
                return False
            self.wait(POLL_S)
        return True

    def _raise_if_asked(self) -> None:
        if self.requests:
            raise StopRequested

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        if number in _ENDING:
            self.requests += 1

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in (*_ENDING, signal.SIGCHLD):
            before = signal.getsignal(number)
            # Who started us with nohup means it.
            if not (number == signal.SIGHUP and before is signal.SIG_IGN):
                self._before[number] = before
                signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]
        signal.set_wakeup_fd(-1)
        os.close(self._read)
        os.close(self._write)
