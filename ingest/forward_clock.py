"""A clock that only goes forward, made of instants that may stand still or step back.

For what is counted over a while: a clock that is set back by an hour would otherwise stop it for an
hour. A step back counts as no time at all.
"""


class ForwardClock:
    """Starts at 0 with the first instant it is told."""

    def __init__(self) -> None:
        self._told: int | None = None
        self.elapsed_us = 0

    def tell(self, now: int) -> int:
        """How long it has been since the first instant, in microseconds."""
        if self._told is not None:
            self.elapsed_us += max(0, now - self._told)
        self._told = now
        return self.elapsed_us
