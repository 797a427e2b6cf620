"""Deadlines on a real database: whose an alert is, and who is told when nobody answers."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from alerts.escalation import DEFAULT, Figures
from domain.instant import MINUTE_US, format_rfc3339, from_datetime, parse_rfc3339
from rules.finding import Rule, Severity
from store import deadlines
from store.roster_import import import_document
from tests.integration.alerts.asking import post, problem
from tests.integration.alerts.world import NOW, Server, World, began, ended, minute, worsened
from tests.services.doorstep import run, serve

CRITICAL, URGENT, ROUTINE = Severity.CRITICAL, Severity.URGENT, Severity.ROUTINE


def fire(world: World, now: int, figures: Figures = DEFAULT) -> int:
    with psycopg.connect(world.url, autocommit=True) as connection:
        return deadlines.fire(connection, now, figures)


def colleague(world: World, *shifts: dict[str, Any]) -> None:
    """dr-9, in grid-1 as dr-1 is."""
    with psycopg.connect(world.url) as connection:
        document = {
            "staff": [
                {"id": "dr-9", "role": "doctor", "grids": ["grid-1"], "shifts": [*shifts]},
            ]
        }
        import_document(connection, document, NOW)


def escalations(world: World) -> list[tuple[int, str, list[str], str]]:
    """(when, which alert, who was told, why), in the order of the log."""
    rows = world.rows("SELECT * FROM alert_event WHERE kind = 'escalated' ORDER BY event_id")
    return [
        (
            round((from_datetime(row["at"]) - NOW) / MINUTE_US),
            row["alert_id"],
            row["detail"].get("told", []),
            row["detail"]["why"],
        )
        for row in rows
    ]


class TestRaised:
    def test_it_is_somebodys_from_the_first_moment(
        self, client: httpx.Client, world: World
    ) -> None:
        world.raise_alert(1)
        said = client.get("/api/v1/alerts/alert-1").json()
        assert (said["assignee"], said["told"], said["version"]) == ("dr-1", ["dr-1"], 1)
        assert said["deadline_at"] == format_rfc3339(minute(15))
        (event,) = client.get("/api/v1/alerts/alert-1/events").json()["items"]
        assert event["detail"] == {"told": ["dr-1"]}
        assert event["after"]["assignee"] == "dr-1"

    def test_alerts_of_one_step_are_shared_out(self, world: World) -> None:
        colleague(world)
        rules = (Rule.FEVER, Rule.PULSE, Rule.OXYGEN, Rule.LEFT_HOME)
        world.record(*(began(world.finding(1, rule=rule)) for rule in rules))
        rows = world.rows("SELECT assignee, count(*) AS n FROM alert GROUP BY assignee ORDER BY 1")
        assert [(row["assignee"], row["n"]) for row in rows] == [("dr-1", 2), ("dr-9", 2)]

    def test_closed_ones_are_no_load(self, client: httpx.Client, world: World) -> None:
        colleague(world)
        world.record(began(world.finding(1)), began(world.finding(1, rule=Rule.PULSE)))
        mine = next(item for item in client.get("/api/v1/alerts").json()["items"])
        post(client, mine["id"], "outcome", {"outcome": "well"})
        world.record(began(world.finding(4)))
        assert world.alert("alert-3")["assignee"] == mine["assignee"]

    def test_shifts_of_the_roster_decide(self, world: World) -> None:
        colleague(world)
        with psycopg.connect(world.url) as connection:
            # 12:05 on a Tuesday in Shanghai.
            off = {"days": ["tue"], "from": "13:00", "to": "12:00"}
            document = {"staff": [{"id": "dr-1", "shifts": [off]}]}
            import_document(connection, document, NOW)
        world.raise_alert(1)
        assert world.alert("alert-1")["assignee"] == "dr-9"

    def test_in_a_grid_without_a_team_there_is_a_deadline_all_the_same(self, world: World) -> None:
        with psycopg.connect(world.url) as connection:
            connection.execute("DELETE FROM staff_grid")
            connection.execute("DELETE FROM staff_community")
        world.raise_alert(2, severity=CRITICAL)
        assert world.alert("alert-1")["assignee"] is None
        assert fire(world, minute(60)) == 1
        assert escalations(world) == [(60, "alert-1", [], "not_acknowledged")]


class TestFiring:
    def test_the_chain_is_told_one_by_one(self, client: httpx.Client, world: World) -> None:
        colleague(world)
        world.raise_alert(1, severity=CRITICAL)
        for n in range(31):
            fire(world, minute(n))
        assert escalations(world) == [
            (5, "alert-1", ["dr-9"], "not_acknowledged"),
            (10, "alert-1", ["sup-1"], "not_acknowledged"),
            (15, "alert-1", [], "not_acknowledged"),
            (30, "alert-1", ["dr-1"], "not_acknowledged"),
        ]
        said = client.get("/api/v1/alerts/alert-1").json()
        assert (said["response"], said["assignee"], said["version"]) == ("open", "dr-1", 4)
        log = client.get("/api/v1/alerts/alert-1/events").json()["items"]
        assert [event["note"] for event in log] == [
            "",
            "to dr-9",
            "to sup-1",
            "nobody is left to tell",
            "to dr-1",
        ]

    def test_after_an_outage_each_fires_once_in_order(self, world: World) -> None:
        world.record(began(world.finding(1)), now=minute(2))
        world.record(began(world.finding(4, severity=CRITICAL)), now=minute(3))
        world.record(began(world.finding(1, rule=Rule.PULSE)), now=minute(1))
        assert fire(world, minute(500)) == 3
        assert fire(world, minute(500)) == 0
        assert [(at, alert) for at, alert, _, _ in escalations(world)] == [
            (500, "alert-2"),
            (500, "alert-3"),
            (500, "alert-1"),
        ]
        assert {row["deadline_at"] for row in world.rows("SELECT deadline_at FROM alert")} == {
            world.alert("alert-1")["deadline_at"]
        } | {world.alert("alert-2")["deadline_at"]}

    def test_many_at_once_fire_each_deadline_once(self, world: World) -> None:
        rules = [*Rule]
        world.record(*(began(world.finding(n, rule=rule)) for n in (1, 2, 4) for rule in rules))
        with ThreadPoolExecutor(6) as threads:
            done = sum(threads.map(lambda _: fire(world, minute(20)), range(12)))
        waiting = world.rows("SELECT id FROM alert WHERE deadline_at < '2026-02-03 05:00Z'")
        assert done == len(escalations(world))
        assert len({alert for _, alert, _, _ in escalations(world)}) == done
        assert done + len(world.rows("SELECT id FROM alert")) - len(waiting) >= 27

    def test_what_somebody_is_just_answering_is_left_alone(self, world: World) -> None:
        world.raise_alert(1)
        with psycopg.connect(world.url) as holding:
            holding.execute("SELECT id FROM alert WHERE id = 'alert-1' FOR UPDATE")
            assert fire(world, minute(20)) == 0
        assert fire(world, minute(20)) == 1

    def test_more_than_a_transactions_worth_is_done_in_turns(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(deadlines, "AT_ONCE", 2)
        rules = (Rule.FEVER, Rule.PULSE, Rule.OXYGEN)
        world.record(*(began(world.finding(1, rule=rule)) for rule in rules))
        assert [fire(world, minute(20)) for _ in range(3)] == [2, 1, 0]

    def test_evidence_is_that_of_now(self, world: World) -> None:
        world.raise_alert(1)
        fire(world, minute(20))
        (event,) = world.rows("SELECT after FROM alert_event WHERE kind = 'escalated'")
        assert event["after"]["summary"]
        assert event["after"]["told"] == ["dr-1", "sup-1"]


class TestAnswers:
    def test_acknowledging_stops_the_asking_for_it_and_asks_for_a_visit(
        self, client: httpx.Client, server: Server, world: World
    ) -> None:
        world.raise_alert(1, severity=CRITICAL)
        server.now = minute(4)
        taken = post(client, "alert-1", "acknowledge").json()
        assert taken["deadline_at"] == format_rfc3339(minute(34))
        assert fire(world, minute(33)) == 0
        assert fire(world, minute(34)) == 1
        assert escalations(world) == [(34, "alert-1", ["sup-1"], "not_visited")]
        said = client.get("/api/v1/alerts/alert-1").json()
        assert (said["response"], said["assignee"]) == ("acknowledged", "dr-1")

    def test_only_of_the_alert_it_answers(self, client: httpx.Client, world: World) -> None:
        world.record(began(world.finding(1)), began(world.finding(4)))
        post(client, "alert-1", "acknowledge")
        fire(world, minute(16))
        assert [alert for _, alert, _, _ in escalations(world)] == ["alert-2"]

    def test_an_outcome_ends_all_of_it(self, client: httpx.Client, world: World) -> None:
        world.raise_alert(1)
        assert post(client, "alert-1", "outcome", {"outcome": "well"}).json()["deadline_at"] is None
        assert fire(world, minute(10_000)) == 0

    def test_who_could_not_be_seen_goes_to_the_grids_own(
        self, client: httpx.Client, world: World
    ) -> None:
        world.raise_alert(1)
        said = post(client, "alert-1", "outcome", {"outcome": "no_answer"}).json()
        assert (said["assignee"], said["told"]) == (None, ["sup-1"])
        assert said["deadline_at"] == format_rfc3339(minute(15))
        fire(world, minute(15))
        assert escalations(world) == [
            (0, "alert-1", ["sup-1"], "nobody_seen"),
            (15, "alert-1", ["dr-1"], "not_acknowledged"),
        ]

    def test_an_undo_brings_the_deadline_back(
        self, client: httpx.Client, server: Server, world: World
    ) -> None:
        world.raise_alert(1)
        server.now = minute(14.5)
        post(client, "alert-1", "acknowledge")
        back = post(client, "alert-1", "undo").json()
        assert (back["told"], back["deadline_at"]) == (["dr-1"], format_rfc3339(minute(15)))
        assert fire(world, minute(15)) == 1

    def test_who_was_passed_over_hears_that_it_moved(
        self, client: httpx.Client, world: World
    ) -> None:
        colleague(world)
        world.raise_alert(1)
        fire(world, minute(15))
        said = problem(post(client, "alert-1", "acknowledge", If_Match='"1"'), 412, "overtaken")
        assert said["detail"] == f"the service has passed it on, {format_rfc3339(minute(15))}"
        assert post(client, "alert-1", "acknowledge", If_Match='"2"').json()["assignee"] == "dr-1"

    def test_what_gets_worse_is_due_sooner(self, world: World) -> None:
        world.raise_alert(1)
        world.record(worsened(world.finding(1)), now=minute(2))
        assert from_datetime(world.alert("alert-1")["deadline_at"]) == minute(7)

    def test_routine_waits_for_the_round_and_ends_by_itself(self, world: World) -> None:
        quiet = world.finding(1, rule=Rule.SILENT, severity=ROUTINE)
        world.record(began(quiet))
        due = parse_rfc3339("2026-02-04T09:00:00+08:00")
        assert from_datetime(world.alert("alert-1")["deadline_at"]) == due
        world.record(ended(quiet, 5), now=minute(6))
        assert fire(world, due) == 0


def test_a_full_desk_is_passed_over(world: World) -> None:
    few = replace(DEFAULT, alerts_a_doctor=1)
    colleague(world)
    world.raise_alert(1)
    fire(world, minute(15), few)
    world.record(began(world.finding(4)), now=minute(15))
    assert [world.alert(f"alert-{n}")["assignee"] for n in (1, 2)] == ["dr-9", "dr-1"]
    fire(world, minute(45), few)
    assert escalations(world)[1:] == [
        (45, "alert-1", ["sup-1"], "not_acknowledged"),
        (45, "alert-2", ["dr-9"], "not_acknowledged"),
    ]


def test_two_serving_processes_tell_each_once(world: World, tmp_path: Path) -> None:
    """Long after the alerts: what was due fires when they come up."""
    world.record(began(world.finding(1)), began(world.finding(4)))
    (tmp_path / "b").mkdir()
    with (
        serve(world.url, tmp_path) as one,
        serve(world.url, tmp_path / "b") as other,
    ):
        until = time.monotonic() + 20
        while len(escalations(world)) < 2 and time.monotonic() < until:
            time.sleep(0.1)
        for process in (one, other):
            assert httpx.get(f"{process.url}/readyz").status_code == 200
    assert [(alert, told) for _, alert, told, _ in escalations(world)] == [
        ("alert-1", ["sup-1"]),
        ("alert-2", ["sup-1"]),
    ]


CALENDAR = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//t//t//\r
BEGIN:VEVENT\r
UID:1\r
DTSTAMP:20260101T000000Z\r
DTSTART:{start}\r
DURATION:PT12H\r
RRULE:FREQ=DAILY\r
END:VEVENT\r
END:VCALENDAR\r
"""


def test_shifts_come_from_a_calendar(world: World, tmp_path: Path) -> None:
    env = {"DOORSTEP_DATABASE_URL": world.url}
    file = tmp_path / "dr-1.ics"
    file.write_text(CALENDAR.format(start="20260101T200000"), encoding="utf-8", newline="")
    done = run(["roster", "shifts", "import", "dr-1", str(file)], env)
    assert (done.returncode, done.stderr) == (0, "")
    (row,) = world.rows("SELECT shifts FROM staff WHERE id = 'dr-1'")
    assert done.stdout == f"roster version 2, {len(row['shifts'])} shifts of dr-1\n"
    assert len(row["shifts"]) in (92, 93)
    assert all(shift["from"].endswith("T12:00:00Z") for shift in row["shifts"])
    world.raise_alert(1)
    assert world.alert("alert-1")["assignee"] == "sup-1", "dr-1 has shifts, and none of them then"
    for arguments, said in (
        (["ghost", str(file)], "there is no member of staff ghost"),
        (["dr-1", str(tmp_path / "none.ics")], "cannot use"),
        (["dr-1", __file__], "this is no calendar"),
    ):
        refused = run(["roster", "shifts", "import", *arguments], env)
        assert refused.returncode == 1
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr
    assert len(world.rows("SELECT version FROM roster_version")) == 2


def test_what_should_have_fired_and_did_not_is_counted(world: World) -> None:
    def overdue(until: int) -> int:
        with psycopg.connect(world.url) as connection:
            return deadlines.overdue_since(connection, until)

    world.raise_alert(1)
    world.raise_alert(2)
    first_at = min(from_datetime(row["deadline_at"]) for row in world.rows("SELECT * FROM alert"))
    assert overdue(first_at - 1) == 0
    assert overdue(first_at) == 2
    fire(world, first_at)
    assert overdue(first_at) == 0
