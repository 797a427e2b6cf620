"""Findings: what the rules hold to be so of one episode, as intervals of event time.

A finding is a pure function of the accepted readings, the roster and the rulebook. Late data
revises findings; people's actions never do (those are on alerts, `alerts.alert`).
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final


class Rule(StrEnum):
    """The rules of contract section 5."""

    FEVER = "fever"
    PULSE = "pulse"
    OXYGEN = "oxygen"
    LEFT_HOME = "left_home"
    SILENT = "silent"
    NOT_WORN = "not_worn"
    BATTERY_LOW = "battery_low"
    DEVICE_FAULT = "device_fault"
    WATCH = "watch"


JOURNAL_RULES: Final = (Rule.SILENT, Rule.DEVICE_FAULT)


class Severity(IntEnum):
    """How soon somebody has to look. Ordered: more is more urgent. 0 is not a severity."""

    ROUTINE = 1
    URGENT = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        """The word of contract section 6."""
        return self.name.lower()


class Origin(IntEnum):
    """Where a limit comes from, as rule state keeps it."""

    RULEBOOK = 0
    PERSON = 1
    """The person's own threshold in the roster."""
    BASELINE = 2
    """What is usual for this person."""


class SiteClass(StrEnum):
    """What a run of temperature readings is judged as; `NONE` for rules without a site."""

    CORE = "core"
    SKIN = "skin"
    HOME = "home"
    """Of `device_fault`: it is about the pin of the home."""
    NONE = ""


@dataclass(frozen=True, slots=True)
class FindingKey:
    """What stays the same while a finding lasts, apart from its onset."""

    episode_no: int
    device_no: int
    rule: Rule
    site_class: SiteClass

    @property
    def by_journal(self) -> bool:
        """Whether it depends on the order of arrival; others follow from the readings alone."""
        return self.rule in JOURNAL_RULES and self.site_class is SiteClass.NONE


@dataclass(frozen=True, slots=True)
class Finding:
    """One interval `onset_at .. ended_at`.

    `onset_at` is the first qualifying reading of the run that fulfilled the hold, `ended_at` the
    first reading of the run that fulfilled the clear time (None while it lasts). Values are in the
    rule's own whole unit: centi-degrees for `fever`, decimetres for `left_home`, seconds for
    `silent`.
    """

    key: FindingKey
    onset_at: int
    ended_at: int | None
    severity: Severity
    last_at: int
    """The newest reading that supports it."""
    value: int
    """At `last_at`."""
    peak: int
    """The worst value so far."""
    limit: int
    """The threshold it was judged by, at onset; of `watch`, in its newest night."""
    origin: str
    """Where the threshold comes from: `rulebook`, `own baseline`, or who set it for this person."""
    site: str
    """The word of the site, `` for rules without one."""
    detail: str = ""
    """What else the rule has to say, as the text of a JSON object with sorted keys; `` nothing.
    It becomes part of the evidence as it is."""


class Change(StrEnum):
    """What an evaluation says of a finding."""

    BEGAN = "began"
    SEEN = "seen"  # still so; newer support, nothing a person must hear of
    WORSENED = "worsened"  # severity rose
    ENDED = "ended"
    REVISED = "revised"  # late data moved its onset or end, or changed its severity
    WITHDRAWN = "withdrawn"  # late data: no longer supported


@dataclass(frozen=True, slots=True)
class FindingChange:
    """One change, in the order it happened. `before` is None when it began."""

    change: Change
    finding: Finding
    before: Finding | None = None
    late: bool = False
    """Decided from data that came after later data had been judged."""
