"""How many messages were rejected within the last minute, and whether that is too many.

A rejection costs a row of the database for good. Beyond `bound` a minute something is wrong that
people have to look at: the service says so until the rate has fallen below half of the bound.
"""

from typing import Final

from domain.instant import SECOND_US
from ingest.forward_clock import ForwardClock

_SECONDS: Final = 60


class RejectionRate:
    """Counts of the last 60 seconds, each second by itself: the minute is exact to a second."""

    def __init__(self, bound: int = 6_000) -> None:
        self._bound = bound
        self._clock = ForwardClock()
        self._counts = [0] * _SECONDS
        self._within = 0
        self._second = 0
        self._beyond = False

    def note(self, count: int, now: int) -> None:
        """So many messages were rejected now."""
        self._turn(now)
        self._counts[self._second % _SECONDS] += count
        self._within += count
        self._beyond = self._beyond or self._within > self._bound

    def per_minute(self, now: int) -> int:
        """How many were within the last minute."""
        self._turn(now)
        return self._within

    def beyond(self, now: int) -> bool:
        """Whether there were too many, and it has not been less than half of that since."""
        self._turn(now)
        return self._beyond

    def _turn(self, now: int) -> None:
        """Empties the seconds that have become a minute old."""
        second = self._clock.tell(now) // SECOND_US
        for passed in range(self._second + 1, min(second, self._second + _SECONDS) + 1):
            self._within -= self._counts[passed % _SECONDS]
            self._counts[passed % _SECONDS] = 0
        self._second = second
        self._beyond = self._beyond and 2 * self._within >= self._bound
