"""What a case rests on: findings in figures that a page shows; the line is `alerts.lines`.

Pure. Says what was measured and by which threshold, never what the person did. Refuses to judge:
which finding counts is decided in `rules`, what follows from it in `alerts.triage`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from alerts.bounds import critical_from, named
from alerts.lifecycle import Facts
from alerts.lines import UNITS, figure, held_s, summary
from alerts.surroundings import Surroundings, Worn
from alerts.vitals import partial_news2
from domain.instant import format_rfc3339
from rules.finding import Finding, Rule, SiteClass
from rules.rulebook import Rulebook

__all__ = ["Held", "Surroundings", "Worn", "evidence", "facts", "summary", "telling"]


FROM_A_SENSOR: Final = (Rule.FEVER, Rule.PULSE, Rule.OXYGEN, Rule.WATCH, Rule.LEFT_HOME)
"""The rules whose alerts say so, and form a group, when their device is at fault."""


@dataclass(frozen=True, slots=True)
class Held:
    """A finding as it stands, and the alert it belongs to (None: to none yet)."""

    finding: Finding
    alert: str | None
    late: bool
    """Found in data that came after later data had been judged."""
    rulebook_version: str
    book: Rulebook | None = None
    """That version, where it is at hand: what its bounds are."""


def telling(held: Sequence[Held]) -> Held:
    """The finding that speaks for the case: still so before over, then worst, then newest."""
    return max(
        held,
        key=lambda each: (
            each.finding.ended_at is None,
            each.finding.severity,
            each.finding.last_at,
            each.finding.onset_at,
            each.finding.key.device_no,
            each.finding.key.site_class,
        ),
    )


def facts(held: Sequence[Held], where: Surroundings) -> Facts:
    """What the findings of one case say together. `held` is not empty; in any order."""
    chosen = telling(held)
    return Facts(
        severity=max(each.finding.severity for each in held),
        onset_at=min(each.finding.onset_at for each in held),
        last_at=max(each.finding.last_at for each in held),
        summary=summary(chosen.finding, where, chosen.book),
        evidence=evidence(chosen, where),
    )


def evidence(held: Held, where: Surroundings) -> dict[str, Any]:
    """The figures behind an alert, as JSON values in the units a person reads."""
    finding = held.finding
    rule = finding.key.rule
    worn = where.devices[finding.key.device_no]
    found: dict[str, Any] = {
        "rule": rule.value,
        "rulebook_version": held.rulebook_version,
        "device": worn.id,
        "value": figure(rule, finding.value),
        "peak": figure(rule, finding.peak),
        "unit": UNITS[rule].word,
        "threshold": figure(rule, finding.limit),
        "limit": figure(rule, named(finding, held.book, where.birth_year)),
        "origin": finding.origin,
        "onset_at": format_rfc3339(finding.onset_at),
        "last_at": format_rfc3339(finding.last_at),
        "ended_at": None if finding.ended_at is None else format_rfc3339(finding.ended_at),
        "held_s": held_s(finding),
        "late": held.late,
        "supported": True,
    }
    critical_cc = critical_from(finding, held.book)
    if critical_cc is not None:
        found["critical_from"] = figure(rule, critical_cc)
    if finding.key.site_class is not SiteClass.NONE:
        found |= {"site": finding.site, "site_class": finding.key.site_class.value}
    if rule is Rule.LEFT_HOME:
        found["fence_m"] = where.fence_m
    if rule is Rule.SILENT:
        found["interval_s"] = worn.interval_s
    if where.vitals is not None:
        found["partial_news2"] = partial_news2(where.vitals, where.birth_year, finding.last_at)
    if rule in FROM_A_SENSOR and finding.key.device_no in where.faults:
        found |= _doubt(where.faults[finding.key.device_no], worn)
    if finding.detail:
        found |= json.loads(finding.detail)
    return found


def _doubt(fault: Finding, worn: Worn) -> dict[str, Any]:
    """What a device at fault adds to what it measured. It lowers nothing (contract section 5)."""
    cause = json.loads(fault.detail).get("cause", "") if fault.detail else ""
    since = format_rfc3339(fault.onset_at)
    return {"device_fault": {"since": since, "cause": cause}, "group": f"device:{worn.id}"}
