"""What a case rests on: findings in a line that a doctor reads, and in figures that a page shows.

Pure. Says what was measured and by which threshold, never what the person did. Times in the line
are those of the community's time zone. Refuses to judge: which finding counts is decided in
`rules`, what follows from it in `alerts.triage`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from alerts.lifecycle import Facts
from domain.instant import SECOND_US, format_rfc3339, to_datetime
from rules.finding import Finding, Rule, SiteClass


@dataclass(frozen=True, slots=True)
class Held:
    """A finding as it stands, and the alert it belongs to (None: to none yet)."""

    finding: Finding
    alert: str | None
    late: bool
    """Found in data that came after later data had been judged."""
    rulebook_version: str


@dataclass(frozen=True, slots=True)
class Worn:
    """A device of the episode."""

    id: str
    interval_s: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What has to be known of an episode to speak of its findings."""

    episode: str
    person: str
    grid: str
    building: str
    timezone: str
    fence_m: float | None
    """Radius of the home; None where it is a polygon or not known."""
    devices: Mapping[int, Worn]
    """By device number: at least those of the findings."""


@dataclass(frozen=True, slots=True)
class _Unit:
    word: str
    per: int
    """How many of the finding's whole units make one."""


_UNITS: Final[Mapping[Rule, _Unit]] = {
    Rule.FEVER: _Unit("°C", 100),
    Rule.PULSE: _Unit("/min", 1),
    Rule.OXYGEN: _Unit("%", 1),
    Rule.LEFT_HOME: _Unit("m", 10),
    Rule.SILENT: _Unit("s", 1),
    Rule.NOT_WORN: _Unit("s", 1),
    Rule.BATTERY_LOW: _Unit("%", 1),
    Rule.DEVICE_FAULT: _Unit("%", 1),
    Rule.WATCH: _Unit("/min", 1),
}

_SITES: Final = {
    "axillary": "at the armpit",
    "finger": "on the skin of a finger",
    "forehead": "at the forehead",
    "oral": "in the mouth",
    "rectal": "rectally",
    "temporal_artery": "at the temple",
    "toe": "on the skin of a toe",
    "tympanic": "in the ear",
    "vagina": "vaginally",
    "wrist": "on the skin of the wrist",
}


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
        summary=summary(chosen.finding, where),
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
        "value": _figure(rule, finding.value),
        "peak": _figure(rule, finding.peak),
        "unit": _UNITS[rule].word,
        "threshold": _figure(rule, finding.limit),
        "limit": _figure(rule, finding.limit),
        "origin": finding.origin,
        "onset_at": format_rfc3339(finding.onset_at),
        "last_at": format_rfc3339(finding.last_at),
        "ended_at": None if finding.ended_at is None else format_rfc3339(finding.ended_at),
        "held_s": _held_s(finding),
        "late": held.late,
        "supported": True,
    }
    if finding.key.site_class is not SiteClass.NONE:
        found |= {"site": finding.site, "site_class": finding.key.site_class.value}
    if rule is Rule.LEFT_HOME:
        found["fence_m"] = where.fence_m
    if rule is Rule.SILENT:
        found["interval_s"] = worn.interval_s
    if finding.detail:
        found |= json.loads(finding.detail)
    return found


def summary(finding: Finding, where: Surroundings) -> str:
    """One line, as a doctor reads it."""
    return _LINES.get(finding.key.rule, _any_line)(finding, where)


def _fever_line(finding: Finding, _: Surroundings) -> str:
    highest = f" (highest {finding.peak / 100:.1f})" if finding.peak > finding.value else ""
    site = _SITES.get(finding.site, "on the skin")
    held_s = _held_s(finding)
    lasting = f" for {_span(held_s)}" if held_s else ""
    return f"{finding.value / 100:.1f} °C {site}{highest}{lasting}, limit {finding.limit / 100:.1f}"


def _left_home_line(finding: Finding, where: Surroundings) -> str:
    away = f"about {_metres(finding.value)} from home for {_span(_held_s(finding))}"
    return away if where.fence_m is None else f"{away}, fence {where.fence_m:.0f} m"


def _silent_line(finding: Finding, where: Surroundings) -> str:
    zone = ZoneInfo(where.timezone)
    heard = to_datetime(finding.onset_at).astimezone(zone)
    noticed = to_datetime(finding.last_at).astimezone(zone)
    day = "" if heard.date() == noticed.date() else f"{heard.day} {heard:%b} "
    # Of a silence that lasts only the length at which it was noticed is known.
    length = f"{'over ' if finding.ended_at is None else ''}{_span(finding.value)}"
    expected = _span(where.devices[finding.key.device_no].interval_s)
    return f"nothing heard since {day}{heard:%H:%M} ({length}), expected every {expected}"


def _any_line(finding: Finding, _: Surroundings) -> str:
    rule = finding.key.rule
    unit = _UNITS[rule].word
    value, limit = _figure(rule, finding.value), _figure(rule, finding.limit)
    return f"{_NAMES[rule]} {value} {unit} for {_span(_held_s(finding))}, limit {limit}"


_LINES: Final[Mapping[Rule, Callable[[Finding, Surroundings], str]]] = {
    Rule.FEVER: _fever_line,
    Rule.LEFT_HOME: _left_home_line,
    Rule.SILENT: _silent_line,
}

_NAMES: Final[Mapping[Rule, str]] = {
    Rule.PULSE: "pulse",
    Rule.OXYGEN: "oxygen",
    Rule.NOT_WORN: "not worn",
    Rule.BATTERY_LOW: "battery",
    Rule.DEVICE_FAULT: "unusable messages",
    Rule.WATCH: "resting pulse at night",
}


def _held_s(finding: Finding) -> int:
    return (finding.last_at - finding.onset_at) // SECOND_US


def _figure(rule: Rule, value: int) -> float:
    per = _UNITS[rule].per
    return value if per == 1 else value / per


def _metres(distance_dm: int) -> str:
    if distance_dm >= 20_000:
        return f"{distance_dm / 10_000:.1f} km"
    return f"{max(10, round(distance_dm / 100) * 10)} m"


def _span(length_s: int) -> str:
    if length_s < 60:
        return f"{max(0, length_s)} s"
    if length_s < 3600:
        return f"{length_s // 60} min"
    hours, minutes = divmod(length_s // 60, 60)
    if hours >= 48:
        return f"{hours // 24} d"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
