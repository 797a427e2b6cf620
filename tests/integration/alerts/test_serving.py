"""`doorstep serve`, `staff` and `token`, as an operator meets them."""

import json
import socket
import time
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.integration.alerts.listening import listening
from tests.integration.alerts.world import World, leaks
from tests.services.doorstep import Process, run, serve
from tests.services.postgres import Postgres
from tests.services.proxy import Proxy


def environment(url: str) -> dict[str, str]:
    return {"DOORSTEP_DATABASE_URL": url}


def test_a_token_and_a_password_open_the_door(world: World, tmp_path: Path) -> None:
    env = environment(world.url)
    made = run(["token", "create", "--staff", "dr-1", "--ttl", "1h"], env)
    assert (made.returncode, made.stderr) == (0, "")
    token = made.stdout.strip()
    said = json.loads(run(["token", "create", "--staff", "dr-2", "--json"], env).stdout)
    assert {*said} == {"token", "prefix", "staff", "scope", "expires_at"}
    assert said["scope"] == "act"
    new = "another horse"
    done = run(["staff", "password", "dr-1", "--password-stdin"], env, f"{new}\n")
    assert (done.returncode, done.stdout) == (0, "")
    world.raise_alert(1)
    with (
        serve(world.url, tmp_path, HTTP__SESSION_LASTS_S="600") as process,
        httpx.Client(base_url=process.url) as client,
    ):
        headers = {"Authorization": f"Bearer {token}"}
        assert len(client.get("/api/v1/alerts", headers=headers).json()["items"]) == 1
        answer = client.post("/api/v1/session", json={"staff": "dr-1", "password": new})
        assert answer.json()["clock"]["factor"] == 1.0
        assert "; max-age=600;" in answer.headers["set-cookie"].lower()
        assert client.get("/api/v1/alerts").status_code == 200
    log = process.log.read_text()
    assert token not in log
    assert new not in log


@pytest.mark.parametrize(
    ("command", "stdin", "code", "said"),
    [
        (["token", "create", "--staff", "nobody-here"], None, 1, "no member of staff"),
        (["token", "create", "--staff", "dr-1", "--ttl", "soon"], None, 2, "--ttl"),
        (["token", "create", "--staff", "dr-1", "--ttl", "367d"], None, 2, "--ttl"),
        (["token", "create", "--staff", "dr-1", "--scope", "all"], None, 2, "--scope"),
        (["token", "ls", "--staff", "nobody-here"], None, 1, "no member of staff"),
        (["token", "revoke", "dst_abc"], None, 1, "at least 8 letters"),
        (["token", "revoke", "dst_abcdefgh"], None, 1, "no token begins with dst_abcdefgh"),
        (["staff", "password", "ghost", "--password-stdin"], "long enough", 1, "no member"),
        (["staff", "password", "dr-1", "--password-stdin"], "short", 1, "8 to 1024"),
    ],
)
def test_mistakes_are_one_line(
    world: World, command: list[str], stdin: str | None, code: int, said: str
) -> None:
    done = run(command, environment(world.url), stdin)
    assert done.returncode == code
    assert said in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_it_stops_in_order_with_streams_open(world: World, tmp_path: Path) -> None:
    process = serve(world.url, tmp_path)
    process.start()
    process.wait_ready()
    with listening(process.url, world.token()) as stream:
        stream.greeted()
        began_at = time.monotonic()
        assert process.stop() == 0
        assert time.monotonic() - began_at < 5
        assert list(stream) == []
    assert "Traceback" not in process.tail()


def test_a_taken_port_is_one_line_and_code_3(world: World) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run(["serve", "--port", str(port)], environment(world.url))
    assert done.returncode == 3
    assert done.stderr.startswith("doorstep: http.port: cannot listen on 127.0.0.1:")
    assert done.stderr.count("\n") == 1


def test_a_database_without_its_schema_is_code_3(empty_database: str) -> None:
    done = run(["serve", "--port", "0"], environment(empty_database))
    assert done.returncode == 3
    assert "doorstep migrate" in done.stderr


@pytest.mark.slow
def test_a_database_that_is_not_there_is_code_4() -> None:
    done = run(["serve", "--port", "0"], environment("postgresql://x@127.0.0.1:1/x"))
    assert done.returncode == 4
    assert done.stderr.splitlines()[-1].startswith("doorstep: ")
    assert "Traceback" not in done.stderr


def test_an_outage_of_the_database_is_waited_out(
    world: World, database_server: Postgres, tmp_path: Path
) -> None:
    name = world.url.rpartition("/")[2]
    with Proxy(database_server.port) as proxy:
        url = database_server.url_of(name, proxy.port)
        with serve(url, tmp_path) as process:
            headers = {"Authorization": f"Bearer {world.token()}"}
            with httpx.Client(base_url=process.url, headers=headers, timeout=20) as client:
                proxy.refuse()
                answer = client.get("/api/v1/alerts")
                assert answer.status_code == 503
                assert answer.json()["type"] == "urn:doorstep:problem:unavailable"
                assert answer.headers["retry-after"]
                ready = client.get("/readyz")
                assert ready.status_code == 503
                assert ready.json()["reasons"] == ["the database cannot be reached"]
                assert client.get("/healthz").status_code == 200
                assert "doorstep_alerts{" not in client.get("/metrics").text
                proxy.accept()
                process.wait_ready()
                world.raise_alert(1)
                with listening(process.url, world.token(), 0) as stream:
                    assert [heard.id for heard in stream.take(1)] == [1]
                assert len(client.get("/api/v1/alerts").json()["items"]) == 1


def test_it_serves_while_another_does(world: World, tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    with serve(world.url, tmp_path / "1") as one, serve(world.url, tmp_path / "2") as two:
        processes: list[Process] = [one, two]
        for process in processes:
            with listening(process.url, world.token(), 0) as stream:
                if process is one:
                    world.raise_alert(1)
                assert [heard.id for heard in stream.take(1)] == [1]


def test_nothing_of_a_person_is_in_its_log(world: World, tmp_path: Path) -> None:
    world.raise_alert(1)
    with serve(world.url, tmp_path) as process:
        headers = {"Authorization": f"Bearer {world.token()}"}
        with httpx.Client(base_url=process.url, headers=headers) as client:
            client.get("/api/v1/alerts/alert-1")
            client.get("/api/v1/episodes/e-1")
            client.get("/api/v1/alerts?person=%E7%8E%8B%E5%B0%8F%E6%98%8E")
            with psycopg.connect(world.url) as connection:
                connection.execute("ALTER TABLE alert RENAME COLUMN summary TO gone")
            client.get("/api/v1/alerts/alert-1")
            with psycopg.connect(world.url) as connection:
                connection.execute("ALTER TABLE alert RENAME COLUMN gone TO summary")
    assert not leaks(process.log.read_text())
