"""What becomes an entry of the audit log beside looks at one person: lists, reports, deeds."""

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from alerts.api.looks import EVERY_US
from alerts.audit import Query, What
from alerts.staff import Role, Staff
from store import audit
from tests.integration.alerts.listening import listening
from tests.integration.alerts.world import Server, World

Entry = tuple[str | None, str, str, list[int]]


@pytest.fixture
def supervisor(server: Server, world: World) -> Iterator[httpx.Client]:
    """As sup-1, of grid-1 and grid-2."""
    headers = {"Authorization": f"Bearer {world.token('sup-1')}"}
    with httpx.Client(base_url=f"{server.url}/api/v1", headers=headers, timeout=10) as client:
        yield client


def entered(world: World, like: str = "viewed_%") -> list[Entry]:
    rows = world.rows("SELECT * FROM audit_log WHERE what LIKE %s ORDER BY audit_no", like)
    return [(row["staff"], row["what"], row["object"], row["grid_nos"]) for row in rows]


class TestLists:
    def test_a_look_at_a_list_is_entered_with_what_it_was_narrowed_to(
        self, supervisor: httpx.Client, world: World
    ) -> None:
        world.raise_alert(1)
        for path in (
            "alerts",
            "alerts?person=p-1&limit=1",
            "alerts?grid=grid-2&response=open,acknowledged&rule=fever&severity=urgent",
            "episodes",
            "episodes?grid=grid-1&limit=1",
        ):
            assert supervisor.get(path).status_code == 200
        narrowed = "grid=grid-2 response=open,acknowledged rule=fever severity=urgent"
        assert entered(world) == [
            ("sup-1", "viewed_alerts", "", [1, 2]),
            ("sup-1", "viewed_alerts", "person=p-1", [1, 2]),
            ("sup-1", "viewed_alerts", narrowed, [2]),
            ("sup-1", "viewed_episodes", "", [1, 2]),
            ("sup-1", "viewed_episodes", "grid=grid-1", [1]),
        ]

    def test_the_same_look_is_entered_once_in_a_while(
        self, server: Server, supervisor: httpx.Client, client: httpx.Client, world: World
    ) -> None:
        for _ in range(3):
            supervisor.get("alerts")
            client.get("/api/v1/alerts")
        page = supervisor.get("episodes?limit=1").json()
        supervisor.get("episodes", params={"cursor": page["next"]})
        assert [each[:2] for each in entered(world)] == [
            ("sup-1", "viewed_alerts"),
            ("dr-1", "viewed_alerts"),
            ("sup-1", "viewed_episodes"),
        ]
        server.later = EVERY_US
        supervisor.get("alerts")
        assert len(entered(world)) == 4

    def test_who_has_another_grid_since_looks_anew(
        self, supervisor: httpx.Client, world: World
    ) -> None:
        supervisor.get("alerts")
        with psycopg.connect(world.url) as connection:
            connection.execute(
                "INSERT INTO staff_grid SELECT staff_no, grid_no FROM staff, grid"
                " WHERE staff.id = 'sup-1' AND grid.id = 'grid-3'"
            )
        supervisor.get("alerts")
        assert [grids for *_, grids in entered(world)] == [[1, 2], [1, 2, 3]]

    def test_what_is_refused_is_no_look(self, supervisor: httpx.Client, world: World) -> None:
        for path in ("alerts?grid=grid-3", "alerts?cursor=x", "episodes?grid=nowhere"):
            assert supervisor.get(path).status_code in (404, 422)
        assert entered(world) == []

    def test_a_list_that_cannot_be_entered_is_not_shown(
        self, supervisor: httpx.Client, world: World
    ) -> None:
        with psycopg.connect(world.url, autocommit=True) as connection:
            connection.execute("REVOKE INSERT ON audit_log FROM doorstep_staff")
            connection.execute(
                "REVOKE INSERT (staff, what, object, grid_nos) ON audit_log FROM doorstep_staff"
            )
            for _ in range(2):
                assert supervisor.get("alerts").status_code == 503
            connection.execute(
                "GRANT INSERT (staff, what, object, grid_nos) ON audit_log TO doorstep_staff"
            )
        assert supervisor.get("alerts").status_code == 200
        assert len(entered(world)) == 1

    def test_a_stream_is_a_list_that_goes_on(self, server: Server, world: World) -> None:
        token = world.token("dr-1")
        for query in ("", "?grid=grid-1", ""):
            with listening(server.url, token, query=query) as stream:
                stream.greeted()
        assert entered(world) == [
            ("dr-1", "viewed_alerts", "as=stream", [1]),
            ("dr-1", "viewed_alerts", "grid=grid-1 as=stream", [1]),
        ]


def test_the_log_of_an_alert_is_about_its_person(supervisor: httpx.Client, world: World) -> None:
    world.raise_alert(1)
    assert supervisor.get("alerts/alert-1/events").status_code == 200
    assert supervisor.get("alerts/alert-2/events").status_code == 404
    assert entered(world) == [("sup-1", "viewed_events", "e-1", [1])]


def test_each_report_is_entered_whatever_its_form(supervisor: httpx.Client, world: World) -> None:
    assert supervisor.get("reports/daily?date=2026-02-02&format=csv").status_code == 200
    assert supervisor.get("reports/daily?date=2026-02-02&grid=grid-2").status_code == 200
    assert supervisor.get("reports/daily?date=2026-02-09").status_code == 422
    assert entered(world) == [
        ("sup-1", "viewed_report", "2026-02-02", [1, 2]),
        ("sup-1", "viewed_report", "2026-02-02 grid-2", [2]),
    ]


def test_each_deed_on_a_webhook_is_entered(supervisor: httpx.Client, world: World) -> None:
    body: dict[str, Any] = {"url": "https://127.0.0.1:1/", "grids": ["grid-1"]}
    id_ = supervisor.post("webhooks", json=body).json()["id"]
    path = f"webhooks/{id_}"
    stopped = {"enabled": False, "grids": ["grid-1", "grid-2"]}
    assert supervisor.patch(path, json=stopped).status_code == 200
    world.raise_alert(1)
    with psycopg.connect(world.url) as connection:
        connection.execute(
            "UPDATE subscriber SET cursor = (SELECT last_event_id FROM event_counter)"
        )
    assert supervisor.post(f"{path}/test").json()["delivered"] is False
    assert supervisor.post(f"{path}/rotate").status_code == 200
    assert supervisor.post(f"{path}/deliveries/1/resend").status_code == 202
    assert supervisor.delete(path).status_code == 204
    for missing in (f"{path}/test", f"{path}/rotate", f"{path}/deliveries/1/resend"):
        assert supervisor.post(missing).status_code == 404
    assert supervisor.delete(path).status_code == 404
    assert entered(world, "%webhook") + entered(world, "resent%") == [
        ("sup-1", "made_webhook", id_, [1]),
        ("sup-1", "changed_webhook", id_, [1, 2]),
        ("sup-1", "tested_webhook", id_, [1, 2]),
        ("sup-1", "rotated_webhook", id_, [1, 2]),
        ("sup-1", "removed_webhook", id_, [1, 2]),
        ("sup-1", "resent_event", f"{id_} evt_1", [1, 2]),
    ]


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (Query(what="access_taken"), "audit_log_by_what"),
        (Query(what="access_taken", before=900), "audit_log_by_what"),
        (Query(object="e-7"), "audit_log_by_object"),
        (Query(staff="dr-7"), "audit_log_by_staff"),
    ],
)
def test_what_is_rare_is_found_by_an_index(
    server: Server, world: World, query: Query, index: str
) -> None:
    """Also the sixth time, when psycopg has the server prepare a statement once for all."""
    with psycopg.connect(world.url) as connection:
        connection.execute(
            "INSERT INTO audit_log (staff, what, object, grid_nos)"
            " SELECT 'dr-' || n % 500, 'viewed_person', 'e-' || n % 500, '{1}'"
            " FROM generate_series(1, 2000) n"
        )
        audit.record(connection, None, What.ACCESS_TAKEN, "dr-1", [1])
        connection.execute("ANALYZE audit_log")
    asked = {
        **{name: getattr(query, name) for name in ("staff", "object", "what", "before")},
        "grids": [1, 2],
        "limit": 101,
    }
    (row,) = world.rows("SELECT staff_no FROM staff WHERE id = 'sup-1'")
    sup = Staff(row["staff_no"], "sup-1", "", Role.SUPERVISOR, {"grid-1": 1, "grid-2": 2})
    with server.pool.of(sup) as connection:
        for _ in range(8):
            audit.listed(connection, [1, 2], query)
        plan = connection.execute(f"EXPLAIN {audit.listing(query)}", asked).fetchall()
    assert index in str(plan)
