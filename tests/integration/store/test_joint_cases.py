"""One alert though two rules found it, and what a device at fault says of the other alerts."""

from dataclasses import replace
from typing import Any

import pytest

from rules.finding import Finding, Rule, Severity
from tests.integration.alerts.world import World, began, ended

BATTERY = '{"battery_at":"2026-02-02T02:40:00Z","battery_pct":3,"explained_by":"battery"}'
FAULT = '{"bad":12,"cause":"rejected messages","of":20}'


def low(world: World) -> Finding:
    return world.finding(1, -60, rule=Rule.BATTERY_LOW, severity=Severity.ROUTINE, value=3)


def silence(world: World, severity: Severity = Severity.URGENT) -> Finding:
    return world.finding(1, -20, rule=Rule.SILENT, severity=severity, value=900, detail=BATTERY)


def alerts(world: World) -> list[dict[str, Any]]:
    return world.rows("SELECT id, rule, severity, condition, response FROM alert ORDER BY id")


@pytest.mark.parametrize("together", [False, True])
def test_a_low_battery_and_the_silence_it_explains_are_one_alert(
    world: World, *, together: bool
) -> None:
    changes = began(low(world)), began(silence(world))
    for step in [changes] if together else [changes[:1], changes[1:]]:
        world.record(*step)
    (alert,) = alerts(world)
    assert (alert["rule"], alert["severity"]) == ("battery_low", "urgent")
    placed = world.rows("SELECT DISTINCT alert_id FROM finding")
    assert [row["alert_id"] for row in placed] == [alert["id"]]
    assert "battery 3 %" in world.alert(alert["id"])["summary"]
    assert "nothing heard since" in world.alert(alert["id"])["summary"]


@pytest.mark.parametrize("battery_first", [False, True])
def test_it_is_over_when_both_are(world: World, *, battery_first: bool) -> None:
    quiet = silence(world, Severity.ROUTINE)
    world.record(began(low(world)), began(quiet))
    steps = [ended(low(world), 0), ended(quiet, 0)]
    for change in steps if battery_first else steps[::-1]:
        assert alerts(world)[0]["condition"] == "active"
        world.record(change)
    assert [(each["condition"], each["response"]) for each in alerts(world)] == [
        ("cleared", "closed")
    ]


def test_a_silence_that_came_first_keeps_its_own_alert(world: World) -> None:
    world.record(began(silence(world)))
    world.record(began(low(world)))
    assert [each["rule"] for each in alerts(world)] == ["silent", "battery_low"]
    world.record(ended(silence(world), 0))
    assert [each["condition"] for each in alerts(world)] == ["cleared", "active"]


def test_a_silence_nothing_explains_is_its_own_alert(world: World) -> None:
    world.record(began(low(world)))
    world.record(began(replace(silence(world), detail="")))
    assert [each["rule"] for each in alerts(world)] == ["battery_low", "silent"]


def test_a_fever_of_a_device_at_fault_says_so_and_is_as_severe(world: World) -> None:
    fault = world.finding(
        1, -30, rule=Rule.DEVICE_FAULT, severity=Severity.ROUTINE, value=60, detail=FAULT
    )
    world.record(began(fault))
    world.record(began(world.finding(1, severity=Severity.CRITICAL)), began(world.finding(2)))
    (mine,) = world.rows("SELECT * FROM alert WHERE severity = 'critical'")
    assert mine["evidence"]["device_fault"]["cause"] == "rejected messages"
    assert mine["evidence"]["group"] == "device:w-1"
    (other,) = world.rows("SELECT * FROM alert WHERE rule = 'fever' AND severity = 'urgent'")
    assert "device_fault" not in other["evidence"]
