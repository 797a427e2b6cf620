"""The daily report of a real database over HTTP."""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import httpx
import psycopg
import pytest

from alerts.api.shapes_report import ReportShape
from domain.instant import DAY_US, SECOND_US, parse_rfc3339, to_datetime
from rules.finding import Rule, Severity
from tests.integration.alerts.asking import post, problem
from tests.integration.alerts.readings import store_readings
from tests.integration.alerts.world import NOW, STAFF, Server, World, began, ended, leaks

DAILY = "/api/v1/reports/daily"
TODAY = "2026-02-03"
MIDNIGHT = parse_rfc3339("2026-02-02T16:00:00Z")

Asking = Callable[[str], httpx.Client]


@pytest.fixture
def asking(server: Server, world: World) -> Iterator[Asking]:
    """As any member of staff."""
    clients: list[httpx.Client] = []

    def client(staff: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {world.token(staff)}"}
        clients.append(httpx.Client(base_url=server.url, headers=headers, timeout=10))
        return clients[-1]

    yield client
    for each in clients:
        each.close()


def report(client: httpx.Client, **query: str) -> dict[str, Any]:
    answer = client.get(DAILY, params=query)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    ReportShape.model_validate(said)
    return said


@contextmanager
def at(server: Server, now: int) -> Iterator[None]:
    was, server.now = server.now, now
    yield
    server.now = was


def step(world: World, batch: int, now: int, receive_clock_us: int) -> None:
    """A row of the journal."""
    with psycopg.connect(world.url) as connection:
        connection.execute(
            "INSERT INTO journal VALUES (0, %s, 1, 'tick', %s, %s, 1, 'r', 0, 0, 0)",
            [batch, to_datetime(now), receive_clock_us],
        )


def test_a_day_of_alerts(client: httpx.Client, world: World, server: Server) -> None:
    world.record(began(world.finding(1)), now=NOW)
    world.record(began(world.finding(4, severity=Severity.CRITICAL)), now=NOW)
    world.record(began(world.finding(1, rule=Rule.NOT_WORN, severity=Severity.ROUTINE)), now=NOW)
    with at(server, NOW + 60 * SECOND_US):
        post(client, "alert-1", "acknowledge")
    with at(server, NOW + 300 * SECOND_US):
        post(client, "alert-2", "acknowledge")
    with at(server, NOW + 600 * SECOND_US):
        post(client, "alert-1", "visit")
        post(client, "alert-1", "outcome", {"outcome": "no_answer"})
    with at(server, NOW + 900 * SECOND_US):
        post(client, "alert-1", "visit")
        post(client, "alert-1", "outcome", {"outcome": "well", "temperature_c": 39.0})
    with at(server, NOW + 1_000 * SECOND_US):
        said = report(client)
    assert (said["date"], said["complete"]) == (TODAY, False)
    assert said["as_of"] == "2026-02-03T04:21:46.000001Z"
    assert said["grids"] == [
        {
            "grid": "grid-1",
            "timezone": "Asia/Shanghai",
            "from": "2026-02-02T16:00:00Z",
            "to": "2026-02-03T04:21:46.000001Z",
        }
    ]
    alerts = said["alerts"]
    assert alerts["raised"] == [
        {"rule": "fever", "routine": 0, "urgent": 1, "critical": 1},
        {"rule": "not_worn", "routine": 1, "urgent": 0, "critical": 0},
    ]
    assert alerts["acknowledged"] == [
        {"severity": "urgent", "count": 1, "median_s": 60, "p90_s": 60},
        {"severity": "critical", "count": 1, "median_s": 300, "p90_s": 300},
    ]
    assert alerts["visited"] == [{"severity": "urgent", "count": 1, "median_s": 600, "p90_s": 600}]
    assert alerts["outcomes"] == [
        {"rule": "fever", "outcome": "well", "count": 1},
        {"rule": "fever", "outcome": "no_answer", "count": 1},
    ]
    assert alerts["verdicts"] == [{"rule": "fever", "confirmed": 0, "false": 1, "unknown": 0}]
    assert alerts["open"] == {"routine": 1, "urgent": 0, "critical": 1}
    assert said["people"]["under_care"] == 2
    assert {each["age"]: each["people"] for each in said["people"]["by_age"]}["65-79"] == "<5"


def test_what_happened_counts_on_its_own_day_and_a_past_day_stays(
    client: httpx.Client, world: World, server: Server
) -> None:
    world.record(began(world.finding(1)), now=MIDNIGHT - SECOND_US)
    with at(server, MIDNIGHT + 60 * SECOND_US):
        post(client, "alert-1", "acknowledge")
    yesterday = report(client, date="2026-02-02")
    assert yesterday["complete"] is True
    assert yesterday["alerts"]["raised"][0]["urgent"] == 1
    assert yesterday["alerts"]["acknowledged"] == []
    assert yesterday["alerts"]["open"]["urgent"] == 1
    today = report(client, date=TODAY)
    assert today["alerts"]["raised"] == []
    assert today["alerts"]["acknowledged"][0]["median_s"] == 61
    post(client, "alert-1", "outcome", {"outcome": "confirmed_fever"})
    assert report(client, date="2026-02-02") == yesterday
    assert report(client, date=TODAY)["alerts"]["verdicts"][0]["confirmed"] == 1


def test_a_worse_alert_was_open_as_it_stood_then(client: httpx.Client, world: World) -> None:
    found = world.finding(1)
    world.record(began(found), now=MIDNIGHT - SECOND_US)
    with psycopg.connect(world.url) as connection:
        connection.execute("UPDATE alert SET severity = 'critical'")
    said = report(client, date="2026-02-02")
    assert said["alerts"]["open"] == {"routine": 0, "urgent": 1, "critical": 0}


def test_what_was_taken_back_does_not_count(client: httpx.Client, world: World) -> None:
    world.raise_alert(1)
    for deed in ("acknowledge", "undo", "acknowledge"):
        assert post(client, "alert-1", deed).status_code == 200
    post(client, "alert-1", "outcome", {"outcome": "well"})
    assert report(client)["alerts"]["verdicts"] != []
    assert post(client, "alert-1", "undo").status_code == 200
    alerts = report(client)["alerts"]
    assert (alerts["outcomes"], alerts["verdicts"]) == ([], [])
    assert alerts["acknowledged"][0]["count"] == 1
    assert alerts["open"]["urgent"] == 1
    assert alerts["raised"] != []
    accuracy = client.get("/api/v1/rules/accuracy").json()
    assert accuracy["items"] == []


def test_where_people_were_and_who_was_silent(
    client: httpx.Client, world: World, server: Server
) -> None:
    store_readings(world, 1, [(-1, 3650, 0.0)])
    store_readings(world, 4, [(-1, 3650, 0.02)])
    world.record(began(world.finding(4, onset=-5, rule=Rule.LEFT_HOME)))
    presence = report(client)["presence"]
    assert presence == {"home": 1, "away": 1, "unknown": 0, "on_leave": 0, "silent": 0}
    silence = world.finding(1, onset=-1, rule=Rule.SILENT)
    world.record(began(silence))
    assert report(client)["presence"]["silent"] == 1
    assert report(client)["presence"]["unknown"] == 1
    world.record(ended(silence, 2))
    with at(server, NOW + 3 * DAY_US):
        # As it was when that day ended: nothing had been heard of either for hours.
        said = report(client, date=TODAY)
    assert said["complete"] is True
    assert (said["presence"]["home"], said["presence"]["unknown"]) == (0, 2)


def test_how_long_the_service_could_hear(
    client: httpx.Client, world: World, server: Server
) -> None:
    hour = 3_600 * SECOND_US
    for batch, hours in enumerate((-30, -1, 0, 5, 10, 11, 30), start=1):
        heard = {-30: 0, -1: 29, 0: 30, 5: 35, 10: 37, 11: 38, 30: 57}[hours]
        step(world, batch * 3, MIDNIGHT + hours * hour, heard * hour)
    with psycopg.connect(world.url) as connection:
        connection.execute(
            "INSERT INTO signal (kind, began_at, ended_at, detail) VALUES"
            " ('blind', %(before)s, NULL, ''), ('session_lost', %(before)s, %(after)s, ''),"
            " ('session_lost', %(now)s, %(after)s, ''), ('stalled', %(before)s, %(before)s, '')",
            {
                "before": to_datetime(MIDNIGHT - hour),
                "now": to_datetime(NOW),
                "after": to_datetime(NOW + DAY_US),
            },
        )
    with at(server, MIDNIGHT + 13 * hour):
        blind = report(client)["blind"]
    assert (blind["heard_s"], blind["blind_s"]) == (8 * 3_600, 5 * 3_600)
    assert blind["signals"] == [
        {"kind": "blind", "count": 1},
        {"kind": "session_lost", "count": 1},
    ]


def test_nobody_is_in_it_whoever_asks(asking: Asking, world: World) -> None:
    world.record(*(began(world.finding(n)) for n in (1, 2, 3, 4)))
    for staff in STAFF:
        if staff == "nobody":
            continue
        for form in ("json", "csv"):
            text = asking(staff).get(DAILY, params={"format": form}).text
            assert not leaks(text)
            for word in ("p-1", "e-1", "w-1", "alert-1", "1950"):
                assert word not in text, (staff, word)


def test_roles_see_their_own_grids(asking: Asking, world: World) -> None:
    world.record(*(began(world.finding(n)) for n in (1, 2, 3, 4)))

    def urgent(staff: str, **query: str) -> int:
        return sum(each["urgent"] for each in report(asking(staff), **query)["alerts"]["raised"])

    assert urgent("dr-1") == 2
    assert urgent("sup-1") == urgent("admin-1") == 3
    assert urgent("sup-1", grid="grid-2") == 1
    assert urgent("audit-2") == 1
    problem(asking("dr-1").get(DAILY, params={"grid": "grid-2"}), 404)
    problem(asking("nobody").get(DAILY), 422, "invalid")


def test_each_grid_by_its_own_clocks(asking: Asking, world: World, server: Server) -> None:
    with psycopg.connect(world.url) as connection:
        connection.execute(
            "INSERT INTO staff_grid SELECT staff_no, grid_no FROM staff, grid"
            " WHERE staff.id = 'dr-1' AND grid.id = 'grid-3'"
        )
    dr = asking("dr-1")
    # One o'clock in Shanghai, eleven the evening before in Urumqi.
    with at(server, MIDNIGHT + 3_600 * SECOND_US):
        assert [each["grid"] for each in report(dr, date=TODAY)["grids"]] == ["grid-1"]
        both = report(dr, date="2026-02-02")
        assert both["complete"] is False
        assert [each["to"] for each in both["grids"]] == [
            "2026-02-02T16:00:00Z",
            "2026-02-02T17:00:00.000001Z",
        ]


def test_days_of_23_and_25_hours(client: httpx.Client, world: World, server: Server) -> None:
    world.rows("UPDATE community SET timezone = 'Europe/Berlin' RETURNING 1")
    with at(server, parse_rfc3339("2026-12-01T00:00:00Z")):
        for on, hours in (("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)):
            (grid,) = report(client, date=on)["grids"]
            length = parse_rfc3339(grid["to"]) - parse_rfc3339(grid["from"])
            assert length == hours * 3_600 * SECOND_US


def test_csv_by_name_and_by_accept(client: httpx.Client, world: World) -> None:
    world.raise_alert(1)
    asked = client.get(DAILY, params={"format": "csv"})
    assert asked.headers["content-type"] == "text/csv; charset=utf-8"
    assert asked.headers["content-disposition"] == 'attachment; filename="doorstep-2026-02-03.csv"'
    rows = list(csv.DictReader(StringIO(asked.text, newline="")))
    assert {row["value"] for row in rows if row["section"] == "raised"} == {"0", "1"}
    for accept, form in (
        ("text/csv", "text/csv"),
        ("text/csv;q=0.9, application/json;q=0.8", "text/csv"),
        ("application/json, text/csv", "application/json"),
        ("*/*", "application/json"),
    ):
        answer = client.get(DAILY, headers={"Accept": accept})
        assert answer.headers["content-type"].startswith(form), accept
        assert answer.headers["vary"] == "Accept"
    answer = client.get(DAILY, params={"format": "json"}, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"] == "application/json"


def test_what_cannot_be_asked(client: httpx.Client) -> None:
    for query in (
        {"date": "2026-02-04"},
        {"date": "1999-12-31"},
        {"date": "2200-01-01"},
        {"date": "yesterday"},
        {"format": "pdf"},
    ):
        problem(client.get(DAILY, params=query), 422, "invalid")


def test_the_empty_morning(client: httpx.Client, server: Server) -> None:
    with at(server, MIDNIGHT):
        said = report(client)
    assert (said["date"], said["complete"]) == (TODAY, False)
    assert said["as_of"] == "2026-02-02T16:00:00.000001Z"
    assert said["blind"]["blind_s"] == 0
