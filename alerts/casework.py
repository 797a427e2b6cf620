"""What people do with alerts and what they hear back: the nouns between the API and the store.

An answer is a value, also when it is no: `Done`, `NotDone`, `NotThere`, `KeyReused`,
`NoSuchMember`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alerts.alert import Outcome, Response
from alerts.lifecycle import Kind
from rules.finding import Rule, Severity


class BadCursor(ValueError):
    """A cursor that this service has not given out."""


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list, and the cursor of the part after it (None: that was all)."""

    items: list[dict[str, Any]]
    next: str | None


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Which alerts are asked for. Empty tuples and None do not narrow."""

    responses: tuple[Response, ...] = ()
    rules: tuple[Rule, ...] = ()
    severities: tuple[Severity, ...] = ()
    person: str | None = None
    cursor: str | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Window:
    """Which readings are asked for: `from_at` <= measured < `to_at`."""

    from_at: int
    to_at: int
    step_s: int = 0
    """Length of a bucket; 0 for the readings themselves."""
    cursor: str | None = None
    limit: int = 1000


@dataclass(frozen=True, slots=True)
class Once:
    """The caller's name for one intention: told twice, it is done once."""

    key: str
    request_sha256: bytes


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody says they have done or seen."""

    kind: Kind
    outcome: Outcome | None = None
    assignee: str | None = None
    """To whom it is given, with `ASSIGNED`; None: to who says so."""
    note: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """What was measured at the door, as JSON values."""
    seen_version: int | None = None
    """The version of the alert that they had before them, if they say so."""
    once: Once | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """It was done; the alert now."""

    alert: Mapping[str, Any]
    again: bool = False
    """It was done before, under the same key; nothing was done now."""


@dataclass(frozen=True, slots=True)
class NotDone:
    """It was not done."""

    reason: str
    by: str | None
    """Who moved the alert last; None the service."""
    at: str
    """When, RFC 3339."""
    version: int
    overtaken: bool
    """The caller had not seen this version of the alert; else the transition table refused."""


@dataclass(frozen=True, slots=True)
class NotThere:
    """No such alert in the grids of who asks."""


@dataclass(frozen=True, slots=True)
class KeyReused:
    """The key belongs to another request."""


@dataclass(frozen=True, slots=True)
class NoSuchMember:
    """Whom it was to be given to does not go to doors in the alert's grid."""


Answer = Done | NotDone | NotThere | KeyReused | NoSuchMember


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One entry of the alert log, as feeds carry it."""

    event_id: int
    grid_no: int
    body: str
    """JSON text of `{"type", "before", "after"}`."""
