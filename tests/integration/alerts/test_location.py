"""Where the person of an alert was last, over HTTP."""

import httpx

from tests.integration.alerts.asking import post, problem
from tests.integration.alerts.readings import store_readings
from tests.integration.alerts.world import Server, World


def asked(server: Server, world: World, staff: str, alert: str = "alert-1") -> httpx.Response:
    headers = {"Authorization": f"Bearer {world.token(staff)}"}
    return httpx.get(f"{server.url}/api/v1/alerts/{alert}/location", headers=headers)


def looks(world: World) -> list[tuple[str, str, str]]:
    rows = world.rows("SELECT * FROM audit_log WHERE what LIKE '%%location' ORDER BY audit_no")
    return [(row["staff"], row["what"], row["object"]) for row in rows]


def test_those_who_go_there_see_it_and_each_look_is_written_down(
    server: Server, world: World
) -> None:
    world.raise_alert(1)
    assert asked(server, world, "dr-1").json() == {"fix": None}
    store_readings(world, 1, [(-9, 3820, 0.0), (-1, 3820, 0.003)])
    answer = asked(server, world, "dr-1")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["fix"] == {
        "at": "2026-02-03T04:04:06Z",
        "lat": 32.063,
        "lon": 118.79,
        "accuracy_m": 10.0,
        "near_home": False,
        "distance_m": 332.7,
        "direction_deg": 0,
    }
    assert asked(server, world, "sup-1").status_code == 200
    problem(asked(server, world, "admin-1"), 403, "withheld")
    problem(asked(server, world, "dr-2"), 404)
    assert looks(world) == [
        ("dr-1", "viewed_location", "e-1"),
        ("dr-1", "viewed_location", "e-1"),
        ("sup-1", "viewed_location", "e-1"),
        ("admin-1", "refused_location", "e-1"),
    ]


def test_after_it_is_closed_only_whose_it_was_sees_it(
    server: Server, client: httpx.Client, world: World
) -> None:
    world.raise_alert(1)
    store_readings(world, 1, [(-1, 3820, 0.003)])
    assert post(client, "alert-1", "outcome", {"outcome": "well"}).status_code == 200
    assert asked(server, world, "dr-1").status_code == 200
    problem(asked(server, world, "sup-1"), 403, "withheld")
