"""Taking back one's own last deed: whether it may be, and what it brings back.

Pure. A deed may be taken back within `UNDO_US` by who did it, as long as nobody else acted and the
case was not raised again. What the data or the service did meanwhile is no hindrance. A note moves
nothing: it neither hinders nor can it be taken back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from alerts.alert import Alert, Outcome, Response
from alerts.lifecycle import Before, Happened, Kind, Refused
from domain.instant import MINUTE_US, format_rfc3339, parse_rfc3339

UNDO_US: Final = MINUTE_US
"""How long a deed may be taken back: long enough to notice a wrong button, too short to rely on."""


@dataclass(frozen=True, slots=True)
class LastDeed:
    """What a person did last to an alert, notes apart."""

    kind: Kind
    actor: str
    at: int
    before: Mapping[str, Any]
    """The alert before it, as the log has it: `alerts.document`."""


def undone(
    alert: Alert, last: LastDeed | None, successor: str | None, actor: str, now: int
) -> Happened | Refused:
    """What brings the alert back to before the last deed; `successor` is the case raised since."""
    if last is None or last.kind is Kind.UNDONE:
        return Refused("there is nothing to undo")
    if last.actor != actor:
        return Refused(f"{last.actor} acted since, {format_rfc3339(last.at)}")
    if now - last.at > UNDO_US:
        return Refused(f"it was done more than a minute ago, {format_rfc3339(last.at)}")
    if alert.response is Response.CLOSED and last.kind is not Kind.OUTCOME:
        return Refused("it has ended by itself since")
    if successor is not None:
        return Refused(f"the case was raised again as {successor}")
    return Happened(
        Kind.UNDONE,
        now,
        actor,
        undone=_before(last.before),
        detail={"undone": last.kind.value},
    )


def _before(document: Mapping[str, Any]) -> Before:
    outcome, deadline_at = document["outcome"], document["deadline_at"]
    return Before(
        response=Response(document["response"]),
        outcome=None if outcome is None else Outcome(outcome),
        assignee=document["assignee"],
        deadline_at=None if deadline_at is None else parse_rfc3339(deadline_at),
        told=tuple(document.get("told", ())),
    )
