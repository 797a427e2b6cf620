"""Alerts: the cases people work on, and the words for their two axes.

`condition` says whether it is still true, `response` what people have done. Neither follows from
the other. The transitions are in `alerts.lifecycle`; this file only holds the nouns.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from rules.finding import Rule, Severity


class Condition(StrEnum):
    """Is it still true, as far as the data says?"""

    ACTIVE = "active"
    CLEARED = "cleared"


class Response(StrEnum):
    """What have people done?"""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    VISITING = "visiting"
    CLOSED = "closed"


class Outcome(StrEnum):
    """What was true at the door (contract section 6)."""

    CONFIRMED_FEVER = "confirmed_fever"
    UNWELL_REFERRED = "unwell_referred"
    WELL = "well"
    LEFT_HOME_UNAUTHORISED = "left_home_unauthorised"
    LEFT_HOME_AUTHORISED = "left_home_authorised"
    AT_HOME = "at_home"
    NOT_AT_HOME = "not_at_home"
    DEVICE_FAULT = "device_fault"
    NOT_WORN = "not_worn"
    WRONG_ADDRESS = "wrong_address"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    AMBULANCE = "ambulance"


NOT_CLOSING = (Outcome.NO_ANSWER, Outcome.NOT_AT_HOME, Outcome.WRONG_ADDRESS, Outcome.REFUSED)
"""Outcomes after which somebody has to go again: `visiting` -> `open`, escalated."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One case. `version` moves with response, assignee, outcome, severity or condition."""

    id: str
    episode_no: int
    episode: str
    person: str
    grid: str
    device: str
    rule: Rule
    severity: Severity
    condition: Condition
    response: Response
    outcome: Outcome | None
    raised_at: int
    onset_at: int
    cleared_at: int | None
    last_at: int
    late: bool
    summary: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """JSON values only: see `alerts.evidence`."""
    assignee: str | None = None
    deadline_at: int | None = None
    """Until when somebody has to answer before the next is told; see `alerts.escalation`."""
    told: tuple[str, ...] = ()
    """Who was asked for that answer, in order: staff ids."""
    previous: str | None = None
    """The alert this one follows: the same episode and rule, closed before."""
    closed_at: int | None = None
    closed_severity: Severity | None = None
    """The severity when a person closed it; a worse finding is raised again."""
    version: int = 1
