"""Where the service is blind, as staff are told: gaps of their devices, signals about ourselves."""

from typing import Any

import httpx
import psycopg
import pytest

from alerts.api.shapes import GapsShape, SignalsShape
from domain.instant import DAY_US, HOUR_US, SECOND_US, format_rfc3339, to_datetime
from tests.integration.alerts.asking import problem
from tests.integration.alerts.listening import listening
from tests.integration.alerts.world import NOW, Server, World, minute

GAPS = "/api/v1/gaps"
SIGNALS = "/api/v1/signals"
REAL = 60
"""Seconds of the service's clock in a real one: the server under test runs a demonstration's."""


def as_(world: World, staff: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {world.token(staff)}"}


def items(client: httpx.Client, path: str, **given: Any) -> list[dict[str, Any]]:
    answer = client.get(path, **given)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def all_pages(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    got: list[dict[str, Any]] = []
    query: dict[str, str] = {"limit": "2"}
    while True:
        page = client.get(path, params=query).json()
        assert len(page["items"]) <= 2
        got += page["items"]
        if page["next"] is None:
            return got
        query["cursor"] = page["next"]


def wear(world: World, device: int, episode: int, begin: int, end: int | None = None) -> None:
    """Minutes since NOW; ends what it was worn in before."""
    with psycopg.connect(world.url) as connection:
        connection.execute(
            "UPDATE assignment SET to_at = %s FROM device d WHERE d.id = %s"
            " AND d.device_no = assignment.device_no AND to_at IS NULL",
            [to_datetime(minute(begin)), f"w-{device}"],
        )
        connection.execute(
            "INSERT INTO assignment SELECT device_no, episode_no, %s, %s FROM device, episode"
            " WHERE device.id = %s AND episode.id = %s",
            [
                to_datetime(minute(begin)),
                None if end is None else to_datetime(minute(end)),
                f"w-{device}",
                f"e-{episode}",
            ],
        )


def record(world: World, kind: str, began: float, ended: float | None, detail: str = "") -> None:
    with psycopg.connect(world.url) as connection:
        connection.execute(
            "INSERT INTO signal (kind, began_at, ended_at, detail) VALUES (%s, %s, %s, %s)",
            [
                kind,
                to_datetime(minute(began)),
                None if ended is None else to_datetime(minute(ended)),
                detail,
            ],
        )


class TestGaps:
    def test_a_gap_says_which_numbers_of_which_boot(
        self, client: httpx.Client, world: World
    ) -> None:
        world.gap(1, 1003, 1004)
        world.gap(4, 7, 7, minute(-3), boot=None)
        answer = client.get(GAPS)
        GapsShape.model_validate(answer.json())
        assert answer.json()["items"] == [
            {
                "device": "w-1",
                "boot": "a1",
                "from": 1003,
                "to": 1004,
                "noticed_at": format_rfc3339(NOW),
            },
            {
                "device": "w-4",
                "boot": None,
                "from": 7,
                "to": 7,
                "noticed_at": format_rfc3339(minute(-3)),
            },
        ]

    def test_a_device_is_in_the_grid_where_it_is_worn(
        self, client: httpx.Client, world: World
    ) -> None:
        for n in (1, 2, 3, 4, 5):
            world.gap(n, n, n)
        for staff, seen in (
            ("dr-1", ["w-1", "w-4"]),
            ("dr-2", ["w-2"]),
            ("sup-1", ["w-1", "w-2", "w-4"]),
            ("audit-2", ["w-3"]),
            ("nobody", []),
        ):
            found = items(client, GAPS, headers=as_(world, staff))
            assert [item["device"] for item in found] == seen, staff

    def test_it_moves_with_the_one_who_wears_it(self, client: httpx.Client, world: World) -> None:
        world.gap(1, 1, 1)
        wear(world, 1, episode=2, begin=-30, end=-10)
        wear(world, 1, episode=3, begin=10)
        assert items(client, f"{GAPS}?device=w-1", headers=as_(world, "dr-2"))
        for staff in ("dr-1", "dr-3"):
            answer = client.get(f"{GAPS}?device=w-1", headers=as_(world, staff))
            problem(answer, 404)
            assert items(client, GAPS, headers=as_(world, staff)) == []

    def test_one_device(self, client: httpx.Client, world: World) -> None:
        world.gap(1, 1, 2)
        world.gap(4, 3, 4)
        assert [item["from"] for item in items(client, f"{GAPS}?device=w-4")] == [3]

    def test_foreign_and_unknown_devices_are_not_there(self, client: httpx.Client) -> None:
        said = [
            problem(client.get(f"{GAPS}?device={device}"), 404)
            for device in ("w-2", "w-5", "stranger")
        ]
        assert said[0] == said[1] == said[2]
        assert items(client, f"{GAPS}?device=w-1") == []

    def test_pages_follow_each_other(self, client: httpx.Client, world: World) -> None:
        for n, boot in ((4, "b"), (1, "a1"), (1, None), (1, "zz")):
            for low in (5, 1, 3):
                world.gap(n, low, low, boot=boot)
        whole = items(client, GAPS)
        assert len(whole) == 12
        assert all_pages(client, GAPS) == whole

    @pytest.mark.parametrize(
        "query",
        [
            "cursor=x",
            "cursor=1.2",
            "cursor=1.2.-3",
            "cursor=99999999999.1.1",
            "cursor=1.1.99999999999999999999",
            "limit=0",
            "limit=501",
        ],
    )
    def test_what_cannot_be_asked(self, client: httpx.Client, query: str) -> None:
        problem(client.get(f"{GAPS}?{query}"), 422, "invalid")


class TestSignals:
    @pytest.fixture(autouse=True)
    def well(self, world: World) -> None:
        world.heartbeat(NOW)

    def test_all_is_well(self, client: httpx.Client) -> None:
        answer = client.get(SIGNALS)
        assert answer.json() == {"items": [], "next": None}

    def test_an_old_heartbeat_is_blindness_to_everybody(
        self, client: httpx.Client, world: World
    ) -> None:
        at = NOW - 31 * REAL * SECOND_US
        world.heartbeat(at)
        for staff in ("dr-1", "sup-1", "admin-1", "audit-2", "nobody"):
            answer = client.get(f"{SIGNALS}?active=true", headers=as_(world, staff))
            SignalsShape.model_validate(answer.json())
            (item,) = answer.json()["items"]
            assert (item["kind"], item["active"]) == ("blind", True)
            assert item["since"] == format_rfc3339(at)
        assert 'doorstep_signal{kind="blind"} 1.0' in client.get("/metrics").text
        assert items(client, f"{SIGNALS}?active=false") == []
        world.heartbeat(NOW - 29 * REAL * SECOND_US)
        assert items(client, SIGNALS) == []
        assert 'doorstep_signal{kind="blind"} 0.0' in client.get("/metrics").text

    def test_ingestion_that_never_ran(self, client: httpx.Client, world: World) -> None:
        world.heartbeat(None)
        answer = client.get(SIGNALS).json()
        SignalsShape.model_validate(answer)
        assert [(item["kind"], item["since"]) for item in answer["items"]] == [("blind", None)]

    def test_what_ingestion_wrote_and_what_is_over(
        self, client: httpx.Client, world: World
    ) -> None:
        record(world, "stalled", -60, -50, "the database did not answer")
        record(world, "session_lost", -30, 30, "the broker forgot us")
        record(world, "rejections", -20, None, "half of all messages")
        answer = client.get(SIGNALS)
        SignalsShape.model_validate(answer.json())
        assert [(item["kind"], item["active"]) for item in answer.json()["items"]] == [
            ("rejections", True),
            ("session_lost", True),
            ("stalled", False),
        ]
        assert answer.json()["items"][2] == {
            "kind": "stalled",
            "active": False,
            "since": format_rfc3339(minute(-60)),
            "until": format_rfc3339(minute(-50)),
            "detail": "the database did not answer",
        }
        for word, kinds in (("true", ["rejections", "session_lost"]), ("false", ["stalled"])):
            found = items(client, f"{SIGNALS}?active={word}", headers=as_(world, "nobody"))
            assert [item["kind"] for item in found] == kinds

    def test_one_about_some_grids_is_theirs(self, client: httpx.Client, world: World) -> None:
        with psycopg.connect(world.url) as connection:
            connection.execute(
                "INSERT INTO signal (kind, began_at, detail, subject, grid_nos)"
                " SELECT 'undeliverable', %s, 'why', 'feed:' || id, ARRAY[grid_no] FROM grid",
                [to_datetime(minute(-5))],
            )
        for staff, seen in (("dr-2", ["grid-2"]), ("sup-1", ["grid-2", "grid-1"]), ("nobody", [])):
            found = items(client, SIGNALS, headers=as_(world, staff))
            assert [item["subject"] for item in found] == [f"feed:{grid}" for grid in seen]
        assert 'doorstep_signal{kind="undeliverable"} 1.0' in client.get("/metrics").text

    def test_those_who_listen_are_told_what_stands_begins_and_ends(
        self, server: Server, world: World
    ) -> None:
        record(world, "stalled", -5, None, "the database did not answer")
        with listening(server.url, world.token()) as stream:
            stream.greeted()
            stream.until_signal("stalled", active=True)
            with psycopg.connect(world.url) as connection:
                connection.execute("UPDATE signal SET ended_at = %s", [to_datetime(NOW)])
            stream.until_signal("stalled", active=False)
            assert [heard["kind"] for heard in stream.signals].count("stalled") == 2
        SignalsShape.model_validate({"items": stream.signals, "next": None})

    def test_a_device_with_gaps_is_one_signal_to_those_who_look_after_it(
        self, client: httpx.Client, world: World
    ) -> None:
        noticed_at = NOW - HOUR_US
        world.gap(1, 1003, 1004, noticed_at)
        world.gap(1, 5, 5, noticed_at + 1, boot="b")
        world.gap(1, 9, 9, noticed_at + 2)
        world.gap(2, 1, 1, noticed_at)
        assert items(client, SIGNALS) == [
            {
                "kind": "gap",
                "active": True,
                "since": format_rfc3339(noticed_at),
                "until": None,
                "detail": "1,003-1,004 and 2 more ranges missing",
                "device": "w-1",
            }
        ]
        assert items(client, SIGNALS, headers=as_(world, "nobody")) == []
        assert len(items(client, SIGNALS, headers=as_(world, "sup-1"))) == 2
        assert items(client, f"{SIGNALS}?active=false") == []
        assert 'doorstep_signal{kind="gap"} 1.0' in client.get("/metrics").text

    def test_a_gap_that_may_close_or_never_will_is_no_signal(
        self, client: httpx.Client, world: World
    ) -> None:
        world.gap(1, 1, 1, NOW - 9 * REAL * SECOND_US)
        world.gap(1, 3, 3, NOW - DAY_US)
        assert items(client, SIGNALS) == []
        assert len(items(client, GAPS)) == 2
        assert 'doorstep_signal{kind="gap"} 0.0' in client.get("/metrics").text
        world.gap(1, 5, 5, NOW - 11 * REAL * SECOND_US)
        (item,) = items(client, SIGNALS)
        assert item["detail"] == "5 missing"

    def test_pages_of_all_sources_follow_each_other(
        self, client: httpx.Client, world: World
    ) -> None:
        for n in (1, 4):
            world.gap(n, 1, 1, minute(-60))
        for began in (-70, -60, -60, -50):
            record(world, "session_lost", began, -40, f"at {began}")
        world.heartbeat(minute(-60))
        whole = items(client, SIGNALS)
        assert len(whole) == 7
        assert all_pages(client, SIGNALS) == whole
        assert [item["since"] for item in whole] == sorted(
            (item["since"] for item in whole), reverse=True
        )

    @pytest.mark.parametrize(
        "query", ["active=maybe", "cursor=x", "cursor=1.q", "limit=0", "limit=501"]
    )
    def test_what_cannot_be_asked(self, client: httpx.Client, query: str) -> None:
        problem(client.get(f"{SIGNALS}?{query}"), 422, "invalid")

    def test_who_says_nothing_of_themselves_is_told_nothing(self, server: Server) -> None:
        for path in (GAPS, SIGNALS):
            problem(httpx.get(server.url + path), 401, "not-signed-in")
