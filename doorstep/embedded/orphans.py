"""Ends our children where the system will not do it when we are killed: everywhere but on Linux.

Linux signals a child when its parent dies (`account.die_with_parent`). Elsewhere a small process of
its own holds the reading end of a pipe whose only writer is us. We write down there what we start;
when the pipe closes, however we ended, it signals what is still written down, then exits.

Run as a program: `python -I orphans.py`, lines `+PID SIGNAL` and `-PID` on stdin.
"""

import os
import subprocess
import sys
from collections.abc import Iterable


class Watch:
    """Our end of the pipe; does nothing on Linux."""

    def __init__(self, *, needed: bool = sys.platform != "linux") -> None:
        self._process: subprocess.Popen[bytes] | None = None
        if needed:
            self._process = subprocess.Popen(
                [sys.executable, "-I", __file__], stdin=subprocess.PIPE, start_new_session=True
            )

    @property
    def pid(self) -> int | None:
        """The watching process, where there is one."""
        return None if self._process is None else self._process.pid

    def remember(self, pid: int, number: int) -> None:
        """It ends with us, by that signal."""
        self._write(f"+{pid} {int(number)}\n")

    def forget(self, pid: int) -> None:
        """It has ended."""
        self._write(f"-{pid}\n")

    def close(self) -> None:
        """Nothing is left to watch."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait()
            self._process = None

    def _write(self, line: str) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            try:
                self._process.stdin.write(line.encode())
                self._process.stdin.flush()
            except BrokenPipeError:
                return


def watch(lines: Iterable[str]) -> dict[int, int]:
    """Reads until the writer is gone; what is left then, and by which signal to end it."""
    left: dict[int, int] = {}
    for line in lines:
        if line.startswith("+"):
            pid, number = line[1:].split()
            left[int(pid)] = int(number)
        else:
            left.pop(int(line[1:]), None)
    return left


def end(left: dict[int, int]) -> None:
    """Signals each of them."""
    for pid, number in left.items():
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    end(watch(sys.stdin))
