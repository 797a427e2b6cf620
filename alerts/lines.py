"""A finding in the one line that a doctor reads, on the stairs, phone in hand.

Pure. Says what was measured and by which threshold, never what the person did. Times are those of
the community's time zone.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from alerts.bounds import critical_from, named
from alerts.surroundings import Surroundings
from domain.instant import SECOND_US, parse_rfc3339, to_datetime
from rules.changes import BASELINE_ORIGIN
from rules.finding import Finding, Rule, SiteClass
from rules.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Unit:
    """What a finding's figures are shown in."""

    word: str
    per: int
    """How many of the finding's whole units make one."""


UNITS: Final[Mapping[Rule, Unit]] = {
    Rule.FEVER: Unit("°C", 100),
    Rule.PULSE: Unit("/min", 1),
    Rule.OXYGEN: Unit("%", 1),
    Rule.LEFT_HOME: Unit("m", 10),
    Rule.SILENT: Unit("s", 1),
    Rule.NOT_WORN: Unit("s", 1),
    Rule.BATTERY_LOW: Unit("%", 1),
    Rule.DEVICE_FAULT: Unit("%", 1),
    Rule.WATCH: Unit("/min", 1),
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


def summary(finding: Finding, where: Surroundings, book: Rulebook | None = None) -> str:
    """One line, as a doctor reads it. `book` judged it: its bounds are named where it is known."""
    bound = named(finding, book, where.birth_year)
    line = _LINES[finding.key.rule](replace(finding, limit=bound), where)
    critical_cc = critical_from(finding, book)
    return line if critical_cc is None else f"{line}, critical from {critical_cc / 100:.1f}"


def _fever_line(finding: Finding, _: Surroundings) -> str:
    value, peak = (f"{each / 100:.1f}" for each in (finding.value, finding.peak))
    highest = f" (highest {peak})" if peak != value else ""
    site = _SITES.get(finding.site, "on the skin")
    measured = f"{value} °C {site}{highest}{_lasting(finding)}"
    if finding.origin == BASELINE_ORIGIN:
        return f"{measured}, own limit for the hour {finding.limit / 100:.1f}"
    return f"{measured}, limit {finding.limit / 100:.1f}"


def _left_home_line(finding: Finding, where: Surroundings) -> str:
    away = f"about {_metres(finding.value)} from home for {_span(held_s(finding))}"
    return away if where.fence_m is None else f"{away}, fence {where.fence_m:.0f} m"


def _silent_line(finding: Finding, where: Surroundings) -> str:
    zone = ZoneInfo(where.timezone)
    heard = to_datetime(finding.onset_at).astimezone(zone)
    noticed = to_datetime(finding.last_at).astimezone(zone)
    day = "" if heard.date() == noticed.date() else f"{heard.day} {heard:%b} "
    # Of a silence that lasts only the length at which it was noticed is known.
    length = f"{'over ' if finding.ended_at is None else ''}{_span(finding.value)}"
    expected = _span(where.devices[finding.key.device_no].interval_s)
    line = f"nothing heard since {day}{heard:%H:%M} ({length}), expected every {expected}"
    said = _detail(finding)
    if said.get("explained_by") != "battery":
        return line
    told = to_datetime(parse_rfc3339(said["battery_at"])).astimezone(zone)
    return f"battery {said['battery_pct']} % at {told:%H:%M}, {line}"


def _pulse_line(finding: Finding, _: Surroundings) -> str:
    slow = finding.peak < finding.value
    worst = _worst(finding, "lowest" if slow else "highest")
    return f"pulse {finding.value}/min at rest{worst}{_lasting(finding)}, limit {finding.limit}"


def _oxygen_line(finding: Finding, _: Surroundings) -> str:
    worst = _worst(finding, "lowest")
    return f"oxygen {finding.value} %{worst}{_lasting(finding)}, limit {finding.limit}"


def _not_worn_line(finding: Finding, _: Surroundings) -> str:
    return f"not worn{_lasting(finding)}"


def _battery_line(finding: Finding, _: Surroundings) -> str:
    return f"battery {finding.value} %, not charging, limit {finding.limit}"


def _device_fault_line(finding: Finding, _: Surroundings) -> str:
    said = _detail(finding)
    if finding.key.site_class is SiteClass.HOME:
        map_ = "Baidu (BD-09)" if said.get("datum") == "bd09" else "Amap or Tencent (GCJ-02)"
        return f"the home on the map seems to be a position of {map_}: please check the address"
    if "bad" in said:
        return f"{said['bad']} of the last {said.get('of', 20)} messages cannot be used"
    lasting = _lasting(finding)
    if "temperature_c" in said:
        return f"temperature unchanged at {said['temperature_c']:.1f} °C{lasting}"
    if "pulse_bpm" in said:
        return f"pulse unchanged at {said['pulse_bpm']}/min{lasting}"
    return f"{said.get('cause', 'a sensor that does not change')}{lasting}"


def _watch_line(finding: Finding, _: Surroundings) -> str:
    nights = _detail(finding).get("nights", [])
    newest = f" ({nights[-1]['level']})" if nights else ""
    usual = f", usually {nights[-1]['baseline_bpm']}" if nights else ""
    running = f", night {len(nights)} running" if len(nights) > 1 else ""
    return f"resting pulse at night {finding.value}/min{usual}{running}{newest}"


def _detail(finding: Finding) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(finding.detail) if finding.detail else {}
    return found


def _worst(finding: Finding, word: str) -> str:
    return "" if finding.peak == finding.value else f" ({word} {finding.peak})"


def _lasting(finding: Finding) -> str:
    length_s = held_s(finding)
    return f" for {_span(length_s)}" if length_s else ""


_LINES: Final[Mapping[Rule, Callable[[Finding, Surroundings], str]]] = {
    Rule.FEVER: _fever_line,
    Rule.PULSE: _pulse_line,
    Rule.OXYGEN: _oxygen_line,
    Rule.LEFT_HOME: _left_home_line,
    Rule.SILENT: _silent_line,
    Rule.NOT_WORN: _not_worn_line,
    Rule.BATTERY_LOW: _battery_line,
    Rule.DEVICE_FAULT: _device_fault_line,
    Rule.WATCH: _watch_line,
}


def held_s(finding: Finding) -> int:
    """How long it has held: from its onset to its newest support."""
    return (finding.last_at - finding.onset_at) // SECOND_US


def figure(rule: Rule, value: int) -> float:
    """A finding's figure in the unit it is shown in."""
    per = UNITS[rule].per
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
