import os
import signal
import subprocess
import sys
import time

import pytest

from doorstep.embedded.stopping import Stop, StopRequested


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_next_wait(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Stop() as stop:
        stop.wait(0)
        os.kill(os.getpid(), number)
        with pytest.raises(StopRequested):
            stop.wait(60)
        assert stop.requests == 1
    assert signal.getsignal(number) is before


def test_the_end_of_a_child_ends_a_wait_early() -> None:
    with Stop() as stop, subprocess.Popen([sys.executable, "-c", ""]):
        begun = time.monotonic()
        stop.wait(30)
        assert time.monotonic() - begun < 25


def test_waiting_for_something_ends_with_it_or_with_the_deadline() -> None:
    with Stop() as stop:
        assert stop.wait_until(lambda: True, lambda: True)
        assert not stop.wait_until(lambda: False, lambda: True)


def test_who_started_us_with_nohup_means_it() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Stop() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            stop.wait(0)
    finally:
        signal.signal(signal.SIGHUP, before)
