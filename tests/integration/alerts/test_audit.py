"""The audit log of a running service: a row for each look and deed, whole or found broken."""

import json

import httpx
import psycopg
import pytest

from tests.integration.alerts.readings import store_readings
from tests.integration.alerts.world import PASSWORD, Server, World, leaks
from tests.services.doorstep import run


def logged(world: World) -> list[tuple[str | None, str, str, list[int]]]:
    rows = world.rows("SELECT * FROM audit_log ORDER BY audit_no")
    return [(row["staff"], row["what"], row["object"], row["grid_nos"]) for row in rows]


def test_every_look_and_deed_is_one_row(client: httpx.Client, world: World) -> None:
    world.raise_alert(1)
    store_readings(world, 1, [(-1, 3820, 0.0)])
    before = len(logged(world))
    for path in ("alerts/alert-1", "episodes/e-1", "episodes/e-1/readings", "alerts/nothing"):
        client.get(f"/api/v1/{path}")
    assert client.post("/api/v1/alerts/alert-1/acknowledge").status_code == 200
    assert client.post("/api/v1/alerts/alert-1/acknowledge").status_code == 409
    body = {"staff": "dr-1", "password": PASSWORD}
    assert client.post("/api/v1/session", json=body).status_code == 200
    assert logged(world)[before:] == [
        ("dr-1", "viewed_person", "e-1", [1]),
        ("dr-1", "viewed_person", "e-1", [1]),
        ("dr-1", "viewed_readings", "e-1", [1]),
        ("dr-1", "acknowledged", "alert-1", [1]),
        ("dr-1", "signed_in", "dr-1", [1]),
    ]
    assert not leaks(str(world.rows("SELECT * FROM audit_log")))


def test_it_is_only_added_to(client: httpx.Client, world: World) -> None:
    client.get("/api/v1/episodes/e-1")
    for statement in (
        "UPDATE audit_log SET staff = 'dr-2'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
    ):
        with (
            psycopg.connect(world.url) as connection,
            pytest.raises(psycopg.errors.RaiseException, match="only added to"),
        ):
            connection.execute(statement.encode())


def test_staff_enter_themselves_and_read_what_the_policy_shows(world: World) -> None:
    add = b"INSERT INTO audit_log (staff, what, object, grid_nos) VALUES (%s, 'x', '', '{}')"
    with psycopg.connect(world.url) as connection:
        connection.execute(
            "SELECT set_config('doorstep.staff', 'dr-1', true),"
            " set_config('role', 'doorstep_staff', true)"
        )
        connection.execute(add, ["dr-1"])
        assert connection.execute("SELECT 1 FROM audit_log").fetchall() == []
        for statement in (
            b"INSERT INTO audit_log (staff, what, object, grid_nos) VALUES ('dr-2', 'x', '', '{}')",
            b"SELECT sha256 FROM audit_log",
            b"UPDATE audit_head SET audit_no = 0",
        ):
            with (
                pytest.raises(psycopg.errors.InsufficientPrivilege),
                connection.transaction(),
            ):
                connection.execute(statement)


def test_the_command_says_the_first_entry_that_was_changed(world: World) -> None:
    for staff in ("dr-1", "dr-2", "dr-3"):
        world.token(staff)
    env = {"DOORSTEP_DATABASE_URL": world.url}
    whole = run(["audit", "verify", "--json"], env)
    assert whole.returncode == 0, whole.stderr
    (head,) = world.rows("SELECT encode(sha256, 'hex') AS sha256 FROM audit_head")
    said = json.loads(whole.stdout)
    assert (said["entries"], said["head"], said["broken"]) == (3, head["sha256"], None)
    with psycopg.connect(world.url) as connection:
        connection.execute("ALTER TABLE audit_log DISABLE TRIGGER keep")
        connection.execute("UPDATE audit_log SET object = 'dr-9' WHERE audit_no = 2")
    broken = run(["audit", "verify"], env)
    assert broken.returncode == 1
    assert broken.stderr == "doorstep: entry 2 is not as it was written\n"


def as_member(server: Server, world: World, staff: str, **asked: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {world.token(staff)}"}
    return httpx.get(f"{server.url}/api/v1/audit", params=asked, headers=headers)


def test_it_is_read_by_those_who_look_after_the_grid(
    server: Server, client: httpx.Client, world: World
) -> None:
    world.raise_alert(1)
    client.get("/api/v1/episodes/e-1")
    client.get("/api/v1/alerts/alert-1")
    found = as_member(server, world, "sup-1", object="e-1").json()["items"]
    assert [(each["staff"], each["what"], each["grids"]) for each in found] == [
        ("dr-1", "viewed_person", ["grid-1"])
    ] * 2
    assert found[0]["no"] > found[1]["no"]
    assert not as_member(server, world, "audit-2", object="e-1").json()["items"]
    assert as_member(server, world, "dr-1").status_code == 403
    (look, *_) = as_member(server, world, "sup-1", what="viewed_audit").json()["items"]
    assert (look["staff"], look["object"]) == ("sup-1", "object=e-1")
    (refused,) = as_member(server, world, "sup-1", what="denied").json()["items"]
    assert (refused["staff"], refused["object"]) == ("dr-1", "GET /api/v1/audit")


def test_its_pages_follow_each_other(server: Server, client: httpx.Client, world: World) -> None:
    for _ in range(5):
        client.get("/api/v1/episodes/e-1")
    first = as_member(server, world, "sup-1", limit="2", object="e-1").json()
    second = as_member(server, world, "sup-1", limit="9", object="e-1", cursor=first["next"]).json()
    numbers = [each["no"] for page in (first, second) for each in page["items"]]
    assert numbers == sorted(numbers, reverse=True)
    assert (len(numbers), second["next"]) == (5, None)
    assert as_member(server, world, "sup-1", cursor="x").status_code == 422


def test_failed_sign_ins_and_what_was_done_before_are_told_apart(
    client: httpx.Client, world: World
) -> None:
    world.raise_alert(1)
    for staff in ("dr-1", "a stranger"):
        body = {"staff": staff, "password": "wrong"}
        assert client.post("/api/v1/session", json=body).status_code == 401
    for _ in range(2):
        key = {"Idempotency-Key": "once"}
        assert client.post("/api/v1/alerts/alert-1/acknowledge", headers=key).status_code == 200
    found = [(who, what, about) for who, what, about, _ in logged(world)]
    assert [each for each in found if each[1] in ("sign_in_failed", "acknowledged")] == [
        (None, "sign_in_failed", "dr-1"),
        (None, "sign_in_failed", ""),
        ("dr-1", "acknowledged", "alert-1"),
    ]
