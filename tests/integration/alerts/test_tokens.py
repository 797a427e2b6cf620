"""Tokens of a running service: what for, who has them, and that one taken back is worth nothing."""

import json
from subprocess import CompletedProcess

import httpx
import pytest

from alerts.feeds import sse
from alerts.passwords import sha256
from alerts.tokens import REMEMBERED_US, Scope
from domain.instant import MINUTE_US, SECOND_US, from_datetime
from store import tokens
from store.writing import writing
from tests.integration.alerts.listening import listening
from tests.integration.alerts.world import Server, World
from tests.services.doorstep import run


def command(world: World, *words: str) -> CompletedProcess[str]:
    return run(["token", *words], {"DOORSTEP_DATABASE_URL": world.url})


def listed(world: World, *words: str) -> list[dict[str, str | None]]:
    done = command(world, "ls", "--json", *words)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["next"] is None
    return list(said["items"])


def ask(server: Server, token: str, path: str = "session", method: str = "GET") -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.request(method, f"{server.url}/api/v1/{path}", headers=headers, timeout=10)


def used_at(world: World, token: str) -> int | None:
    (row,) = world.rows("SELECT used_at FROM api_token WHERE token_sha256 = %s", sha256(token))
    return None if row["used_at"] is None else from_datetime(row["used_at"])


def logged(world: World) -> list[tuple[str | None, str, str, list[int]]]:
    rows = world.rows("SELECT * FROM audit_log WHERE what LIKE 'access_%%' ORDER BY audit_no")
    return [(row["staff"], row["what"], row["object"], row["grid_nos"]) for row in rows]


def test_one_is_made_listed_used_and_revoked(server: Server, world: World) -> None:
    made = command(world, "create", "--staff", "dr-1", "--ttl", "1h", "--scope", "read")
    assert (made.returncode, made.stderr) == (0, "")
    word = made.stdout.strip()
    command(world, "create", "--staff", "dr-2")
    (item,) = listed(world, "--staff", "dr-1")
    assert item["prefix"] == word[:12]
    assert [item[name] for name in ("staff", "scope", "state")] == ["dr-1", "read", "valid"]
    assert [item[name] for name in ("used_at", "revoked_at")] == [None, None]
    assert word not in json.dumps(item)
    assert ask(server, word).status_code == 200
    (item,) = listed(world, "--staff", "dr-1")
    assert item["used_at"] is not None
    done = command(world, "revoke", word[:12])
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "",
        f"{word[:12]} of dr-1 is revoked\n",
    )
    assert ask(server, word).status_code == 401
    assert [each["state"] for each in listed(world)] == ["valid", "revoked"]
    again = command(world, "revoke", word)
    assert (again.returncode, again.stderr) == (0, f"{word[:12]} of dr-1 had been revoked before\n")
    assert logged(world) == [
        (None, "access_given", f"dr-1 {word[:12]} read", [1]),
        (None, "access_given", f"dr-2 {listed(world)[0]['prefix']} act", [2]),
        (None, "access_taken", f"dr-1 {word[:12]}", [1]),
    ]


def test_the_table_is_for_people(world: World) -> None:
    word = world.token("dr-1", scope=Scope.READ)
    done = command(world, "ls")
    head, line = done.stdout.splitlines()
    assert head.split() == [
        *("prefix", "staff", "scope", "state", "created_at", "expires_at", "used_at"),
    ]
    assert line.split()[:4] == [word[:12], "dr-1", "read", "valid"]
    assert line.split()[-1] == "never"
    assert word not in done.stdout


def test_what_might_be_another_is_not_revoked(world: World) -> None:
    with writing(world.url) as connection:
        for n, staff in enumerate(("dr-1", "dr-2")):
            word = "dst_same" + str(n) * 40
            kept = (word, sha256(word))
            assert tokens.add(connection, staff, kept, Scope.ACT, (world.now, 2 * world.now))
    done = command(world, "revoke", "dst_same")
    assert done.returncode == 1
    assert "2 tokens begin with dst_same" in done.stderr
    assert world.rows("SELECT 1 FROM api_token WHERE revoked_at IS NOT NULL") == []


def test_what_is_long_over_is_forgotten_when_one_is_made(world: World) -> None:
    with writing(world.url) as connection:
        old, new = ((word, sha256(word)) for word in ("dst_old-one-", "dst_new-one-"))
        assert tokens.add(connection, "dr-1", old, Scope.ACT, (0, world.now))
        later = world.now + REMEMBERED_US
        assert tokens.add(connection, "dr-1", new, Scope.ACT, (later - 1, later + 1))
        assert len(tokens.listed(connection)) == 2
        newest = ("dst_newest--", sha256("dst_newest--"))
        assert tokens.add(connection, "dr-1", newest, Scope.ACT, (later, later + 1))
        assert [each.prefix for each in tokens.listed(connection)] == [newest[0], new[0]]


def test_its_use_is_written_down_once_a_minute(server: Server, world: World) -> None:
    word = world.token("dr-1")
    assert used_at(world, word) is None
    ask(server, word)
    first = used_at(world, word)
    assert first is not None
    server.later = 50 * SECOND_US
    ask(server, word)
    assert used_at(world, word) == first
    server.later = MINUTE_US + SECOND_US
    ask(server, word)
    second = used_at(world, word)
    assert second is not None
    assert second - first >= MINUTE_US


def test_nobody_waits_for_who_writes_it_down(server: Server, world: World) -> None:
    word = world.token("dr-1")
    with writing(world.url) as connection, connection.transaction():
        connection.execute("SELECT FROM api_token FOR UPDATE")
        assert ask(server, word).status_code == 200
    assert used_at(world, word) is None
    ask(server, word)
    assert used_at(world, word) is not None


def test_one_that_looks_does_nothing_else(server: Server, world: World) -> None:
    world.raise_alert(1)
    word = world.token("dr-1", scope=Scope.READ)
    assert ask(server, word, "alerts/alert-1").json()["who"]["person_name"]
    for method, path in (
        ("POST", "alerts/alert-1/acknowledge"),
        ("POST", "alerts/no-such-alert/outcome"),
        ("POST", "staff/me/notifications/test"),
        ("DELETE", "webhooks/wh-1"),
        ("GET", "alerts/alert-1/location"),
    ):
        answer = ask(server, word, path, method)
        assert (answer.status_code, answer.json()["type"]) == (
            403,
            "urn:doorstep:problem:read-token",
        ), path
    assert world.kinds() == ["raised"]
    rows = world.rows("SELECT staff, object FROM audit_log WHERE what = 'denied'")
    assert len(rows) == 5
    assert ("dr-1", "POST /api/v1/alerts/alert-1/acknowledge") in [
        (row["staff"], row["object"]) for row in rows
    ]


@pytest.mark.parametrize("scope", Scope)
def test_a_stream_ends_when_its_token_is_revoked(
    server: Server, world: World, monkeypatch: pytest.MonkeyPatch, scope: Scope
) -> None:
    monkeypatch.setattr(sse, "PING_S", 0.05)
    monkeypatch.setattr(sse, "RIGHTS_S", 0.05)
    word = world.token("dr-1", scope=scope)
    with listening(server.url, word) as stream, listening(server.url, world.token()) as other:
        stream.greeted()
        other.greeted()
        assert command(world, "revoke", word[:12]).returncode == 0
        assert list(stream) == []
        world.raise_alert(1)
        assert len(other.take(1)) == 1, "others go on"
    assert ask(server, word, "alerts/stream").status_code == 401
