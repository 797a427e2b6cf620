"""What a doctor reads of each rule; none of it accuses anybody."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from alerts.lines import summary
from rules.changes import BASELINE_ORIGIN
from rules.finding import Finding, Rule, Severity
from rules.rulebook import DEFAULT
from tests.unit.alerts.cases import WHERE, at, finding

SILENT: dict[str, Any] = {"rule": Rule.SILENT, "severity": Severity.ROUTINE, "limit": 900}
LEFT: dict[str, Any] = {"rule": Rule.LEFT_HOME, "limit": 700}
SKIN: dict[str, Any] = {"site": "wrist", "origin": BASELINE_ORIGIN}
YELLOW = {"night": "2026-02-03", "level": "yellow", "resting_pulse_bpm": 63, "baseline_bpm": 60}
RED = {"night": "2026-02-04", "level": "red", "resting_pulse_bpm": 66, "baseline_bpm": 60}


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (finding(0, last_at=at(14)), "38.4 °C at the armpit for 14 min, limit 37.3"),
        (
            finding(0, last_at=at(14), value=3790, peak=3890, site="tympanic", limit=3780),
            "37.9 °C in the ear (highest 38.9) for 14 min, limit 37.8",
        ),
        (finding(0, last_at=at(0), site="oral"), "38.4 °C in the mouth, limit 37.3"),
        (
            finding(0, last_at=at(95), site="wrist"),
            "38.4 °C on the skin of the wrist for 1 h 35 min, limit 37.3",
        ),
        (finding(0, last_at=at(60), site="unknown"), "38.4 °C on the skin for 1 h, limit 37.3"),
        (
            finding(0, last_at=at(6), value=1412, **LEFT),
            "about 140 m from home for 6 min, fence 50 m",
        ),
        (
            finding(0, last_at=at(3000), value=34_560, **LEFT),
            "about 3.5 km from home for 2 d, fence 50 m",
        ),
        (
            finding(0, last_at=at(15), value=900, **SILENT),
            "nothing heard since 10:40 (over 15 min), expected every 1 min",
        ),
        (
            finding(0, 23, value=1380, **SILENT),
            "nothing heard since 10:40 (23 min), expected every 1 min",
        ),
        (
            finding(0, 900, value=54_000, **SILENT),
            "nothing heard since 2 Feb 10:40 (15 h), expected every 1 min",
        ),
        (
            finding(0, last_at=at(14), value=3866, peak=3872),
            "38.7 °C at the armpit for 14 min, limit 37.3",
        ),
        (
            finding(0, last_at=at(0), value=3560, peak=3580, limit=3550, **SKIN),
            "35.6 °C on the skin of the wrist (highest 35.8), own limit for the hour 35.5",
        ),
        (
            finding(0, last_at=at(12), rule=Rule.PULSE, value=128, peak=134, limit=111),
            "pulse 128/min at rest (highest 134) for 12 min, limit 111",
        ),
        (
            finding(0, last_at=at(12), rule=Rule.PULSE, value=111, peak=134, limit=111),
            "pulse 111/min at rest (highest 134) for 12 min, limit 111",
        ),
        (
            finding(0, last_at=at(12), rule=Rule.PULSE, value=38, peak=36, limit=40),
            "pulse 38/min at rest (lowest 36) for 12 min, limit 40",
        ),
        (
            finding(0, last_at=at(8), rule=Rule.OXYGEN, value=92, peak=90, limit=93),
            "oxygen 92 % (lowest 90) for 8 min, limit 93",
        ),
        (finding(0, last_at=at(25), rule=Rule.NOT_WORN, value=0), "not worn for 25 min"),
        (
            finding(0, rule=Rule.BATTERY_LOW, value=12, limit=15),
            "battery 12 %, not charging, limit 15",
        ),
        (
            finding(0, rule=Rule.DEVICE_FAULT, detail='{"bad":12,"cause":"rejected messages"}'),
            "12 of the last 20 messages cannot be used",
        ),
        (
            finding(0, last_at=at(420), rule=Rule.DEVICE_FAULT, detail='{"cause":"frozen pulse"}'),
            "frozen pulse for 7 h",
        ),
        (
            finding(0, last_at=at(420), rule=Rule.DEVICE_FAULT, detail='{"temperature_c":36.5}'),
            "temperature unchanged at 36.5 °C for 7 h",
        ),
        (
            finding(0, last_at=at(420), rule=Rule.DEVICE_FAULT, detail='{"pulse_bpm":72}'),
            "pulse unchanged at 72/min for 7 h",
        ),
        (
            finding(0, rule=Rule.WATCH, value=66, detail=json.dumps({"nights": [YELLOW, RED]})),
            "resting pulse at night 66/min, usually 60, night 2 running (red)",
        ),
        (
            finding(0, rule=Rule.WATCH, value=63, detail=json.dumps({"nights": [YELLOW]})),
            "resting pulse at night 63/min, usually 60 (yellow)",
        ),
    ],
)
def test_the_line_a_doctor_reads(found: Finding, line: str) -> None:
    assert summary(found, WHERE) == line


def test_a_polygon_has_no_radius_to_speak_of() -> None:
    where = replace(WHERE, fence_m=None)
    assert summary(finding(0, value=1412, **LEFT), where) == "about 140 m from home for 10 min"


@pytest.mark.parametrize("rule", Rule)
def test_no_line_accuses(rule: Rule) -> None:
    line = summary(finding(rule=rule), WHERE).lower()
    assert not re.search(r"violat|breach|escape|illegal|offen|absent|left home|ran away", line)


def test_an_explained_silence_names_the_battery_too() -> None:
    said = {"battery_at": "2026-02-02T02:38:00Z", "battery_pct": 3, "explained_by": "battery"}
    plain = finding(0, last_at=at(15), value=900, **SILENT)
    explained = replace(plain, detail=json.dumps(said))
    assert summary(explained, WHERE) == f"battery 3 % at 10:38, {summary(plain, WHERE)}"


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (
            finding(severity=Severity.CRITICAL, rule=Rule.OXYGEN, value=88, peak=88, limit=93),
            "oxygen 88 % for 10 min, limit 91",
        ),
        (
            finding(severity=Severity.CRITICAL, rule=Rule.PULSE, value=128, peak=134, limit=111),
            "pulse 128/min at rest (highest 134) for 10 min, limit 131",
        ),
        (
            finding(severity=Severity.CRITICAL, value=3940, peak=3940, limit=3700),
            "39.4 °C at the armpit for 10 min, limit 37.0, critical from 39.1",
        ),
        (
            finding(rule=Rule.OXYGEN, value=92, peak=92, limit=93),
            "oxygen 92 % for 10 min, limit 93",
        ),
    ],
)
def test_the_bound_is_that_of_the_severity(found: Finding, line: str) -> None:
    assert summary(found, WHERE, DEFAULT) == line
