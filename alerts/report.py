"""A day for the health authority: what happened, to how many, how fast; and nobody in it.

Pure. No names, ids of people, buildings or positions, and ages only in broad bands. Everything is
counted on the day on which it happened (an outcome on the day it was recorded, whenever the alert
was raised), so that a day that is over does not change. What was counted comes in as `Facts`.

Small cells. How many people are in an age band is shown as `<5` from one to four, and where only
one band is hidden so, the smallest of the others is `withheld`, since the total would give it away.
Alerts, outcomes and where people are stay exact: the authority has to act on one case as on ten,
and these counts say nothing of who somebody is.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from alerts.alert import Outcome
from alerts.presence import Presence
from alerts.verdicts import Verdict, verdict
from domain.instant import SECOND_US, format_rfc3339
from rules.finding import Rule, Severity

SMALL: Final = 5
"""Cells below it are hidden: the usual bound of health statistics."""
HIDDEN: Final = f"<{SMALL}"
WITHHELD: Final = "withheld"
AGES: Final = ((0, "0-15"), (16, "16-64"), (65, "65-79"), (80, "80+"))
"""From this age on. NEWS2 is for those from 16, and from 80 silence is judged sooner."""
UNKNOWN_AGE: Final = "unknown"


@dataclass(frozen=True, slots=True)
class GridDay:
    """A grid, and the day there as far as it has come."""

    no: int
    id: str
    timezone: str
    from_at: int
    to_at: int
    over: bool


@dataclass(frozen=True, slots=True)
class Happenings:
    """So many events of one kind."""

    rule: Rule
    severity: Severity
    outcome: Outcome | None
    closes: bool
    count: int


@dataclass(frozen=True, slots=True)
class Delay:
    """How long it took from when alerts were raised, of those of one severity."""

    severity: Severity
    count: int
    median_s: int
    p90_s: int


@dataclass(frozen=True, slots=True)
class Seen:
    """Where people were when the day ended, or are now."""

    presence: Presence
    on_leave: bool
    silent: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What was counted in the days of some grids."""

    ages: Sequence[tuple[int | None, int]]
    """(age in years, people); None: not known."""
    begun: int
    ended: int
    raised: Sequence[Happenings]
    outcomes: Sequence[Happenings]
    acknowledged: Sequence[Delay]
    visited: Sequence[Delay]
    open: Mapping[Severity, int]
    seen: Sequence[Seen]
    heard_us: int
    """How long ingestion could hear, on the receive clock."""
    signals: Sequence[tuple[str, int]]
    """(kind, how often); of these days, and what still stood from before."""


def document(on: date, days: Sequence[GridDay], facts: Facts) -> dict[str, Any]:
    """The report as JSON values."""
    from_at = min((day.from_at for day in days), default=0)
    to_at = max((day.to_at for day in days), default=0)
    heard_us = min(facts.heard_us, to_at - from_at)
    return {
        "date": on.isoformat(),
        "complete": all(day.over for day in days),
        "as_of": format_rfc3339(to_at),
        "grids": [
            {
                "grid": day.id,
                "timezone": day.timezone,
                "from": format_rfc3339(day.from_at),
                "to": format_rfc3339(day.to_at),
            }
            for day in days
        ],
        "people": {
            "under_care": sum(count for _, count in facts.ages),
            "begun": facts.begun,
            "ended": facts.ended,
            "by_age": _by_age(facts.ages),
        },
        "alerts": {
            "raised": _raised(facts.raised),
            "acknowledged": [_delay(each) for each in facts.acknowledged],
            "visited": [_delay(each) for each in facts.visited],
            "outcomes": _outcomes(facts.outcomes),
            "verdicts": _verdicts(facts.outcomes),
            "open": {each.word: facts.open.get(each, 0) for each in Severity},
        },
        "presence": {
            **{each.value: sum(seen.presence is each for seen in facts.seen) for each in Presence},
            "on_leave": sum(seen.on_leave for seen in facts.seen),
            "silent": sum(seen.silent for seen in facts.seen),
        },
        "blind": {
            "heard_s": heard_us // SECOND_US,
            "blind_s": (to_at - from_at - heard_us) // SECOND_US,
            "signals": [{"kind": kind, "count": count} for kind, count in facts.signals],
        },
    }


def _by_age(ages: Iterable[tuple[int | None, int]]) -> list[dict[str, Any]]:
    sums = {name: 0 for _, name in AGES} | {UNKNOWN_AGE: 0}
    for age, count in ages:
        sums[_band(age)] += count
    shown: dict[str, int | str] = {
        band: HIDDEN if 0 < count < SMALL else count for band, count in sums.items()
    }
    hidden = [band for band, count in shown.items() if count == HIDDEN]
    others = [(count, band) for band, count in sums.items() if count >= SMALL]
    if len(hidden) == 1 and others:
        shown[min(others)[1]] = WITHHELD
    return [{"age": band, "people": count} for band, count in shown.items()]


def _band(age: int | None) -> str:
    if age is None:
        return UNKNOWN_AGE
    return [name for least, name in AGES if age >= least or least == 0][-1]


def _raised(happened: Sequence[Happenings]) -> list[dict[str, Any]]:
    counts = Counter[tuple[Rule, Severity]]()
    for each in happened:
        counts[each.rule, each.severity] += each.count
    return [
        {"rule": rule.value, **{each.word: counts[rule, each] for each in Severity}}
        for rule in Rule
        if any(counts[rule, each] for each in Severity)
    ]


def _outcomes(happened: Sequence[Happenings]) -> list[dict[str, Any]]:
    counts = Counter[tuple[Rule, Outcome | None]]()
    for each in happened:
        counts[each.rule, each.outcome] += each.count
    return [
        {"rule": rule.value, "outcome": outcome.value, "count": counts[rule, outcome]}
        for rule in Rule
        for outcome in Outcome
        if counts[rule, outcome]
    ]


def _verdicts(happened: Sequence[Happenings]) -> list[dict[str, Any]]:
    """Of the outcomes that closed an alert, so that none is counted twice."""
    counts = Counter[tuple[Rule, Verdict | None]]()
    for each in happened:
        if each.closes:
            counts[each.rule, verdict(each.rule, each.outcome)] += each.count
    return [
        {"rule": rule.value, **{said.value: counts[rule, said] for said in Verdict}}
        for rule in Rule
        if any(counts[rule, said] for said in Verdict)
    ]


def _delay(delay: Delay) -> dict[str, Any]:
    return {
        "severity": delay.severity.word,
        "count": delay.count,
        "median_s": delay.median_s,
        "p90_s": delay.p90_s,
    }
