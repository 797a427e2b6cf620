"""The clock of an accelerated demo over several starts on the same data: it never runs backwards.

All processes share `origin + factor x (real - origin)`. A second start goes on from the latest
instant the folder has seen, or from now if that is later; the time in between did not happen.
"""

from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from domain.instant import format_rfc3339
from doorstep.embedded.errors import CannotStart


@dataclass(frozen=True, slots=True)
class SharedClock:
    """Where the clock of this run starts, and how fast it runs; instants in microseconds."""

    origin_at: int
    factor: float

    def at(self, real_at: int) -> int:
        """What it shows at a real instant."""
        return self.origin_at + round((real_at - self.origin_at) * self.factor)

    def environment(self) -> dict[str, str]:
        """The settings that hand it to a child; none when it is simply the machine's clock."""
        if self.factor == 1.0:
            return {}
        return {
            "DOORSTEP_CLOCK__ORIGIN_AT": format_rfc3339(self.origin_at),
            "DOORSTEP_CLOCK__FACTOR": repr(self.factor),
        }


TOLERATED_US: Final = 2_000_000
"""So far may the past be ahead of the machine's clock, which is set now and then."""


def resume(factor: float, real_at: int, last_at: int | None) -> SharedClock:
    """A clock that shows max(real_at, last_at) at `real_at`.

    Raises `CannotStart` when the folder's past is ahead of the real time and the clock is not to be
    accelerated, so that it could only run backwards.
    """
    if last_at is None or last_at <= real_at:
        return SharedClock(real_at, factor)
    if factor == 1.0:
        if last_at - real_at <= TOLERATED_US:
            return SharedClock(real_at, factor)
        raise CannotStart(
            "the data folder ran on an accelerated clock and is at"
            f" {format_rfc3339(last_at)}, ahead of the real time: go on with --demo"
            " and an --accelerate above 1, or use another --data"
        )
    # origin + factor x (real - origin) = last, solved for origin; an earlier origin shows more.
    return SharedClock(real_at - ceil((last_at - real_at) / (factor - 1.0)), factor)


def last_at(state: dict[str, Any], journalled_at: int | None) -> int | None:
    """The latest instant a folder has seen: by its state file, and by its database."""
    kept = state.get("last_at")
    seen = [at for at in (kept, journalled_at) if isinstance(at, int)]
    return max(seen, default=None)
