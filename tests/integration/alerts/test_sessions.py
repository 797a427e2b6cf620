"""How long somebody stays signed in, and what becomes of an old hash of their password."""

from collections.abc import Iterator

import httpx
import psycopg
import pytest
from argon2 import PasswordHasher

from alerts.feeds import sse
from alerts.sessions import DEFAULT
from domain.instant import HOUR_US, MINUTE_US, SECOND_US, from_datetime
from tests.integration.alerts.world import PASSWORD, Server, World

SESSION = "/api/v1/session"


@pytest.fixture
def browser(server: Server) -> Iterator[httpx.Client]:
    """Of dr-1, who has signed in."""
    with httpx.Client(base_url=server.url, timeout=10) as client:
        sign_in(client)
        yield client


def sign_in(client: httpx.Client, password: str = PASSWORD) -> httpx.Response:
    return client.post(SESSION, json={"staff": "dr-1", "password": password})


def used_at(world: World) -> int:
    (row,) = world.rows("SELECT used_at FROM console_session")
    return from_datetime(row["used_at"])


def kept(world: World) -> str:
    (row,) = world.rows("SELECT password_hash FROM staff WHERE id = 'dr-1'")
    return str(row["password_hash"])


def test_it_ends_when_nobody_uses_it(server: Server, browser: httpx.Client) -> None:
    server.later = DEFAULT.idle_us - MINUTE_US
    assert browser.get(SESSION).status_code == 200
    server.later = 2 * DEFAULT.idle_us - 2 * MINUTE_US
    assert browser.get(SESSION).status_code == 200, "it was used in between"
    server.later = 3 * DEFAULT.idle_us - 2 * MINUTE_US
    assert browser.get(SESSION).status_code == 401


def test_it_ends_after_a_day_however_much_it_is_used(server: Server, browser: httpx.Client) -> None:
    for hours in range(0, 24, 4):
        server.later = hours * HOUR_US
        assert browser.get(SESSION).status_code == 200, hours
    server.later = DEFAULT.lasts_us - MINUTE_US
    assert browser.get(SESSION).status_code == 200
    server.later = DEFAULT.lasts_us
    assert browser.get(SESSION).status_code == 401


def test_its_use_is_written_down_once_a_minute(
    server: Server, browser: httpx.Client, world: World
) -> None:
    first = used_at(world)
    server.later = 50 * SECOND_US
    browser.get(SESSION)
    assert used_at(world) == first
    server.later = MINUTE_US + SECOND_US
    browser.get(SESSION)
    assert used_at(world) - first >= MINUTE_US


def test_a_stream_that_stays_open_uses_nothing_and_ends_with_it(
    server: Server, browser: httpx.Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A phone in a pocket may hold one for hours."""
    monkeypatch.setattr(sse, "PING_S", 0.05)
    monkeypatch.setattr(sse, "RIGHTS_S", 0.05)
    with browser.stream("GET", "/api/v1/alerts/stream") as stream:
        lines = stream.iter_lines()
        next(lines)
        first = used_at(world)
        server.later = DEFAULT.idle_us - MINUTE_US
        for _ in range(3):
            assert next(line for line in lines if line.startswith(":"))
        assert used_at(world) == first
        server.later = DEFAULT.idle_us + MINUTE_US
        assert not [line for line in lines if line.startswith("data")], "it comes to its end"
    assert browser.get(SESSION).status_code == 401


def test_what_nobody_uses_is_forgotten_at_the_next_sign_in(
    server: Server, browser: httpx.Client, world: World
) -> None:
    server.later = DEFAULT.idle_us + MINUTE_US
    sign_in(browser)
    assert len(world.rows("SELECT 1 FROM console_session")) == 1


def test_a_hash_that_has_become_weak_is_made_anew_at_a_sign_in(
    server: Server, world: World
) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with psycopg.connect(world.url) as connection:
        connection.execute("UPDATE staff SET password_hash = %s", [weak])
    with httpx.Client(base_url=server.url, timeout=10) as client:
        assert sign_in(client, "wrong").status_code == 401
        assert kept(world) == weak, "only of the right one can there be a new hash"
        assert sign_in(client).status_code == 200
        strong = kept(world)
        assert "$m=19456,t=2,p=1$" in strong
        assert sign_in(client).status_code == 200
        assert kept(world) == strong, "and then no more"


def test_a_password_that_was_set_meanwhile_is_not_overwritten(server: Server, world: World) -> None:
    before = kept(world)
    server.access.rehash("dr-1", "another hash", "a third")
    assert kept(world) == before
    server.access.rehash("dr-1", before, "a third")
    assert kept(world) == "a third"
