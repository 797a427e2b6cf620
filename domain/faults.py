"""Named fault points: the moments between two steps at which a test may have a process die.

Of each there is a promise what holds afterwards (docs/architecture.md, "Fault points"). A shell
calls `faults.reached` there, by that name, as it is replaced when a process is armed. Off, which is
always but in tests, that is one call of a function that does nothing: once a read of the socket,
a transaction or a puback's write, never once a reading.

It is here because ingestion, store and alerts have such moments, and this package is all that they
share. It is names and nothing else: `doorstep.faults` looks at the environment and knows how a
process dies. Pure modules have no such moments and never call it.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

Die = Callable[[], None]


class Point(StrEnum):
    """Every moment there is."""

    BYTES_READ = "bytes_read"
    """Read from the socket and not yet decoded; with paho, not yet looked at."""
    BATCH_OPEN = "batch_open"
    """Messages are in the open batch, and no commit of theirs has begun."""
    READINGS_INSERTED = "readings_inserted"
    """In the middle of the transaction: the readings are in, and nothing else."""
    COMMIT_SENT = "commit_sent"
    """The server has the COMMIT of a batch, and its answer is not read."""
    COMMITTED = "committed"
    """A batch is committed, and no puback is sent."""
    HALF_CONFIRMED = "half_confirmed"
    """Half of a batch's pubacks are on the wire, the others nowhere."""
    CONFIRMED = "confirmed"
    """A batch's pubacks are with the transport, which may not have sent them."""
    EVENTS_READ = "events_read"
    """Committed alert events are read from the log, and no stream has them."""
    EVENTS_STREAMED = "events_streamed"
    """A stream has sent alert events, and whoever sent them knows nothing of it any more."""
    DELIVERIES_READ = "deliveries_read"
    """Events to be handed to consumers are read, and nothing is sent."""
    DELIVERIES_ANSWERED = "deliveries_answered"
    """A consumer has taken an event, and nothing is written down of it."""


class Reached(Protocol):
    """What is called at a fault point."""

    def __call__(self, point: Point, last_act: Callable[[Die], object] | None = None, /) -> None:
        """Dies, if that is asked for here.

        `last_act` is given the end itself, to do before it what makes the moment: send half, say.
        """
        ...


def _nothing(point: Point, last_act: Callable[[Die], object] | None = None, /) -> None:
    """What nearly always happens."""


reached: Reached = _nothing
