"""Runs the tables of this folder: what is found must be as written, however the readings came."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.people import LeaveWindow, Threshold
from domain.reading import Site, centi
from rules.finding import Finding, Rule
from tests.unit.rules.making import Service, Worn, minutes, reading, seconds

HERE = Path(__file__).parent
UNITS = {Rule.FEVER: 100, Rule.LEFT_HOME: 10}
"""Of the finding, in one of the table; 1 where it is not here."""


def cases() -> Iterator[Any]:
    for path in sorted(HERE.glob("*.toml")):
        for case in tomllib.loads(path.read_text("utf-8"))["case"]:
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
            name: float(word) for name, word in line.items() if name not in ("minute", "site")
        }
        if "site" in line:
            quantities["site"] = Site.of(line["site"])
        found.append(reading(minutes(float(line["minute"])), **quantities))
    return found


def worn_of(case: dict[str, Any]) -> Worn:
    from_minute, until_minute = case.get("worn", (0, 100_000))
    return Worn(
        site=Site.of(case.get("site", "axillary")),
        interval_s=case.get("interval_s", 60),
        spot=case.get("spot", False),
        flags=tuple(case.get("flags", ())),
        birth_year=case.get("birth_year", 1980),
        fever={
            Site.of(word): Threshold(centi(value), "dr-03")
            for word, value in case.get("fever_c", {}).items()
        },
        leave=tuple(LeaveWindow(minutes(a), minutes(b), "") for a, b in case.get("leave", ())),
        spells=((minutes(from_minute), minutes(until_minute)),),
    )


def live(case: dict[str, Any]) -> Service:
    """Every reading as it is measured, and a tick a minute."""
    service = Service(worn_of(case))
    pending = readings_of(case)
    last = max((each["measured_at"] for each in pending), default=minutes(0))
    minute = 0
    while minutes(minute) <= max(last, minutes(case.get("until", 0))):
        service.tick(minutes(minute), seconds(60 * minute))
        due = [each for each in pending if each["measured_at"] == minutes(minute)]
        for each in due:
            service.receive([each], minutes(minute))
        minute += 1
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


def as_written(finding: Finding) -> dict[str, str | float]:
    unit = UNITS.get(finding.key.rule, 1)
    written: dict[str, str | float] = {
        "rule": finding.key.rule.value,
        "onset": (finding.onset_at - minutes(0)) / 60_000_000,
        "severity": finding.severity.word,
        "peak": finding.peak / unit,
        "limit": finding.limit / unit,
        "site": finding.site,
        "origin": finding.origin,
    }
    if finding.ended_at is not None:
        written["ended"] = (finding.ended_at - minutes(0)) / 60_000_000
    return written


@pytest.mark.parametrize("way", [live, at_once, newest_first])
@pytest.mark.parametrize("case", list(cases()))
def test_table(case: dict[str, Any], way: Any) -> None:
    expected = table(case["findings"])
    standing = sorted(way(case).book.standing.values(), key=lambda each: each.onset_at)
    silent = [each for each in standing if each.key.rule is Rule.SILENT]
    # Silence is judged by when readings came, and only a tick can find it.
    about_silence = "until" in case
    if about_silence and way is not live:
        assert not silent
        return
    written = [as_written(each) for each in standing if (each in silent) is about_silence]
    names = case["findings"].split("\n")[1].split() if expected else []
    assert [{name: each.get(name) for name in names} for each in written] == [
        {name: number(line.get(name)) for name in names} for line in expected
    ]


def number(word: str | None) -> str | float | None:
    """A number where the table has one."""
    if word is None:
        return None
    return float(word) if word.replace(".", "").isdigit() else word
