"""One child process: started so that it cannot outlive us, stopped so that nothing of it is left.

Each child leads a session of its own, so that Ctrl-C in a terminal reaches only `doorstep up`,
which then stops the children in order. What a child says goes to a file, or to our standard error.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from doorstep.embedded.account import Account, die_with_parent

POLL_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, and how it goes when we go."""

    argv: Sequence[str]
    log: Path | None = None
    """Where its output is appended; None: our standard error."""
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    account: Account | None = None
    stops_on: signal.Signals = signal.SIGTERM
    """The signal for an orderly end."""
    dies_on: signal.Signals = signal.SIGKILL
    """The signal it gets when `doorstep up` itself is killed, or when it will not end in time."""


def start(program: Program, stdin: int | None = None) -> subprocess.Popen[bytes]:
    """Starts it, with nothing to read unless told. Raises `OSError` when it cannot be run."""
    farewell = die_with_parent(program.dies_on, os.getpid())

    def before_exec() -> None:
        if program.account is not None:
            program.account.become()
        farewell()

    with ExitStack() as stack:
        output = sys.stderr.fileno()
        if program.log is not None:
            output = stack.enter_context(program.log.open("ab")).fileno()
        return subprocess.Popen(
            list(program.argv),
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=output,
            stderr=output,
            env=None if program.env is None else dict(program.env),
            cwd=program.cwd,
            start_new_session=True,
            # Safe, because `doorstep up` has one thread.
            preexec_fn=before_exec,  # noqa: PLW1509
        )


def stop(process: subprocess.Popen[bytes], program: Program, within_s: float) -> int:
    """Ends it in order, or after `within_s` by force; returns its exit code. Safe to repeat."""
    if process.returncode is not None:
        return process.returncode
    for number in (program.stops_on, program.dies_on):
        if not ended(process):
            process.send_signal(number)
            wait_until(lambda: ended(process), within_s)
    if not ended(process):
        process.kill()
        process.wait()
    assert process.returncode is not None
    return process.returncode


def ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has ended; what it left in its process group ends with it."""
    if process.returncode is None and process.poll() is not None:
        _end_group(process.pid)
    return process.returncode is not None


def wait_until(true: Callable[[], bool], within_s: float) -> bool:
    """Polls until something is true; False when the time is over."""
    deadline = time.monotonic() + within_s
    while not true():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_S)
    return True


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, or nothing."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def _end_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
