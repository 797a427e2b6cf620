"""The watchdog in a process of its own: a blocked loop ends it, being stopped does not."""

import os
import signal
import subprocess
import sys
import time

import pytest

from doorstep.watchdog import EXIT_CODE

pytestmark = pytest.mark.integration

PROGRAM = """
import asyncio, sys, threading
from doorstep.watchdog import Limits, watched

def blocked_for_a_bug():
    threading.Event().wait(60)

async def main():
    with watched(Limits(blocked_s=0.5, look_s=0.05, gap_s=0.3)):
        print("running", flush=True)
        await asyncio.sleep(float(sys.argv[1]))
        if sys.argv[2] == "block":
            blocked_for_a_bug()
    print("done", flush=True)

asyncio.run(main())
"""


def started(seconds: float, then: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(seconds), then],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    return process


def test_a_blocked_loop_ends_the_process_and_shows_where() -> None:
    process = started(0.2, "block")
    _, errors = process.communicate(timeout=20)
    assert process.returncode == EXIT_CODE
    assert "blocked_for_a_bug" in errors


def test_a_loop_that_waits_is_not_blocked() -> None:
    process = started(1.5, "end")
    said, errors = process.communicate(timeout=20)
    assert (process.returncode, said, errors) == (0, "done\n", "")


def test_a_stopped_process_is_not_ended_when_it_goes_on() -> None:
    process = started(3, "end")
    for _ in range(2):
        os.kill(process.pid, signal.SIGSTOP)
        _frozen_for(1.2)
        os.kill(process.pid, signal.SIGCONT)
        _frozen_for(0.2)
    said, errors = process.communicate(timeout=20)
    assert (process.returncode, said, errors) == (0, "done\n", "")


def _frozen_for(seconds: float) -> None:
    """There is nothing to wait for but time itself."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.05)
