"""How simulated time runs against the service's: alongside, or from the past till it catches up."""

from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Tells the time in microseconds since the epoch. The command line brings one."""

    def now(self) -> int:
        """The instant."""
        ...


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Starts at `from_at` in the past, runs `speed` times as fast as `base`, never passes it."""

    base: Clock
    began_at: int
    """What `base` told at the start."""
    from_at: int
    speed: float

    def now(self) -> int:
        """The simulated instant."""
        now = self.base.now()
        return min(now, self.from_at + int((now - self.began_at) * self.speed))

    @property
    def meets_at(self) -> int:
        """The instant at which it has caught up with `base`."""
        behind = self.began_at - self.from_at
        return self.began_at + int(behind / (self.speed - 1.0))
