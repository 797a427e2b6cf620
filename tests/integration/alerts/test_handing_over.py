"""Notes, handing over and taking back, over HTTP."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from domain.instant import SECOND_US, format_rfc3339
from rules.finding import Rule, Severity
from store import alertlog
from tests.integration.alerts.asking import post, problem
from tests.integration.alerts.world import NOW, Server, World, began, ended, minute, worsened

LONG: str = "x" * 2_001


class TestNotes:
    def test_a_note_is_in_the_log_and_moves_nothing(
        self, client: httpx.Client, world: World
    ) -> None:
        world.raise_alert(1)
        answer = post(client, "alert-1", "note", {"note": "ground floor"}, If_Match='"1"')
        assert (answer.json()["version"], answer.headers["etag"]) == (1, '"1"')
        last = client.get("/api/v1/alerts/alert-1/events").json()["items"][-1]
        assert (last["kind"], last["actor"], last["note"]) == ("noted", "dr-1", "ground floor")
        assert last["type"] == "update"

    def test_also_after_it_is_closed(self, client: httpx.Client, world: World) -> None:
        world.raise_alert(1)
        post(client, "alert-1", "outcome", {"outcome": "well"})
        assert post(client, "alert-1", "note", {"note": "rang later"}).json()["version"] == 2

    @pytest.mark.parametrize("body", [None, {}, {"note": ""}, {"note": "  "}, {"note": LONG}])
    def test_a_note_says_something(
        self, client: httpx.Client, world: World, body: dict[str, str] | None
    ) -> None:
        world.raise_alert(1)
        problem(post(client, "alert-1", "note", body), 422, "invalid")

    def test_sent_again_it_is_noted_once(self, client: httpx.Client, world: World) -> None:
        world.raise_alert(1)
        for _ in range(2):
            post(client, "alert-1", "note", {"note": "x"}, Idempotency_Key="k")
        assert world.kinds() == ["raised", "noted"]


class TestAssigning:
    def test_somebody_takes_it_over(
        self, client: httpx.Client, other: httpx.Client, world: World
    ) -> None:
        world.raise_alert(1)
        post(client, "alert-1", "acknowledge")
        said = post(other, "alert-1", "assign", {"assignee": None}, If_Match='"2"').json()
        assert (said["response"], said["assignee"], said["version"]) == (
            "acknowledged",
            "sup-1",
            3,
        )
        overtaken = problem(post(client, "alert-1", "visit", If_Match='"2"'), 412, "overtaken")
        assert overtaken["detail"] == (
            f"sup-1 has given it to somebody, {format_rfc3339(world.now)}"
        )

    def test_without_a_body_it_is_mine(self, client: httpx.Client, world: World) -> None:
        world.raise_alert(1)
        post(client, "alert-1", "acknowledge")
        assert post(client, "alert-1", "assign").json()["assignee"] == "dr-1"

    def test_it_is_given_to_somebody(self, client: httpx.Client, world: World) -> None:
        world.raise_alert(1)
        post(client, "alert-1", "acknowledge")
        body = {"assignee": "sup-1", "note": "near you"}
        assert post(client, "alert-1", "assign", body).json()["assignee"] == "sup-1"

    @pytest.mark.parametrize("whom", ["dr-2", "dr-3", "admin-1", "audit-2", "nobody", "unknown"])
    def test_only_to_those_who_go_to_doors_in_its_grid(
        self, client: httpx.Client, world: World, whom: str
    ) -> None:
        world.raise_alert(1)
        answer = post(client, "alert-1", "assign", {"assignee": whom}, Idempotency_Key="k")
        assert "/body/assignee" in problem(answer, 422, "invalid")["detail"]
        assert world.kinds() == ["raised"]
        assert post(client, "alert-1", "visit", Idempotency_Key="k").status_code == 200

    def test_not_when_it_is_closed(self, client: httpx.Client, world: World) -> None:
        world.raise_alert(1)
        post(client, "alert-1", "outcome", {"outcome": "well"})
        problem(post(client, "alert-1", "assign"), 409, "refused-by-lifecycle")


class TestUndo:
    @pytest.mark.parametrize("deed", ["acknowledge", "visit", "assign"])
    def test_a_deed_is_taken_back(self, client: httpx.Client, world: World, deed: str) -> None:
        world.raise_alert(1)
        before = client.get("/api/v1/alerts/alert-1").json()
        post(client, "alert-1", deed, {"assignee": "sup-1"} if deed == "assign" else None)
        back = post(client, "alert-1", "undo", If_Match='"2"')
        assert back.status_code == 200
        for name in ("response", "assignee", "outcome"):
            assert back.json()[name] == before[name]
        assert back.json()["version"] == 3
        last = client.get("/api/v1/alerts/alert-1/events").json()["items"][-1]
        assert (last["kind"], last["actor"]) == ("undone", "dr-1")

    def test_an_outcome_is_taken_back(
        self, client: httpx.Client, server: Server, world: World
    ) -> None:
        world.raise_alert(1)
        post(client, "alert-1", "visit")
        post(client, "alert-1", "outcome", {"outcome": "well"})
        server.now += 60 * SECOND_US
        back = post(client, "alert-1", "undo").json()
        assert (back["response"], back["outcome"], back["assignee"]) == ("visiting", None, "dr-1")
        assert post(client, "alert-1", "outcome", {"outcome": "ambulance"}).status_code == 200

    def test_so_is_one_after_which_somebody_goes_again(
        self, client: httpx.Client, world: World
    ) -> None:
        world.raise_alert(1)
        post(client, "alert-1", "visit")
        post(client, "alert-1", "outcome", {"outcome": "no_answer"})
        back = post(client, "alert-1", "undo").json()
        assert (back["response"], back["outcome"], back["assignee"]) == ("visiting", None, "dr-1")

    def test_not_after_a_minute(self, client: httpx.Client, server: Server, world: World) -> None:
        world.raise_alert(1)
        post(client, "alert-1", "visit")
        server.now += 60 * SECOND_US + 1
        said = problem(post(client, "alert-1", "undo"), 409, "refused-by-lifecycle")
        assert said["detail"] == f"it was done more than a minute ago, {format_rfc3339(NOW)}"

    def test_not_what_somebody_else_did_since(
        self, client: httpx.Client, other: httpx.Client, world: World
    ) -> None:
        world.raise_alert(1)
        post(client, "alert-1", "acknowledge")
        post(other, "alert-1", "visit")
        problem(post(client, "alert-1", "undo"), 409, "refused-by-lifecycle")
        assert post(other, "alert-1", "undo").json()["assignee"] == "dr-1"

    def test_a_note_is_no_hindrance(
        self, client: httpx.Client, other: httpx.Client, world: World
    ) -> None:
        world.raise_alert(1)
        post(client, "alert-1", "visit")
        post(other, "alert-1", "note", {"note": "good luck"})
        assert post(client, "alert-1", "undo").json()["response"] == "open"

    def test_not_twice_and_not_nothing(self, client: httpx.Client, world: World) -> None:
        world.raise_alert(1)
        problem(post(client, "alert-1", "undo"), 409, "refused-by-lifecycle")
        post(client, "alert-1", "visit")
        first = post(client, "alert-1", "undo", Idempotency_Key="k")
        problem(post(client, "alert-1", "undo"), 409, "refused-by-lifecycle")
        assert post(client, "alert-1", "undo", Idempotency_Key="k").json() == first.json()

    def test_not_when_the_case_was_raised_again(self, client: httpx.Client, world: World) -> None:
        world.raise_alert(1)
        post(client, "alert-1", "outcome", {"outcome": "well"})
        world.record(worsened(world.finding(1)))
        said = problem(post(client, "alert-1", "undo"), 409, "refused-by-lifecycle")
        assert said["detail"] == "the case was raised again as alert-2"

    def test_what_ended_while_it_was_closed_is_seen_when_it_is_open_again(
        self, client: httpx.Client, world: World
    ) -> None:
        world.raise_alert(1)
        post(client, "alert-1", "outcome", {"outcome": "well"})
        world.record(ended(world.finding(1), -1))
        back = post(client, "alert-1", "undo").json()
        assert (back["response"], back["condition"]) == ("open", "cleared")
        assert world.kinds() == ["raised", "outcome", "undone", "cleared"]

    def test_what_is_routine_and_passed_meanwhile_ends(
        self, client: httpx.Client, world: World
    ) -> None:
        quiet = world.finding(1, rule=Rule.SILENT, severity=Severity.ROUTINE)
        world.record(began(quiet))
        post(client, "alert-1", "outcome", {"outcome": "well"})
        world.record(ended(quiet, -1))
        assert post(client, "alert-1", "undo").json()["response"] == "closed"
        assert world.kinds()[2:] == ["undone", "cleared", "ended"]

    def test_two_who_take_back_at_once_do_it_once(self, client: httpx.Client, world: World) -> None:
        world.raise_alert(1)
        post(client, "alert-1", "visit")
        with ThreadPoolExecutor(4) as threads:
            answers = list(
                threads.map(lambda _: post(client, "alert-1", "undo").status_code, range(4))
            )
        assert sorted(answers) == [200, 409, 409, 409]

    def test_the_ledger_that_waits_for_an_undo_finds_the_case_open(
        self, client: httpx.Client, world: World
    ) -> None:
        """The finding gets worse while somebody takes back an outcome: one case, not two."""
        world.raise_alert(1)
        post(client, "alert-1", "outcome", {"outcome": "well"})
        worse = worsened(world.finding(1))
        with psycopg.connect(world.url) as holding, ThreadPoolExecutor(1) as thread:
            holding.execute("SELECT id FROM alert WHERE id = 'alert-1' FOR UPDATE")
            step = thread.submit(world.record, worse)
            _until_somebody_waits(world)
            holding.execute(
                "UPDATE alert SET response = 'open', outcome = NULL, closed_at = NULL,"
                " closed_severity = NULL, version = version + 1"
            )
            holding.commit()
            assert step.result(10) == 1
        assert [row["severity"] for row in world.rows("SELECT severity FROM alert")] == ["critical"]
        assert world.kinds()[-1] == "worsened"

    def test_after_the_quiet_time_it_is_not_taken_back(
        self, client: httpx.Client, server: Server, world: World
    ) -> None:
        world.raise_alert(1)
        server.now = minute(1)
        post(client, "alert-1", "outcome", {"outcome": "well"})
        with psycopg.connect(world.url) as connection, connection.cursor() as cursor:
            steps = alertlog.quiet_time_over(cursor, minute(5 * 60), "rules-1", world.new_id)
        assert steps == 1
        problem(post(client, "alert-1", "undo"), 409, "refused-by-lifecycle")


def _until_somebody_waits(world: World) -> None:
    for _ in range(2_000):
        if world.rows("SELECT pid FROM pg_locks WHERE NOT granted"):
            return
    raise AssertionError("nobody waits for the lock")
