"""Child processes that speak JSON lines, and how much CPU and memory any process has used."""

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psutil

ROOT: Final = Path(__file__).resolve().parent.parent
ANSWER_WITHIN_S: Final = 120.0
ENDED_WITHIN_S: Final = 5.0


class Child:
    """A process that answers in lines of JSON. `with` ends it."""

    def __init__(self, argv: Sequence[str], log: Path) -> None:
        self._log = log
        self._buffer = b""
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                argv,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )

    @staticmethod
    def module(name: str, *arguments: object, log: Path) -> "Child":
        """`python -m` one of ours."""
        return Child([sys.executable, "-m", name, *map(str, arguments)], log)

    @property
    def pid(self) -> int:
        return self.process.pid

    def say(self, line: str) -> None:
        """A line to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def answer(self, within_s: float = ANSWER_WITHIN_S) -> Any:
        """Its next line. Raises `AssertionError` with the end of its log if there is none."""
        deadline = time.monotonic() + within_s
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                ready = selector.select(deadline - time.monotonic())
                data = os.read(self.process.stdout.fileno(), 65_536) if ready else b""
                if not data:
                    what = "has ended" if ready else f"says nothing for {within_s:.0f} s"
                    raise AssertionError(f"{self.process.args!r} {what}:\n{self.tail()}")
                self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)

    def tail(self) -> str:
        """The end of what it complained of."""
        return self._log.read_text(errors="replace")[-3_000:]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(ENDED_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            try:
                self.process.wait(ENDED_WITHIN_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()


def cpu_s(pid: int) -> float:
    """User and system time of a process, its threads and its descendants, past ones too."""
    process = psutil.Process(pid)
    total = 0.0
    for each in (process, *process.children(recursive=True)):
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def rss_mb(pid: int) -> float:
    """Memory of one process that is in RAM, in MB of 10^6 bytes."""
    return float(psutil.Process(pid).memory_info().rss) / 1e6
