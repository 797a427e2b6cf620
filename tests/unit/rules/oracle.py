"""The rules once more, as slowly and obviously as possible, from the prose of contract section 5.

Evidence about `rules`, with which it shares the types of findings and nothing else: one wearer, all
readings at once, every run looked for by walking backwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt
from typing import Any

from domain.instant import HOUR_US, MINUTE_US, SECOND_US
from domain.reading import Site
from rules.finding import Finding, FindingKey, Rule, Severity, SiteClass

THRESHOLD_C = {
    Site.AXILLARY: 37.3,
    Site.FOREHEAD: 37.3,
    Site.ORAL: 37.8,
    Site.TYMPANIC: 37.8,
    Site.RECTAL: 38.0,
}


@dataclass
class Said:
    """What one reading says to one rule: it counts ("yes"), it clears ("no"), or neither ("")."""

    at: int
    answer: str
    value: int = 0
    severity: Severity = Severity.URGENT
    limit: int = 0
    origin: str = "rulebook"
    site: str = ""
    enough: bool = False


@dataclass
class Terms:
    """How long and how often."""

    hold: int
    need: int
    clear: int
    clear_need: int
    gap: int


def findings(worn: Any, readings: Sequence[dict[str, Any]], number: int = 1) -> list[Finding]:
    """All findings of fever and left_home; readings in order of time and content."""
    gap = max(3 * worn.interval_s * SECOND_US, 20 * MINUTE_US)
    slow = worn.interval_s >= 600
    if worn.spot:
        warm = Terms(0, 2, 0, 1, 12 * HOUR_US)
    elif slow:
        warm = Terms(0, 2, 0, 2, gap)
    else:
        warm = Terms(10 * MINUTE_US, 3, 30 * MINUTE_US, 1, gap)
    away = Terms(0 if slow else 120 * SECOND_US, 2, 0, 1, gap)
    found = []
    for site_class in (SiteClass.CORE, SiteClass.SKIN):
        said = [each for r in readings if (each := temperature(worn, r, site_class)) is not None]
        found += intervals(said, warm, FindingKey(number, number, Rule.FEVER, site_class))
    said = [
        each for n, r in enumerate(readings) if (each := place(worn, r, readings[:n])) is not None
    ]
    found += intervals(said, away, FindingKey(number, number, Rule.LEFT_HOME, SiteClass.NONE))
    return sorted(found, key=lambda each: (each.onset_at, each.key.rule, each.key.site_class))


def temperature(worn: Any, reading: dict[str, Any], site_class: SiteClass) -> Said | None:
    if reading["temperature_cc"] < 0:
        return None
    site = Site(reading["site"])
    if site is Site.NOT_GIVEN:
        site = worn.site
    if (site in THRESHOLD_C) != (site_class is SiteClass.CORE):
        return None
    at, value = reading["measured_at"], reading["temperature_cc"]
    limit, origin = round(THRESHOLD_C.get(site, 37.3) * 100), "rulebook"
    own = worn.fever.get(site)
    if own is not None and (own.expires_at is None or at < own.expires_at):
        limit, origin = own.value_cc, own.origin
    answer = "yes" if value >= limit else "no" if value <= limit - (1 if worn.spot else 30) else ""
    critical = site in THRESHOLD_C and value >= 3910
    severity = Severity.CRITICAL if critical else Severity.URGENT
    enough = worn.spot and value >= limit + 50
    return Said(at, answer, value, severity, limit, origin, site.word, enough)


def place(worn: Any, reading: dict[str, Any], earlier: Sequence[dict[str, Any]]) -> Said | None:
    at = reading["measured_at"]
    if reading["near_home"] == 1:
        return Said(at, "no")
    if worn.home is None or reading["lat_e7"] == -(2**31) or reading["accuracy_dm"] > 5000:
        return None
    beacon = [each["measured_at"] for each in earlier if each["near_home"] == 1]
    if beacon and at - beacon[-1] <= 120 * SECOND_US:
        return Said(at, "no")
    metres = haversine_m(
        worn.home.lat, worn.home.lon, reading["lat_e7"] / 1e7, reading["lon_e7"] / 1e7
    )
    accuracy = reading["accuracy_dm"] / 10
    accuracy = 50 if accuracy <= 0 else max(accuracy, 15)
    excused = any(leave.from_at <= at < leave.to_at for leave in worn.leave)
    limit = worn.home.radius_m + 20
    answer = ""
    if metres - accuracy > limit and not excused:
        answer = "yes"
    elif metres - accuracy <= worn.home.radius_m:
        answer = "no"
    return Said(at, answer, round(metres * 10), Severity.URGENT, round(limit * 10))


def haversine_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    a, b, turn = radians(lat_a), radians(lat_b), radians(lon_b - lon_a)
    half = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(turn / 2) ** 2
    return 2 * 6_371_008.8 * asin(sqrt(half))


def stretch(said: Sequence[Said], answer: str, gap: int) -> list[Said]:
    """The readings at the end that all give this answer, with no gap between them."""
    run: list[Said] = []
    for each in reversed(said):
        if each.answer != answer or (run and run[0].at - each.at > gap):
            break
        run.insert(0, each)
    return run


def intervals(said: Sequence[Said], terms: Terms, key: FindingKey) -> list[Finding]:
    """Looks for a run that suffices, then for one that clears, and so on."""
    found: list[Finding] = []
    used = 0
    for n in range(len(said)):
        run = stretch(said[used : n + 1], "yes", terms.gap)
        if n < used or not run:
            continue
        if run[-1].enough or (len(run) >= terms.need and run[-1].at - run[0].at >= terms.hold):
            finding, used = follow(run, said, n + 1, terms, key)
            found.append(finding)
    return found


def follow(
    run: list[Said], said: Sequence[Said], start: int, terms: Terms, key: FindingKey
) -> tuple[Finding, int]:
    """A finding that has begun, to its end: it, and the first reading after it was over."""
    support, since, ended_at, n = list(run), [], None, start
    for n in range(start, len(said)):
        if said[n].answer == "yes":
            support.append(said[n])
        # What clears at the very instant of the newest support says nothing.
        if said[n].answer != "no" or said[n].at > support[-1].at:
            since.append(said[n])
        quiet = stretch(since, "no", terms.gap) if said[n].answer == "no" else []
        if len(quiet) >= terms.clear_need and quiet[-1].at - quiet[0].at >= terms.clear:
            ended_at = quiet[0].at
            break
    finding = Finding(
        key=key,
        onset_at=run[0].at,
        ended_at=ended_at,
        severity=max(each.severity for each in support),
        last_at=support[-1].at,
        value=support[-1].value,
        peak=max(each.value for each in support),
        limit=run[0].limit,
        origin=run[0].origin,
        site=run[0].site,
    )
    return finding, n + 1
