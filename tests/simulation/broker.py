"""A model broker: QoS 1, so that what is not confirmed comes again."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest.events import SourceUp
from ingest.sources.port import Envelope, Token
from tests.simulation.devices import Message


@dataclass(slots=True)
class Broker:
    """QoS 1: what is not confirmed comes again after a reconnect, in any order."""

    rng: random.Random
    queue: list[Message] = field(default_factory=list)
    in_flight: dict[Token, Message] = field(default_factory=dict)
    generation: int = 0
    packet: int = 0

    def connect(self) -> SourceUp:
        """A session, in which everything unconfirmed is sent once more."""
        self.generation += 1
        self.packet = 0
        again = list(self.in_flight.values())
        self.in_flight.clear()
        self.rng.shuffle(again)
        self.queue = self._interleaved(again, self.queue)
        return SourceUp(self.generation, session_present=self.generation > 1)

    def _interleaved(self, again: list[Message], queue: list[Message]) -> list[Message]:
        """NATS sends new messages before the old ones; Mosquitto the other way round."""
        return again + queue if self.rng.random() < 0.5 else queue[:20] + again + queue[20:]

    def deliver(self, window: int, at: int) -> list[Envelope]:
        """What fits into the window, or less."""
        room = min(self.rng.randint(1, 30), window - len(self.in_flight), len(self.queue))
        envelopes = []
        for topic, payload in self.queue[: max(0, room)]:
            self.packet += 1
            token = (self.generation, self.packet)
            self.in_flight[token] = (topic, payload)
            envelopes.append(Envelope(token, topic, payload, at))
        del self.queue[: len(envelopes)]
        return envelopes

    def ack(self, tokens: Sequence[Token]) -> list[Message]:
        """Forgets what is confirmed; a token of an earlier session says nothing."""
        return [self.in_flight.pop(token) for token in tokens if token[0] == self.generation]
