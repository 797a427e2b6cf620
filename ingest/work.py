"""What a transaction of the ledger is asked and what it answers: the port `store` implements.

Everything in a `Work` is decided when it is made, except which rows are new: only the database
knows, so the rules come along as pure functions and are called inside the transaction.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from alerts.canary import Canary
from domain.batch import Rows
from domain.people import Roster
from ingest.sequences import Advance, Sequences
from ingest.snapshots import Page
from ingest.sources.port import Envelope
from ingest.wire import Rejection
from rules.engine import Evaluation
from rules.finding import Finding
from rules.rulebook import Rulebook
from rules.state import State
from rules.wearers import Wearers


class Kind(StrEnum):
    """What a step of the journal is."""

    BATCH = "batch"
    TICK = "tick"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class RejectedMessage:
    """A message of which something was not stored, to be kept byte for byte."""

    topic: str
    device_id: str | None
    payload: bytes
    received_at: int
    rejections: tuple[Rejection, ...]
    resubmitted: bool = False
    """It was kept before, and has not arrived once more."""


@dataclass(frozen=True, slots=True)
class SignalChange:
    """Where the service became blind in some way, or sees again."""

    kind: str
    """Of the closed list in contract section 6."""
    at: int
    until_at: int | None
    """None: it stands until it ends. `at`: it ends. Later: how long an event is to be shown."""
    detail: str


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """All that is stored of one wearer, for judging it anew."""

    episode_no: int
    device_no: int
    rows: Rows
    """In order of `(measured_at, digest)`; `slot` is not filled in."""
    findings: tuple[Finding, ...]
    """The findings of event-time rules that stand, in order of onset."""
    late_from: int
    """The oldest late reading."""


Places = npt.NDArray[np.integer]


class Judge(Protocol):
    """What the rules say of rows. Pure; called again when a commit is tried again."""

    def __call__(self, rows: Rows, places: Places | None = None) -> Evaluation:
        """Of those rows of a step that were new, at these places of it; None for all of them."""
        ...


Rejudge = Callable[[Sequence[History]], Evaluation]
"""What the rules say of whole histories, as changes against the findings that stand. Pure."""


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """One step. `rows` and what goes with them are empty for ticks and late work."""

    kind: Kind
    now: int
    receive_clock_us: int
    roster_version: int
    rulebook_version: str
    judge: Judge
    rejudge: Rejudge
    rows: Rows
    """In order."""
    origins: npt.NDArray[np.int32]
    """For each row, which of `messages` it came in. Shape (n,)."""
    messages: tuple[Envelope, ...] = ()
    rejected: tuple[RejectedMessage, ...] = ()
    canaries: tuple[Canary, ...] = ()
    """At most one of a grid; stored with an id of the alert log."""
    boots: Mapping[int, str] = field(default_factory=dict)
    """The boot words of the rows and of `advance`, by `ingest.wire.boot_key`."""
    advance: Advance | None = None
    """What it changes of sequence numbers; its gaps are stored with it."""
    signals: tuple[SignalChange, ...] = ()
    late_limit: int = 0
    """Of late work: how many wearers at the most."""
    page: Page | None = None
    """What it takes along of the state before it."""
    pack: Callable[[Evaluation], bytes] = field(kw_only=True)
    """The rows of wearers that were judged anew, to be written down with it."""


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What a committed step did."""

    batch: int
    evaluation: Evaluation
    stored: int = 0
    duplicates: int = 0
    refused: int = 0
    """Rows the database refused; they are kept as rejections."""
    alert_events: int = 0
    late_wearers: int = 0
    """Wearers judged anew,"""
    late_readings: int = 0
    """and how many readings they have in all."""
    late_left: bool = False
    """There is late work still to do."""


@dataclass(frozen=True, slots=True, eq=False)
class Beginning:
    """What a pipeline starts from: the roster, and what the ledger remembers."""

    rulebook: Rulebook
    roster: Roster
    wearers: Wearers
    state: State
    receive_clock_us: int
    late_left: bool
    sequences: Sequences = field(default_factory=Sequences)
    heard_before: bool = False
    """An earlier process has had messages."""


class Ledger(Protocol):
    """The port. Sync: it runs in one worker thread, so that at most one step is in flight."""

    def commit(self, work: Work) -> Result:
        """Does the work in one transaction, or raises `store.errors.StoreError`, nothing done.

        After `OutcomeUnknown` the same work may be given again: it is done at most once.
        """
        ...

    def abort(self) -> None:
        """Breaks off a step that hangs; `commit` then raises. Called from another thread."""
        ...
