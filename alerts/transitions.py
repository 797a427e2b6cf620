"""What may happen to an alert: the words of its log, and the one table of moves.

The table drives the code (`alerts.lifecycle` applies it), the refusals of the API, the diagram in
the documentation and the tests. Only a person's outcome closes what is urgent or critical: `ENDED`
has one row and it says routine.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from alerts.alert import Condition, Response


class Kind(StrEnum):
    """What can happen to an alert: the words of its log."""

    RAISED = "raised"
    WORSENED = "worsened"
    REVISED = "revised"
    CLEARED = "cleared"
    RETURNED = "returned"
    UNSUPPORTED = "unsupported"
    ACKNOWLEDGED = "acknowledged"
    VISITED = "visited"
    OUTCOME = "outcome"
    NOTED = "noted"
    ASSIGNED = "assigned"
    UNDONE = "undone"
    ESCALATED = "escalated"
    ENDED = "ended"


class Why(StrEnum):
    """Why somebody else is told, with `ESCALATED`."""

    NOT_ACKNOWLEDGED = "not_acknowledged"
    NOT_VISITED = "not_visited"
    NO_OUTCOME = "no_outcome"
    NOBODY_SEEN = "nobody_seen"


class By(StrEnum):
    """Who makes it happen."""

    DATA = "data"
    PERSON = "person"
    SERVICE = "service"


class Guard(StrEnum):
    """What else must be so, in the words of the documentation."""

    NONE = ""
    CLOSES = "the outcome closes"
    GO_AGAIN = "nobody could be seen"
    WAS_OPEN = "it was open before their last deed"
    WAS_ACKNOWLEDGED = "it was acknowledged before their last deed"
    WAS_VISITING = "it was visiting before their last deed"
    ROUTINE = "routine, and nobody has been to the door"


class Type(StrEnum):
    """How a feed announces an event (contract section 3)."""

    NEW = "new"
    UPDATE = "update"
    END = "end"


BOTH: Final = (Condition.ACTIVE, Condition.CLEARED)
NOT_CLOSED: Final = (Response.OPEN, Response.ACKNOWLEDGED, Response.VISITING)
ANY: Final = (*NOT_CLOSED, Response.CLOSED)


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: what may happen to an alert that stands so, and where it stands afterwards."""

    kind: Kind
    by: By
    responses: tuple[Response, ...]
    """Where it may stand before; empty when there is no alert yet."""
    response: Response | None = None
    """Where it stands afterwards; None where it stood."""
    conditions: tuple[Condition, ...] = BOTH
    condition: Condition | None = None
    guard: Guard = Guard.NONE


TRANSITIONS: Final = (
    Transition(Kind.RAISED, By.DATA, (), Response.OPEN, (), Condition.ACTIVE),
    Transition(Kind.WORSENED, By.DATA, NOT_CLOSED),
    Transition(Kind.REVISED, By.DATA, NOT_CLOSED),
    Transition(Kind.CLEARED, By.DATA, NOT_CLOSED, None, (Condition.ACTIVE,), Condition.CLEARED),
    Transition(Kind.RETURNED, By.DATA, NOT_CLOSED, None, (Condition.CLEARED,), Condition.ACTIVE),
    Transition(Kind.UNSUPPORTED, By.DATA, NOT_CLOSED, None, BOTH, Condition.CLEARED),
    # What a person closed is not moved any more, only annotated.
    Transition(Kind.UNSUPPORTED, By.DATA, (Response.CLOSED,)),
    Transition(Kind.ACKNOWLEDGED, By.PERSON, (Response.OPEN,), Response.ACKNOWLEDGED),
    Transition(Kind.VISITED, By.PERSON, (Response.OPEN, Response.ACKNOWLEDGED), Response.VISITING),
    Transition(Kind.OUTCOME, By.PERSON, NOT_CLOSED, Response.CLOSED, guard=Guard.CLOSES),
    Transition(Kind.OUTCOME, By.PERSON, NOT_CLOSED, Response.OPEN, guard=Guard.GO_AGAIN),
    Transition(Kind.NOTED, By.PERSON, ANY),
    Transition(Kind.ASSIGNED, By.PERSON, NOT_CLOSED),
    # Within a minute, their own last deed, and nobody acted since: `alerts.undoing`.
    Transition(Kind.UNDONE, By.PERSON, ANY, Response.OPEN, guard=Guard.WAS_OPEN),
    Transition(Kind.UNDONE, By.PERSON, ANY, Response.ACKNOWLEDGED, guard=Guard.WAS_ACKNOWLEDGED),
    Transition(
        Kind.UNDONE,
        By.PERSON,
        (Response.OPEN, Response.VISITING, Response.CLOSED),
        Response.VISITING,
        guard=Guard.WAS_VISITING,
    ),
    Transition(Kind.ESCALATED, By.SERVICE, NOT_CLOSED),
    # Nobody is sent to a door for a battery that is charged again. Who stands at the door says what
    # they saw, and where somebody tried in vain somebody looks again.
    Transition(
        Kind.ENDED,
        By.SERVICE,
        (Response.OPEN, Response.ACKNOWLEDGED),
        Response.CLOSED,
        (Condition.CLEARED,),
        guard=Guard.ROUTINE,
    ),
)
