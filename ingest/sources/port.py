"""The port every source of readings implements, and the envelope it hands over.

Theory of operation. A source owns one connection at a time and keeps it alive, reconnecting with
back-off and jitter. Each connection has a *generation*, counted up at every connect. An envelope is
one message not yet confirmed to the broker; its token is `(generation, packet_id)`. `ack` confirms
envelopes of the current generation and silently drops tokens of older ones: after a reconnect the
broker numbers packets anew, and confirming an old number would confirm a message nobody has stored.
Nothing is confirmed until `ack` is called: the pubacks follow the database's commit.

The broker sends at most `receive_maximum` unconfirmed messages; that window is the back-pressure.
The other way go notices, what a device is to be told. A notice that is not taken, or that a broken
connection loses, is not sent again: whoever wrote it writes a newer one.
A source that meets an error it cannot mend (refused credentials, a refused subscription) raises
`SourceRefused` from `run`; everything else it retries for ever.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

FAREWELL_S = 2.0
"""How long a closing connection may take to send what was written and see the other end close."""
NOTICES_MAX = 1_000
"""Notices a source takes in one call, and at QoS 1 has unconfirmed at any time."""
Token = tuple[int, int]
"""(generation, packet id)."""


class Envelope(NamedTuple):
    """One undecoded message. `token` is None for QoS 0: it needs no puback.

    A tuple, because making one is the dearest part of taking a message off the socket.
    """

    token: Token | None
    topic: str
    payload: bytes
    received_at: int
    """Microseconds, stamped when the bytes came off the socket."""
    retain: bool = False
    duplicate: bool = False
    resubmitted: bool = False
    """Kept as a rejection until the roster knew its device; not from a broker."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a device is told: a receipt (QoS 1) or an error (QoS 0). Never retained."""

    topic: str
    payload: bytes
    qos: Literal[0, 1]


@dataclass(frozen=True, slots=True)
class Connected:
    """The session is up and the subscription granted."""

    generation: int
    session_present: bool
    """False after an earlier connection of this client id: a possible gap."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection of `generation` is gone; its unconfirmed envelopes will come again."""

    generation: int
    reason: str
    notices_confirmed: bool = False
    """The broker had confirmed a notice on it, so it was not for notices that it broke."""


SourceEvent = Connected | Disconnected
Deliver = Callable[[Sequence[Envelope]], None]
"""Called on the event loop with what one read of the socket held, in order. Must not block."""
Report = Callable[[SourceEvent], None]


class SourceRefused(Exception):
    """The broker will not have us, and trying again will not help. The message says why."""


class Hearing(Protocol):
    """Whether messages come from the broker, as far as a source can tell."""

    @property
    def deaf(self) -> bool:
        """Messages came, and then not even our own."""
        ...

    @property
    def heard_at(self) -> float | None:
        """When one of our own last came back, on the loop's clock; None if the broker keeps it."""
        ...


class Source(Protocol):
    """See the module's theory of operation."""

    @property
    def hearing(self) -> Hearing:
        """For as long as the source is there, over all its connections."""
        ...

    async def run(self, deliver: Deliver, report: Report) -> None:
        """Connects, subscribes and delivers until `stop`; raises `SourceRefused`."""

    def ack(self, tokens: Sequence[Token]) -> None:
        """Confirms messages, in order; tokens of an older generation are dropped. Never blocks."""

    def publish(self, notices: Sequence[Notice]) -> int:
        """Sends notices, in order, and says how many of them, from the first on, were taken.

        Fewer than all when there is no session, or too many are under way. Never blocks.
        """
        ...

    def pause(self) -> None:
        """Stops reading from the socket (keep-alives go on)."""

    def resume(self) -> None:
        """Reads again."""

    async def stop(self, within_s: float = FAREWELL_S) -> None:
        """Sends what was acked, disconnects cleanly, keeps the session; `run` then returns.

        A broker that has not taken all of it `within_s` is left: the rest comes again.
        """
