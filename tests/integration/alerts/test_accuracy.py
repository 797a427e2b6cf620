"""Outcomes come back as rates, per rule, device and model, and onto each alert's page."""

from collections.abc import Iterator

import httpx
import pytest

from alerts.api.shapes_truth import AccuracyShape, OneAlertShape
from domain.instant import DAY_US, format_rfc3339
from rules.finding import Rule, Severity
from tests.integration.alerts.asking import post, problem
from tests.integration.alerts.world import NOW, Server, World, began, ended

ACCURACY = "/api/v1/rules/accuracy"


@pytest.fixture
def auditor(server: Server, world: World) -> Iterator[httpx.Client]:
    """Of community 2, that is of grid-3."""
    headers = {"Authorization": f"Bearer {world.token('audit-2')}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=10) as client:
        yield client


def live_through(world: World, client: httpx.Client, *outcomes: str, n: int = 1) -> None:
    """Alerts of one device that end so, one after the other."""
    for number, outcome in enumerate(outcomes):
        found = world.finding(n, onset=-200 + 10 * number, rule=Rule.LEFT_HOME)
        world.record(began(found))
        (row,) = world.rows("SELECT id FROM alert WHERE response <> 'closed'")
        assert post(client, row["id"], "outcome", {"outcome": outcome}).status_code == 200
        world.record(ended(found, -199 + 10 * number))


def test_outcomes_become_rates(client: httpx.Client, world: World) -> None:
    live_through(world, client, "at_home", "at_home", "left_home_unauthorised", "at_home", "well")
    page = AccuracyShape.model_validate(client.get(ACCURACY).json())
    (item,) = page.items
    assert (item.rule, item.confirmed, item.false, item.unknown) == ("left_home", 1, 3, 1)
    assert item.false_alarm_rate.mean == 0.7
    assert [each.rulebook_version for each in item.rulebooks] == ["rules-1"]
    (item,) = AccuracyShape.model_validate(client.get(f"{ACCURACY}?by=device").json()).items
    assert (item.device, item.model, item.swap_proposed) == ("w-1", "band", True)
    (item,) = AccuracyShape.model_validate(client.get(f"{ACCURACY}?by=model").json()).items
    assert (item.model, item.devices, item.judged) == ("band", 1, 4)
    assert client.get(f"{ACCURACY}?by=device&swap_proposed=false").json()["items"] == []


def test_what_nobody_judged_is_not_counted(client: httpx.Client, world: World) -> None:
    found = world.finding(1, severity=Severity.ROUTINE, rule=Rule.BATTERY_LOW)
    world.record(began(found))
    world.record(ended(found, -5))
    world.raise_alert(1)
    assert [row["response"] for row in world.rows("SELECT response FROM alert ORDER BY id")] == [
        "closed",
        "open",
    ]
    assert client.get(ACCURACY).json() == {"items": [], "next": None}


def test_an_alert_shows_what_came_of_others(client: httpx.Client, world: World) -> None:
    live_through(world, client, "at_home", "at_home", "at_home", "left_home_authorised")
    world.record(began(world.finding(1, rule=Rule.LEFT_HOME)))
    (row,) = world.rows("SELECT id FROM alert WHERE response <> 'closed'")
    alert = row["id"]
    said = client.get(f"/api/v1/alerts/{alert}").json()
    record = OneAlertShape.model_validate(said).track_record
    assert record.device.summary == "this device: 3 of 4 false"
    assert record.rule.summary == "rule left_home: 3 of 4 false"
    assert record.device.swap_proposed
    assert said["group"] is None, "what is urgent is not grouped"
    post(client, alert, "outcome", {"outcome": "at_home"})
    said = client.get(f"/api/v1/alerts/{alert}").json()
    assert said["track_record"]["device"]["judged"] == 4, "it is not its own precedent"


def test_soft_alerts_of_a_device_to_be_swapped_are_grouped_and_nothing_is_hidden(
    client: httpx.Client, world: World
) -> None:
    live_through(world, client, *["at_home"] * 4)
    world.record(began(world.finding(1, severity=Severity.ROUTINE, rule=Rule.BATTERY_LOW)))
    world.record(began(world.finding(1, severity=Severity.ROUTINE, rule=Rule.NOT_WORN)))
    world.record(began(world.finding(4, severity=Severity.ROUTINE, rule=Rule.NOT_WORN)))
    world.raise_alert(1)
    items = client.get("/api/v1/alerts?response=open").json()["items"]
    assert [(each["rule"], each["severity"], each["group"]) for each in items] == [
        ("fever", "urgent", None),
        ("battery_low", "routine", "device:w-1"),
        ("not_worn", "routine", "device:w-1"),
        ("not_worn", "routine", None),
    ]
    one = client.get(f"/api/v1/alerts/{items[1]['id']}").json()
    assert one["group"] == "device:w-1"


def test_only_of_my_grids(client: httpx.Client, world: World, auditor: httpx.Client) -> None:
    live_through(world, client, "at_home")
    assert auditor.get(ACCURACY).json()["items"] == []
    problem(auditor.get(f"{ACCURACY}?grid=grid-1"), 404)
    assert len(client.get(f"{ACCURACY}?grid=grid-1").json()["items"]) == 1
    problem(client.get(f"{ACCURACY}?grid=grid-2"), 404)


def test_of_the_time_asked_for(client: httpx.Client, world: World) -> None:
    live_through(world, client, "at_home")

    def count(from_at: int, to_at: int) -> int:
        query = {"from": format_rfc3339(from_at), "to": format_rfc3339(to_at)}
        return len(client.get(ACCURACY, params=query).json()["items"])

    assert count(NOW, NOW + 1) == 1
    assert count(NOW - DAY_US, NOW) == 0
    assert count(NOW + 1, NOW + DAY_US) == 0
    world.rows("UPDATE alert SET raised_at = raised_at - interval '91 days' RETURNING 1")
    assert client.get(ACCURACY).json()["items"] == []


def test_what_cannot_be_asked(client: httpx.Client) -> None:
    for query in (
        {"by": "person"},
        {"limit": "0"},
        {"from": "2026-02-03T00:00:00Z", "to": "2026-02-02T00:00:00Z"},
        {"from": "2024-02-03T00:00:00Z", "to": "2026-02-02T00:00:00Z"},
        {"from": "yesterday"},
        {"swap_proposed": "maybe"},
    ):
        problem(client.get(ACCURACY, params=query), 422, "invalid")
