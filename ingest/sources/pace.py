"""When a busy stream is let gather for a moment before it is read again.

While messages come one by one, each read of the socket brings a few and costs more than decoding
them. So reading rests where reads follow each other fast. It refuses to know a socket:
`mqtt5_connection` pauses and goes on.
"""

from typing import Final

REST_S: Final = 0.002
"""How long reading rests."""
BUSY_S: Final = 2 * REST_S
BUSY_READS: Final = 8
"""So many reads that follow each other faster than `BUSY_S` are a busy stream."""


class Pace:
    """The reads of one connection."""

    __slots__ = ("_hurried", "_read_at")

    def __init__(self) -> None:
        """Nothing was read yet."""
        self._hurried = 0
        self._read_at = float("-inf")

    def read(self, now: float) -> bool:
        """There was a read, on a clock in seconds; whether to rest after it."""
        self._hurried = self._hurried + 1 if now - self._read_at < BUSY_S else 0
        self._read_at = now
        return self._hurried >= BUSY_READS
