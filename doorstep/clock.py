"""The one place where Doorstep reads the time of day.

Everything else takes `now`. In an accelerated demo all processes share one clock,
`origin + factor x (real - origin)`; token expiry, pings and retries stay real.
"""

import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> int:
        """Microseconds since 1970-01-01T00:00:00Z."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's own time."""

    def now(self) -> int:
        """Microseconds since the epoch, as the machine has it."""
        return time.time_ns() // 1000


def steady_us() -> int:
    """Microseconds that only go forward, whatever happens to the time of day; of this process."""
    return time.monotonic_ns() // 1000


@dataclass(frozen=True, slots=True)
class AcceleratedClock:
    """Runs `factor` times as fast as the machine's clock, from `origin_at` on."""

    origin_at: int
    factor: float

    def now(self) -> int:
        """Microseconds since the epoch on the shared clock."""
        real = time.time_ns() // 1000
        return self.origin_at + int((real - self.origin_at) * self.factor)
