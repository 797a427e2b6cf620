"""The event stream: everything once, in order, to those who may, for as long as they may."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from alerts.api.shapes import ChangeShape
from alerts.api.shapes_canary import CanaryShape
from alerts.canary import Canary
from alerts.feeds import sse
from rules.finding import Rule, Severity
from store.canaries import keep
from tests.integration.alerts.listening import listening
from tests.integration.alerts.world import Server, World, began, ended, leaks, worsened


def stir(world: World, n: int, rounds: int) -> None:
    """Raises, clears and ends a routine alert of one person, again and again: three events each."""
    for number in range(rounds):
        onset = -1_000 + number * 10
        found = world.finding(n, onset, severity=Severity.ROUTINE, rule=Rule.SILENT)
        world.record(began(found), ended(found, onset + 5))


def log_of(world: World, *grids: str) -> list[int]:
    rows = world.rows(
        "SELECT event_id FROM alert_event JOIN grid USING (grid_no) WHERE id = ANY(%s)"
        " ORDER BY event_id",
        list(grids),
    )
    return [row["event_id"] for row in rows]


def test_what_happens_is_heard_at_once(server: Server, world: World) -> None:
    with listening(server.url, world.token()) as stream:
        assert stream.answer.headers["content-type"].startswith("text/event-stream")
        assert stream.answer.headers["cache-control"] == "no-store"
        assert stream.answer.headers["x-accel-buffering"] == "no"
        stream.greeted()
        began_at = time.monotonic()
        world.raise_alert(1)
        (heard,) = stream.take(1)
        assert time.monotonic() - began_at < 1.0
        assert (heard.id, heard.event) == (1, "alert")
        assert {*heard.data} == {"type", "before", "after"}
        ChangeShape.model_validate(heard.data)
        assert (heard.data["type"], heard.data["before"]) == ("new", None)
        found = world.finding(1)
        world.record(worsened(found))
        (heard,) = stream.take(1)
        assert heard.data["type"] == "update"
        assert heard.data["before"]["severity"] == "urgent"
        assert heard.data["after"]["severity"] == "critical"
        assert not leaks(str(heard))


def test_it_starts_now_and_can_be_resumed_from_there(server: Server, world: World) -> None:
    world.raise_alert(1)
    with listening(server.url, world.token()) as stream:
        stream.greeted()
        last_id = stream.last_id
    assert last_id == "1"
    world.raise_alert(4)
    with listening(server.url, world.token(), last_id) as stream:
        (heard,) = stream.take(1)
        assert heard.id == 2


def test_from_zero_it_tells_everything(server: Server, world: World) -> None:
    world.record(*(began(world.finding(n)) for n in (1, 2, 3, 4)))
    with listening(server.url, world.token("sup-1"), 0) as stream:
        assert [heard.id for heard in stream.take(3)] == [1, 2, 4]
    with listening(server.url, world.token("sup-1"), query="?last_event_id=2") as stream:
        assert [heard.id for heard in stream.take(1)] == [4]


def test_one_grid_can_be_chosen(server: Server, world: World) -> None:
    world.record(*(began(world.finding(n)) for n in (1, 2, 3, 4)))
    with listening(server.url, world.token("sup-1"), 0, "?grid=grid-2") as stream:
        stream.greeted()
        world.record(worsened(world.finding(1)), worsened(world.finding(2)))
        assert [heard.data["after"]["grid"] for heard in stream.take(2)] == ["grid-2", "grid-2"]


@pytest.mark.parametrize("last_id", ["x", "-1", "1.5", "9" * 19, "１"])
def test_an_id_that_is_none_of_ours_is_refused(server: Server, world: World, last_id: str) -> None:
    headers = {"Authorization": f"Bearer {world.token()}"}
    answer = httpx.get(
        f"{server.url}/api/v1/alerts/stream",
        params={"last_event_id": last_id},
        headers=headers,
    )
    assert answer.status_code == 422


def test_an_id_from_the_future_starts_now(server: Server, world: World) -> None:
    """A database that was restored from a copy has forgotten some events."""
    with listening(server.url, world.token(), 1_000) as stream:
        stream.greeted()
        world.raise_alert(1)
        assert [heard.id for heard in stream.take(1)] == [1]


def test_every_event_once_in_order_however_often_it_breaks(server: Server, world: World) -> None:
    """Four writers commit at once while clients hang up and resume at random."""
    rounds = 12
    grids = {"dr-1": ("grid-1",), "sup-1": ("grid-1", "grid-2")}
    wanted = {"dr-1": 2 * rounds * 3, "sup-1": 3 * rounds * 3}

    def client(seed: int, staff: str) -> list[int]:
        chance, token = random.Random(seed), world.token(staff)
        got = [0]
        while len(got) <= wanted[staff]:
            most = min(chance.randint(1, 20), wanted[staff] + 1 - len(got))
            with listening(server.url, token, got[-1]) as stream:
                got += [heard.id for heard in stream.take(most)]
        return got[1:]

    with ThreadPoolExecutor(10) as threads:
        clients = [
            (staff, threads.submit(client, seed, staff))
            for seed, staff in enumerate(("dr-1", "sup-1", "dr-1", "sup-1"))
        ]
        writers = [threads.submit(stir, world, n, rounds) for n in (1, 2, 3, 4)]
        for writer in writers:
            writer.result()
        for staff, each in clients:
            assert each.result() == log_of(world, *grids[staff])


def test_it_ends_when_the_token_is_revoked(
    server: Server, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "PING_S", 0.05)
    monkeypatch.setattr(sse, "RIGHTS_S", 0.05)
    with listening(server.url, world.token()) as stream:
        stream.greeted()
        with psycopg.connect(world.url) as connection:
            connection.execute("UPDATE api_token SET revoked_at = created_at")
        assert list(stream) == []


def test_it_ends_when_a_grid_is_taken_away(
    server: Server, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "PING_S", 0.05)
    monkeypatch.setattr(sse, "RIGHTS_S", 0.05)
    with listening(server.url, world.token("sup-1")) as stream:
        stream.greeted()
        with psycopg.connect(world.url) as connection:
            connection.execute("DELETE FROM staff_community")
        assert list(stream) == []


def test_the_promised_pace() -> None:
    assert sse.PING_S == 15
    assert sse.RIGHTS_S + sse.PING_S <= 60


def test_nobody_is_left_behind_when_clients_go(server: Server, world: World) -> None:
    for _ in range(5):
        with listening(server.url, world.token()) as stream:
            stream.greeted()
    deadline = time.monotonic() + 5
    while server.dispatcher.listening and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.dispatcher.listening == 0


def test_a_database_that_goes_and_comes_back_costs_no_event(server: Server, world: World) -> None:
    with listening(server.url, world.token()) as stream:
        stream.greeted()
        world.raise_alert(1)
        stream.take(1)
        with psycopg.connect(world.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        world.raise_alert(4)
        assert [heard.id for heard in stream.take(1)] == [2]


def test_canaries_are_for_those_who_ask_and_move_nothing(server: Server, world: World) -> None:
    def fly() -> None:
        with psycopg.connect(world.url) as connection, connection.cursor() as cursor:
            rows = cursor.execute("SELECT grid_no FROM grid ORDER BY id").fetchall()
            keep(cursor, [Canary(no, "mark", world.now) for (no,) in rows], world.now)

    token = world.token("dr-1")
    with (
        listening(server.url, token, query="?canary=true") as asking,
        listening(server.url, token) as plain,
    ):
        asking.greeted()
        plain.greeted()
        fly()
        name, told = asking.block()
        CanaryShape.model_validate(told)
        assert (name, told["grid"], asking.last_id) == ("canary", "grid-1", "0")
        world.raise_alert(1)
        (heard,) = plain.take(1)
        assert heard.id == 4
        assert asking.block()[0] == "alert"
