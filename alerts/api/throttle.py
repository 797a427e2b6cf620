"""Slows down who guesses passwords: failed sign-ins are counted for a while, in memory, bounded.

Also says how much of what was refused is entered in the audit log, so that nobody can flood it.

Counts per (member, address) and per address. Not per member alone: then anybody could keep a doctor
from signing in. Restarting the process forgets; argon2id makes each guess dear anyway.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.instant import MINUTE_US, SECOND_US

WINDOW_US: Final = MINUTE_US
ENTRIES: Final = 10_000
"""Whose failures are remembered; the oldest are forgotten first."""
PER_MEMBER: Final = 5
PER_ADDRESS: Final = 30


@dataclass(slots=True)
class _Failures:
    since: int
    count: int


class Throttle:
    """The counts. Threads share it; `now` is the real time, microseconds."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, staff: str, address: str, now: int) -> int:
        """Seconds to wait before the next attempt; 0 for none."""
        with self._lock:
            return max(self._wait_s(name, most, now) for name, most in _names(staff, address))

    def failed(self, staff: str, address: str, now: int) -> None:
        """Counts one failure."""
        with self._lock:
            for name, _ in _names(staff, address):
                entry = self._failures.get(name)
                if entry is None or now - entry.since >= WINDOW_US:
                    entry = self._failures[name] = _Failures(now, 0)
                entry.count += 1
                self._failures.move_to_end(name)
            while len(self._failures) > ENTRIES:
                self._failures.popitem(last=False)

    def _wait_s(self, name: str, most: int, now: int) -> int:
        entry = self._failures.get(name)
        if entry is None or entry.count < most:
            return 0
        left_us = entry.since + WINDOW_US - now
        return max(0, -(-left_us // SECOND_US))


class Ration:
    """So many of something in a window, by name, and then no more. Threads share it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: OrderedDict[str, _Failures] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str, now: int) -> bool:
        """Whether there is one more; `now` is the real time, microseconds."""
        with self._lock:
            entry = self._taken.get(name)
            if entry is None or now - entry.since >= WINDOW_US:
                entry = self._taken[name] = _Failures(now, 0)
                self._taken.move_to_end(name)
                while len(self._taken) > ENTRIES:
                    self._taken.popitem(last=False)
            entry.count += 1
            return entry.count <= self._most


def _names(staff: str, address: str) -> Sequence[tuple[str, int]]:
    return ((f"{address} {staff}", PER_MEMBER), (address, PER_ADDRESS))
