"""What the worker of feeds needs from outside, and the port by which a kind of feed is added.

To add a kind: a class with the shape of `Sender`, one object of it under its kind in `doorstep
serve`, and rows of `subscriber` with that kind (`store.subscribers`). The worker does the rest:
order, retries, giving up, the log, the signal. A sender knows one thing, how to hand messages to
one consumer, once.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from alerts.canary import Sighting
from alerts.delivery import Answer, Consumer, Load, Message, Queue, Result


class Sender(Protocol):
    """Hands messages of one kind over. Called by many at once; it keeps no state of a delivery."""

    @property
    def together(self) -> int:
        """How many messages one call may carry: 1, or more where they can be told in one."""
        ...

    async def send(self, consumer: Consumer, messages: Sequence[Message]) -> Answer:
        """Hands over all of them and says how it went; the answer holds for each of them.

        They come in the order of events, each of another alert. What the world does is an answer,
        never an exception: an exception ends the process. The call may be cancelled, and is when it
        takes longer than `worker.SEND_S`. The same messages may come again, with the same ids.
        """
        ...


class Outbox(Protocol):
    """The rows behind the worker. Every call may raise what the worker is told is passing.

    One caller at a time. Instants are of the real clock: retries take real time.
    """

    async def lead(self) -> bool:
        """Whether it is this process that delivers. Only one does, and as long as it lives."""
        ...

    async def hand_over(self, kinds: Sequence[str], now: int) -> None:
        """Gives every consumer its share of the log, as far as there is room."""
        ...

    async def queues(self, kinds: Sequence[str], now: int) -> list[Queue]:
        """Of consumers that do not rest and for which something is due."""
        ...

    async def loads(self, wanted: Mapping[int, Collection[int]], now: int) -> list[Load]:
        """Consumers by number with the events to be sent to them, without stopped ones."""
        ...

    async def record(self, results: Sequence[Result], now: int, chance: float) -> None:
        """Writes down what came of calls. The same twice is the same once."""
        ...

    async def canaries(self) -> list[Sighting]:
        """Those that have come since the last call, in order; none at the first of who leads."""
        ...

    async def tidy(self, now: int) -> None:
        """Begins and ends signals about what does not arrive, and lets go of what is old."""
        ...

    async def close(self) -> None:
        """Lets go of the connection, and of the lead."""
        ...
