"""People under care, their vitals, and what did not become a reading."""

from dataclasses import replace
from typing import Any

import httpx
import psycopg
import pytest

from alerts.api.shapes import EpisodesShape, ReadingsShape, RejectionsShape
from domain.instant import format_rfc3339, to_datetime
from rules.finding import Rule, SiteClass
from store.rulebooks import take_up
from tests.integration.alerts.readings import store_readings
from tests.integration.alerts.world import CANARIES, NOW, World, began, leaks, minute

E1 = "/api/v1/episodes/e-1"
METRE = 1 / 110_895.0
"""In degrees of latitude at 32 N."""


def test_the_list_is_without_names(client: httpx.Client, world: World) -> None:
    store_readings(world, 1, [(-5, 3600, 0.0), (-3, 3600, 0.0)])
    world.raise_alert(1)
    answer = client.get("/api/v1/episodes")
    page = EpisodesShape.model_validate(answer.json())
    assert [(item.id, item.grid) for item in page.items] == [("e-1", "grid-1"), ("e-4", "grid-1")]
    first = page.items[0]
    assert (first.person, first.building, first.devices) == ("p-1", "1", ["w-1"])
    assert first.alerts_not_closed == 1
    assert answer.json()["items"][0]["last_measured_at"] == format_rfc3339(minute(-3))
    assert page.items[1].last_measured_at is None
    assert not leaks(answer.text)


def test_where_people_are_is_home_away_or_unknown(client: httpx.Client, world: World) -> None:
    store_readings(world, 1, [(-5, 3600, 0.0)])
    one, other = client.get("/api/v1/episodes").json()["items"]
    assert (one["presence"], one["presence_at"]) == ("home", format_rfc3339(minute(-5)))
    assert (other["presence"], other["presence_at"], other["on_leave"]) == ("unknown", None, False)
    world.record(began(world.finding(1, rule=Rule.LEFT_HOME)))
    said = client.get(E1)
    assert said.json()["presence"] == "away"
    assert "32.06" not in said.text
    world.record(began(world.finding(1, rule=Rule.SILENT)))
    assert client.get(E1).json()["presence"] == "unknown"


def presence(client: httpx.Client) -> str:
    return str(client.get("/api/v1/episodes").json()["items"][0]["presence"])


def test_who_is_outside_is_not_at_home_before_it_is_a_finding(
    client: httpx.Client, world: World
) -> None:
    store_readings(world, 1, [(-5, 3600, 90 * METRE)])
    assert presence(client) == "unknown"
    world.rows("UPDATE reading SET near_home = true RETURNING 1")
    assert presence(client) == "home"
    # The beacon counts for two minutes.
    store_readings(world, 1, [(-3, 3600, 90 * METRE)])
    assert presence(client) == "home"
    store_readings(world, 1, [(-2, 3600, 90 * METRE)])
    assert presence(client) == "unknown"


def test_a_fix_that_says_nothing_is_passed_over(client: httpx.Client, world: World) -> None:
    store_readings(world, 1, [(-5, 3600, 0.0), (-4, 3600, 9000 * METRE)])
    world.rows(
        "UPDATE reading SET accuracy_dm = 5001 WHERE measured_at = %s RETURNING 1",
        to_datetime(minute(-4)),
    )
    assert presence(client) == "home"


def test_the_figures_are_those_of_the_rulebook_in_force(client: httpx.Client, world: World) -> None:
    store_readings(world, 1, [(-5, 3600, 90 * METRE)])
    wide = {"version": "wide", "left_home": {"buffer_m": 40}}
    with psycopg.connect(world.url) as connection:
        take_up(connection, wide, NOW - 1)
    assert presence(client) == "home"


def test_a_pin_in_another_datum_says_nothing_of_where_somebody_is(
    client: httpx.Client, world: World
) -> None:
    store_readings(world, 1, [(-5, 3600, 0.0)])
    fault = world.finding(1, rule=Rule.DEVICE_FAULT)
    world.record(began(replace(fault, key=replace(fault.key, site_class=SiteClass.HOME))))
    assert presence(client) == "unknown"


def test_its_pages_follow_each_other(client: httpx.Client) -> None:
    first = client.get("/api/v1/episodes?limit=1").json()
    second = client.get(f"/api/v1/episodes?limit=1&cursor={first['next']}").json()
    assert [item["id"] for item in first["items"] + second["items"]] == ["e-1", "e-4"]
    assert second["next"] is None


def test_one_says_who_it_is(client: httpx.Client) -> None:
    said = client.get(E1).json()
    assert (said["person_name"], said["phone"], said["address"]) == CANARIES
    assert (said["birth_year"], said["flags"]) == (1950, ["lives_alone"])


def test_readings_are_shown_as_distances_and_not_as_positions(
    client: httpx.Client, world: World
) -> None:
    store_readings(world, 1, [(-2, 3655, 140 * METRE), (-1, 3660, 0.0)])
    answer = client.get(f"{E1}/readings")
    ReadingsShape.model_validate(answer.json())
    first, second = answer.json()["items"]
    assert first == {
        "at": format_rfc3339(minute(-2)),
        "received_at": format_rfc3339(minute(-2)),
        "device": "w-1",
        "temperature_c": 36.55,
        "site": "axillary",
        "pulse_bpm": 70,
        "distance_m": pytest.approx(140, abs=0.3),
        "accuracy_m": 10.0,
    }
    assert second["distance_m"] == 0
    assert "118.79" not in answer.text
    assert '"lat' not in answer.text


def test_a_window_is_half_open_and_the_last_day_by_default(
    client: httpx.Client, world: World
) -> None:
    store_readings(world, 1, [(-1500, 3600, 0.0), (-60, 3601, 0.0), (-30, 3602, 0.0)])

    def temperatures(**query: str) -> list[float]:
        items = client.get(f"{E1}/readings", params=query).json()["items"]
        return [item["temperature_c"] for item in items]

    at = {n: format_rfc3339(minute(n)) for n in (-1500, -60, -30)}
    assert temperatures() == [36.01, 36.02]
    assert temperatures(**{"from": at[-60], "to": at[-30]}) == [36.01]
    assert temperatures(**{"from": at[-1500]}) == [36.0, 36.01, 36.02]
    assert temperatures(**{"from": "2026-02-03T11:05:06+08:00"}) == [36.01, 36.02]


def test_pages_of_readings_follow_each_other(client: httpx.Client, world: World) -> None:
    store_readings(world, 1, [(-n // 3, 3600 + n, 0.0) for n in range(30)])
    for step in (0, 120):
        got: list[Any] = []
        query: dict[str, Any] = {"limit": 4, "step": step}
        while True:
            page = client.get(f"{E1}/readings", params=query).json()
            got += page["items"]
            if page["next"] is None:
                break
            query["cursor"] = page["next"]
        whole = client.get(f"{E1}/readings", params={"step": step}).json()["items"]
        assert got == whole
        assert len(got) > 4


def test_a_bucket_has_the_highest_the_mean_and_the_last(client: httpx.Client, world: World) -> None:
    base = (NOW // 300_000_000 * 300_000_000 - NOW) / 60_000_000 - 10
    rows = [
        (base, 3650, 0.0),
        (base + 1, 3790, 300 * METRE),
        (base + 2, 3660, 100 * METRE),
        (base + 6, 3670, 0.0),
    ]
    store_readings(world, 1, rows)
    first, second = client.get(f"{E1}/readings?step=300").json()["items"]
    assert first["at"] == format_rfc3339(minute(base))
    assert (first["temperature_c"], first["pulse_bpm"], first["count"]) == (37.9, 70, 3)
    assert first["distance_m"] == pytest.approx(100, abs=0.3)
    assert (second["temperature_c"], second["count"]) == (36.7, 1)


def test_readings_that_cannot_be_asked_for(client: httpx.Client) -> None:
    for query in (
        {"from": "yesterday"},
        {"from": "2026-02-03T04:05:06"},
        {"from": "2026-02-03T04:05:06Z", "to": "2026-02-03T04:05:05Z"},
        {"from": "2020-01-01T00:00:00Z"},
        {"to": "9999-12-31T23:59:59-12:00"},
        {"step": "-1"},
        {"step": "x"},
        {"limit": "5001"},
        {"cursor": "x"},
        {"cursor": "WzEsIDk5OTk5OTk5OTk5LCAiMSJd"},
    ):
        answer = client.get(f"{E1}/readings", params=query)
        assert answer.status_code == 422, query
        assert answer.headers["content-type"] == "application/problem+json"


def reject(world: World, content: bytes, device: str | None) -> None:
    with psycopg.connect(world.url) as connection:
        at = to_datetime(NOW)
        connection.execute(
            "INSERT INTO rejected_message VALUES (%s, %s, %s, %s, 3, %s, %s, %s, 2, 1)",
            [content, f"doorstep/v1/devices/{device}/readings", device, b"{x}", content, at, at],
        )
        connection.execute(
            "INSERT INTO rejection VALUES (%s, -1, 'not_json', '', 'at 1', false, 1),"
            " (%s, 2, 'out_of_range', '/pulse_bpm', '400', true, 1)",
            [content, content],
        )


def test_rejections_say_what_and_why(client: httpx.Client, world: World) -> None:
    reject(world, b"\x01" * 32, "w-1")
    reject(world, b"\x02" * 32, "w-2")
    reject(world, b"\x03" * 32, "stranger")
    answer = client.get("/api/v1/rejections?device=w-1")
    page = RejectionsShape.model_validate(answer.json())
    (item,) = page.items
    assert (item.device_id, item.times, item.payload_bytes) == ("w-1", 2, 3)
    assert item.reasons == [
        {"item": None, "reason": "not_json", "pointer": "", "detail": "at 1", "rest_stored": False},
        {
            "item": 2,
            "reason": "out_of_range",
            "pointer": "/pulse_bpm",
            "detail": "400",
            "rest_stored": True,
        },
    ]
    whole = client.get("/api/v1/rejections").json()["items"]
    assert [each["device_id"] for each in whole] == ["w-1", "stranger"]
    first = client.get("/api/v1/rejections?limit=1").json()
    second = client.get(f"/api/v1/rejections?limit=1&cursor={first['next']}").json()
    assert first["items"] + second["items"] == whole
    assert client.get("/api/v1/rejections?device=stranger").json()["items"] == whole[1:]
    assert client.get("/api/v1/rejections?device=w-2").status_code == 404
    assert client.get("/api/v1/rejections?cursor=zz").status_code == 422
