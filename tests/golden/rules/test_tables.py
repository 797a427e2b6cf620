"""Runs the tables of this folder: what is found must be as written, however the readings came."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import prcoords
import pytest
from prcoords import Coords

from domain.geo import metres_per_degree
from domain.instant import HOUR_US, MINUTE_US, parse_rfc3339
from domain.people import Home, LeaveWindow, Threshold
from domain.reading import DATUM_BY_WORD, Datum, Site, centi
from rules.finding import Finding, Rule
from tests.unit.rules.making import NANJING, Service, Worn, minutes, reading

TOLD: Final = {Datum.GCJ02: prcoords.wgs_gcj, Datum.BD09: prcoords.wgs_bd}
"""What maps make of a position."""
HERE = Path(__file__).parent
UNITS = {Rule.FEVER: 100, Rule.LEFT_HOME: 10}
"""Of the finding, in one of the table; 1 where it is not here."""
NAMES = ("rule", "onset", "ended", "severity", "peak", "limit", "site", "origin", "nights", "datum")
"""What a table may say of a finding."""
FIRST_DAY = parse_rfc3339("2026-02-01T16:00:00Z")
"""Day 0 of tables with days, 2 February in Shanghai."""


def cases(about: str) -> Iterator[Any]:
    """Those about `readings`, or about `messages`."""
    for path in sorted(HERE.glob("*.toml")):
        for case in tomllib.loads(path.read_text("utf-8"))["case"]:
            if about in case:
                yield pytest.param(case, id=f"{path.stem}: {case['name']}")


def table(text: str) -> list[dict[str, str]]:
    """Lines of words under a line of names; `-` is nothing."""
    head, *lines = [line.split() for line in text.splitlines() if line.strip()] or [[]]
    return [
        {name: word for name, word in zip(head, line, strict=True) if word != "-"} for line in lines
    ]


def readings_of(case: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for line in table(case["readings"]):
        quantities: dict[str, Any] = {
            name: float(word)
            for name, word in line.items()
            if name not in ("minute", "day", "time", "site", "datum", "really")
        }
        if "site" in line:
            quantities["site"] = Site.of(line["site"])
        found.append(in_datum(reading(instant_of(line), **quantities), line))
    return found


def in_datum(given: dict[str, Any], line: dict[str, str]) -> dict[str, Any]:
    """The fix as a band of this `datum` tells it; `really`: one that does not say so."""
    given["datum"] = DATUM_BY_WORD[line.get("datum", "wgs84")]
    told = DATUM_BY_WORD[line["really"]] if "really" in line else given["datum"]
    if told is not Datum.WGS84:
        place = TOLD[told](Coords(given["lat_e7"] / 1e7, given["lon_e7"] / 1e7))
        given["lat_e7"], given["lon_e7"] = (round(float(degrees) * 1e7) for degrees in place)
    return given


def home_of(told: dict[str, Any]) -> Home:
    """The home as a roster tells it: `corners_m` north and east of its middle, or a circle.

    `datum` is what the roster says; `pinned` the map that the numbers are taken from.
    """
    datum = DATUM_BY_WORD[told.get("datum", "wgs84")]
    pinned = DATUM_BY_WORD[told["pinned"]] if "pinned" in told else datum
    north_m, east_m = metres_per_degree(NANJING.lat)
    corners = [
        Coords(NANJING.lat + north / north_m, NANJING.lon + east / east_m)
        for north, east in told.get("corners_m", [(0, 0)])
    ]
    if pinned is not Datum.WGS84:
        corners = [TOLD[pinned](corner) for corner in corners]
    places = tuple((float(lat), float(lon)) for lat, lon in corners)
    if "corners_m" in told:
        return Home(datum, *places[0], 0.0, places)
    return Home(datum, *places[0], NANJING.radius_m)


def instant_of(line: dict[str, str]) -> int:
    """`minute`, or `day` and `time` by the clock of Shanghai."""
    if "day" not in line:
        return minutes(float(line["minute"]))
    hour, minute = line["time"].split(":")
    return FIRST_DAY + (24 * int(line["day"]) + int(hour)) * HOUR_US + int(minute) * MINUTE_US


def local(at: int) -> str:
    """An instant as the tables write it: `4/07:00`."""
    day, since = divmod(at - FIRST_DAY, 24 * HOUR_US)
    return f"{day}/{since // HOUR_US:02d}:{since % HOUR_US // MINUTE_US:02d}"


def worn_of(case: dict[str, Any]) -> Worn:
    from_minute, until_minute = case.get("worn", (0, 100_000))
    spell = (minutes(from_minute), minutes(until_minute))
    if by_days(case):
        spell = (FIRST_DAY, minutes(until_minute))
    return Worn(
        site=Site.of(case.get("site", "axillary")),
        home=home_of(case.get("home", {})),
        interval_s=case.get("interval_s", 60),
        spot=case.get("spot", False),
        flags=tuple(case.get("flags", ())),
        birth_year=case.get("birth_year", 1980),
        fever={
            Site.of(word): Threshold(centi(value), "dr-03")
            for word, value in case.get("fever_c", {}).items()
        },
        leave=tuple(LeaveWindow(minutes(a), minutes(b), "") for a, b in case.get("leave", ())),
        starts_at=min(Worn.starts_at, spell[0]),
        spells=(spell,),
    )


def by_days(case: dict[str, Any]) -> bool:
    return "day" in case.get("readings", "").split()


def live(case: dict[str, Any]) -> Service:
    """Every reading as it is measured, and a tick a minute; with days, every ten minutes."""
    service = Service(worn_of(case))
    pending = readings_of(case)
    last = max((each["measured_at"] for each in pending), default=minutes(0))
    begin, step_us = (FIRST_DAY, 10 * MINUTE_US) if by_days(case) else (minutes(0), MINUTE_US)
    for now in range(begin, max(last, minutes(case.get("until", 0))) + 1, step_us):
        service.tick(now, now - begin)
        due = [each for each in pending if now - step_us < each["measured_at"] <= now]
        for each in due:
            service.receive([each], now)
    return service


def at_once(case: dict[str, Any]) -> Service:
    """All readings in one upload."""
    service = Service(worn_of(case))
    service.receive(readings_of(case))
    return service


def newest_first(case: dict[str, Any]) -> Service:
    """The worst order there is."""
    service = Service(worn_of(case))
    for each in reversed(readings_of(case)):
        service.receive([each])
    service.settle()
    return service


def as_written(finding: Finding, *, days: bool) -> dict[str, str | float]:
    unit = UNITS.get(finding.key.rule, 1)
    written: dict[str, str | float] = {
        "rule": finding.key.rule.value,
        "onset": written_at(finding.onset_at, days=days),
        "severity": finding.severity.word,
        "peak": round(finding.peak / unit, 0 if finding.key.rule is Rule.LEFT_HOME else 2),
        "limit": finding.limit / unit,
        "site": finding.site,
        "origin": finding.origin.replace(" ", "_"),
    }
    if finding.ended_at is not None:
        written["ended"] = written_at(finding.ended_at, days=days)
    detail = json.loads(finding.detail) if finding.detail else {}
    if "nights" in detail:
        written["nights"] = ",".join(each["level"] for each in detail["nights"])
    if "datum" in detail:
        written["datum"] = detail["datum"]
    return written


def written_at(at: int, *, days: bool) -> str | float:
    return local(at) if days else (at - minutes(0)) / MINUTE_US


@pytest.mark.parametrize("way", [live, at_once, newest_first])
@pytest.mark.parametrize("case", list(cases("readings")))
def test_table(case: dict[str, Any], way: Any) -> None:
    expected = table(case["findings"])
    standing = sorted(way(case).book.standing.values(), key=lambda each: each.onset_at)
    silent = [each for each in standing if each.key.rule is Rule.SILENT]
    # Silence is judged by when readings came, and only a tick can find it.
    about_silence = "until" in case
    if about_silence and way is not live:
        assert not silent
        return
    days = by_days(case)
    written = [
        as_written(each, days=days) for each in standing if (each in silent) is about_silence
    ]
    names = case["findings"].splitlines()[0].split() if expected else []
    assert {*names} <= {*NAMES}
    assert [{name: each.get(name) for name in names} for each in written] == [
        {name: number(line.get(name)) for name in names} for line in expected
    ]


def number(word: str | None) -> str | float | None:
    """A number where the table has one."""
    if word is None:
        return None
    return float(word) if word.replace(".", "").isdigit() else word
