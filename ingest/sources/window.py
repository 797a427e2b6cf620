"""Which messages of one connection the broker still waits to have confirmed.

One window belongs to one generation and dies with it; that is the guard which keeps a confirmation
from crossing a reconnect. Pure bookkeeping: it refuses to know what a socket or a packet is.
"""

from collections.abc import Iterable

from ingest.sources.port import Token


class Window:
    """The unconfirmed packet ids of one generation.

    `unconfirmed` is open to the loop that decodes messages, which must not pay for a call each.
    At most 65,535 ids exist, so it is bounded whatever the broker does.
    """

    __slots__ = ("generation", "unconfirmed")

    def __init__(self, generation: int) -> None:
        """An empty window."""
        self.generation = generation
        self.unconfirmed: set[int] = set()

    def admit(self, packet_id: int) -> Token | None:
        """A token for a message seen now, None if it is a repeat of one not yet confirmed.

        NATS sends an unconfirmed message again every `ack_wait` on a live connection.
        """
        if packet_id in self.unconfirmed:
            return None
        self.unconfirmed.add(packet_id)
        return (self.generation, packet_id)

    def settle(self, tokens: Iterable[Token]) -> list[int]:
        """The packet ids to confirm now, in order; stale, unknown and repeated tokens fall out."""
        generation, unconfirmed = self.generation, self.unconfirmed
        settled = [id_ for given, id_ in tokens if given == generation and id_ in unconfirmed]
        before = len(unconfirmed)
        unconfirmed.difference_update(settled)
        if before - len(unconfirmed) != len(settled):
            return list(dict.fromkeys(settled))  # one was named twice
        return settled
