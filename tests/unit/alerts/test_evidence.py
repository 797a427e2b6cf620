from dataclasses import replace
from typing import Any

import pytest

from alerts.evidence import Worn, evidence, facts, telling
from domain.instant import format_rfc3339
from rules.finding import Rule, Severity
from rules.rulebook import DEFAULT
from tests.unit.alerts.cases import WHERE, at, finding, held

SILENT: dict[str, Any] = {"rule": Rule.SILENT, "severity": Severity.ROUTINE, "limit": 900}
LEFT: dict[str, Any] = {"rule": Rule.LEFT_HOME, "limit": 700}


def test_the_figures_are_in_the_units_people_read() -> None:
    found = evidence(held(0, last_at=at(14), peak=3860), WHERE)
    assert found == {
        "rule": "fever",
        "rulebook_version": "rules-1",
        "device": "w-1",
        "value": 38.4,
        "peak": 38.6,
        "unit": "°C",
        "threshold": 37.3,
        "limit": 37.3,
        "origin": "rulebook",
        "onset_at": "2026-02-02T02:40:00Z",
        "last_at": "2026-02-02T02:54:00Z",
        "ended_at": None,
        "held_s": 840,
        "late": False,
        "supported": True,
        "site": "axillary",
        "site_class": "core",
    }


def test_distances_are_in_metres_and_name_the_fence() -> None:
    found = evidence(held(0, value=1412, **LEFT), WHERE)
    assert (found["value"], found["limit"], found["unit"]) == (141.2, 70.0, "m")
    assert found["fence_m"] == 50.0
    assert "site" not in found


def test_silence_says_what_was_expected() -> None:
    where = replace(WHERE, devices={1: Worn("w-1", 300)})
    found = evidence(held(0, severity=Severity.ROUTINE, rule=Rule.SILENT, value=1500), where)
    assert (found["value"], found["unit"], found["interval_s"]) == (1500, "s", 300)


def test_what_is_still_so_speaks_before_what_is_over_and_then_the_worst() -> None:
    over = held(0, 30, Severity.CRITICAL)
    mild, worse = held(2), held(1, severity=Severity.CRITICAL, device_no=2)
    assert telling([over, mild]) == mild
    assert telling([over, mild, worse]) == worse


def test_the_facts_cover_all_findings() -> None:
    said = facts([held(0, 8), held(12, device_no=2, severity=Severity.CRITICAL)], WHERE)
    assert (said.severity, said.onset_at, said.last_at) == (Severity.CRITICAL, at(0), at(22))
    assert said.evidence["device"] == "w-2"


def test_what_a_rule_adds_becomes_part_of_the_evidence() -> None:
    added = evidence(held(detail='{"why":"so"}'), WHERE)
    assert added == evidence(held(), WHERE) | {"why": "so"}


FAULT = finding(5, rule=Rule.DEVICE_FAULT, detail='{"bad":12,"cause":"rejected messages","of":20}')


def test_a_device_at_fault_is_said_with_what_it_measured_and_lowers_nothing() -> None:
    where = replace(WHERE, faults={1: FAULT})
    fever = held(severity=Severity.CRITICAL)
    assert evidence(fever, where) == evidence(fever, WHERE) | {
        "device_fault": {"since": format_rfc3339(at(5)), "cause": "rejected messages"},
        "group": "device:w-1",
    }
    assert facts([fever], where).severity is Severity.CRITICAL


@pytest.mark.parametrize("rule", [Rule.SILENT, Rule.NOT_WORN, Rule.BATTERY_LOW, Rule.DEVICE_FAULT])
def test_but_not_with_what_no_sensor_says(rule: Rule) -> None:
    where = replace(WHERE, faults={1: FAULT})
    assert "group" not in evidence(held(rule=rule), where)


def test_nor_with_what_another_device_measured() -> None:
    where = replace(WHERE, faults={1: FAULT})
    assert "group" not in evidence(held(device_no=2), where)


def test_a_critical_case_shows_the_bound_it_crossed_last_and_by_which_it_began() -> None:
    low = held(rule=Rule.OXYGEN, severity=Severity.CRITICAL, value=88, peak=88, limit=93)
    found = evidence(replace(low, book=DEFAULT), WHERE)
    assert (found["threshold"], found["limit"]) == (93, 91)
    assert "critical_from" not in found
    fever = evidence(replace(held(severity=Severity.CRITICAL), book=DEFAULT), WHERE)
    assert (fever["threshold"], fever["limit"], fever["critical_from"]) == (37.3, 37.3, 39.1)
    child = replace(WHERE, birth_year=2020)
    fast = held(rule=Rule.PULSE, severity=Severity.CRITICAL, value=150, peak=150, limit=121)
    said = facts([replace(fast, book=DEFAULT)], child)
    assert said.evidence["limit"] == 141
    assert said.summary.endswith("limit 141")
