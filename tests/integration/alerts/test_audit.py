"""The audit log of a running service: a row for each look and deed, whole or found broken."""

import json

import httpx
import psycopg
import pytest

from tests.integration.alerts.readings import store_readings
from tests.integration.alerts.world import PASSWORD, World, leaks
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


def test_staff_enter_themselves_and_read_nothing(world: World) -> None:
    add = b"INSERT INTO audit_log (staff, what, object, grid_nos) VALUES (%s, 'x', '', '{}')"
    with psycopg.connect(world.url) as connection:
        connection.execute(
            "SELECT set_config('doorstep.staff', 'dr-1', true),"
            " set_config('role', 'doorstep_staff', true)"
        )
        connection.execute(add, ["dr-1"])
        for statement in (
            b"INSERT INTO audit_log (staff, what, object, grid_nos) VALUES ('dr-2', 'x', '', '{}')",
            b"SELECT 1 FROM audit_log",
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
