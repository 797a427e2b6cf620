"""What happens to the pipeline (events) and what it wants done (effects). Frozen values only.

Names: events are past participles, effects imperatives. The runner is the only executor of effects;
the simulation is the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ingest.directory import Directory
from ingest.sources.port import Envelope, Notice, Token
from ingest.work import Result, Work
from rules.wearers import Wearers


@dataclass(frozen=True, slots=True)
class Received:
    """Messages came off the socket."""

    envelopes: Sequence[Envelope]


@dataclass(frozen=True, slots=True)
class Woke:
    """The time `WakeIn` asked for has passed."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """About a second has passed."""


@dataclass(frozen=True, slots=True, eq=False)
class Committed:
    """The work in flight is stored."""

    result: Result


@dataclass(frozen=True, slots=True)
class CommitFailed:
    """The work in flight is not stored (or nobody knows); the same work is to be tried again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Retried:
    """The pause `RetryIn` asked for is over."""


@dataclass(frozen=True, slots=True)
class SourceUp:
    """A session with the broker stands."""

    generation: int
    session_present: bool


@dataclass(frozen=True, slots=True)
class SourceLost:
    """The session with the broker broke."""

    generation: int
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class RosterChanged:
    """A newer roster, as decoding and as the rules need it."""

    directory: Directory
    wearers: Wearers


@dataclass(frozen=True, slots=True)
class Draining:
    """Finish what was accepted, then stop."""


Event = (
    Received
    | Woke
    | Ticked
    | Committed
    | CommitFailed
    | Retried
    | SourceUp
    | SourceLost
    | RosterChanged
    | Draining
)


@dataclass(frozen=True, slots=True, eq=False)
class Commit:
    """Store this in one transaction, then say `Committed` or `CommitFailed`."""

    work: Work


@dataclass(frozen=True, slots=True)
class Ack:
    """Confirm these messages to the broker."""

    tokens: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Publish:
    """Tell devices this, as far as it can be sent now; what cannot is not kept."""

    notices: Sequence[Notice]


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop reading from the socket."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Read again."""


@dataclass(frozen=True, slots=True)
class WakeIn:
    """Say `Woke` in so many real milliseconds."""

    delay_ms: int


@dataclass(frozen=True, slots=True)
class RetryIn:
    """Say `Retried` after the back-off of this attempt (0, 1, ...), in real time."""

    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class Warn:
    """The operator has to know: a possible gap, a lost session."""

    signal: str
    detail: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """Everything accepted is stored and confirmed; the runner may go."""


Effect = Commit | Ack | Publish | Pause | Resume | WakeIn | RetryIn | Warn | Stopped
