"""The order of the list is that of `alerts.priority`, whole and in pages."""

import random
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from alerts.priority import order
from domain.instant import to_datetime
from rules.finding import Rule, Severity
from store.alertrows import fetch
from tests.integration.alerts.asking import post
from tests.integration.alerts.world import NOW, Server, World, began, minute

_INSERT = (
    "INSERT INTO alert (id, episode_no, grid_no, device_no, rule, severity, condition, response,"
    " outcome, raised_at, onset_at, cleared_at, last_at, late, summary, evidence,"
    " closed_at, version) SELECT %s, e.episode_no, e.grid_no, 1, %s, %s, %s, %s, %s, %s, %s, %s,"
    " %s, false, '', '{}', %s,"
    " 1 FROM episode e WHERE e.id = %s"
)


def fill(world: World, seed: int) -> None:
    """All that can be not closed in the grids 1 and 2, and as much again that is."""
    dice = random.Random(seed)
    with psycopg.connect(world.url) as connection:
        connection.execute("UPDATE person SET flags = '{}', birth_year = 1946 WHERE id = 'p-2'")
        connection.execute("UPDATE person SET flags = '{disabled}' WHERE id = 'p-4'")
        for n, (episode, rule) in enumerate(
            (episode, rule) for episode in ("e-1", "e-2", "e-4") for rule in Rule
        ):
            for closed in (False, True):
                raised_at = to_datetime(minute(-dice.randrange(4)))
                response = dice.choice(("open", "acknowledged", "visiting"))
                cleared = dice.random() < 0.5
                connection.execute(
                    _INSERT,
                    [
                        f"{dice.choice('aBc')}-{n}{'c' * closed}",
                        rule.value,
                        dice.choice([*Severity]).word,
                        "cleared" if cleared else "active",
                        "closed" if closed else response,
                        "well" if closed else None,
                        raised_at,
                        raised_at,
                        raised_at if cleared else None,
                        raised_at,
                        raised_at if closed else None,
                        episode,
                    ],
                )


@pytest.fixture
def supervisor(server: Server, world: World) -> Iterator[httpx.Client]:
    """As sup-1, who sees the grids 1 and 2."""
    headers = {"Authorization": f"Bearer {world.token('sup-1')}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=10) as client:
        yield client


@pytest.mark.parametrize("seed", [1, 2])
def test_the_list_is_in_the_order_of_the_pure_function(
    supervisor: httpx.Client, world: World, seed: int
) -> None:
    fill(world, seed)
    with psycopg.connect(world.url) as connection:
        stored = fetch(connection, "", [])
    ordered = sorted(stored, key=lambda each: order(each.alert, each.place.surroundings))
    got: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": "7"} | ({"cursor": cursor} if cursor else {})
        page = supervisor.get("/api/v1/alerts", params=query).json()
        got += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert got == [each.alert.id for each in ordered]
    assert len(got) == 54


def test_who_is_vulnerable_is_marked_without_a_diagnosis(
    client: httpx.Client, world: World
) -> None:
    with psycopg.connect(world.url) as connection:
        connection.execute("UPDATE person SET flags = '{}' WHERE id = 'p-1'")
        connection.execute("UPDATE person SET flags = '{chronic}' WHERE id = 'p-4'")
    world.record(began(world.finding(1)), began(world.finding(4)))
    answer = client.get("/api/v1/alerts", params={"response": "open"})
    assert [(each["person"], each["vulnerable"]) for each in answer.json()["items"]] == [
        ("p-4", True),
        ("p-1", False),
    ]
    assert "chronic" not in answer.text
    (event, _) = world.rows("SELECT after FROM alert_event ORDER BY event_id")
    assert event["after"]["vulnerable"] is False


def test_alerts_of_one_building_say_how_many_they_are(client: httpx.Client, world: World) -> None:
    with psycopg.connect(world.url) as connection:
        # e-3 is in such a building of another grid.
        connection.execute("UPDATE episode SET building = '7' WHERE id IN ('e-1', 'e-3', 'e-4')")
    world.record(began(world.finding(1)), began(world.finding(4)), began(world.finding(3)))
    world.record(began(world.finding(1, rule=Rule.PULSE)), now=NOW)
    items = client.get("/api/v1/alerts").json()["items"]
    assert [item["building_alerts"] for item in items] == [3, 3, 3]
    post(client, items[0]["id"], "outcome", {"outcome": "well"})
    assert client.get(f"/api/v1/alerts/{items[1]['id']}").json()["building_alerts"] == 2
