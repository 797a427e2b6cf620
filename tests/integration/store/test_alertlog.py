"""Findings become rows, cases and events: on a real database, on every tier."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from typing import Any, Self

import psycopg
import pytest
from typing_extensions import override

from alerts.alert import Outcome
from alerts.casework import Deed
from alerts.lifecycle import Kind
from alerts.staff import Role, Staff
from domain.instant import HOUR_US, format_rfc3339
from rules.finding import Change, FindingChange, Rule, Severity
from store import alertlog, casework
from tests.integration.alerts.readings import store_readings
from tests.integration.alerts.world import (
    World,
    began,
    ended,
    hour,
    leaks,
    minute,
    revised,
    seen,
    withdrawn,
    worsened,
)


class Counting(psycopg.Cursor[Any]):
    """Counts the statements of all cursors of its kind."""

    sent = 0

    @override
    def execute(self, *args: Any, **kwargs: Any) -> Self:
        Counting.sent += 1
        return super().execute(*args, **kwargs)


def close(
    world: World, alert_id: str, outcome: Outcome = Outcome.WELL, at: int | None = None
) -> None:
    grids = world.rows("SELECT id, grid_no FROM grid")
    staff = Staff(
        world.rows("SELECT staff_no FROM staff WHERE id = 'dr-1'")[0]["staff_no"],
        "dr-1",
        "",
        Role.DOCTOR,
        {row["id"]: row["grid_no"] for row in grids},
    )
    with psycopg.connect(world.url, autocommit=True) as connection:
        casework.act(connection, alert_id, Deed(Kind.OUTCOME, outcome), staff, at or world.now)


def findings(world: World) -> list[dict[str, Any]]:
    return world.rows("SELECT * FROM finding ORDER BY onset_at, finding_no")


def test_a_finding_raises_an_alert_with_all_it_says(world: World) -> None:
    assert world.record(began(world.finding(1))) == 1
    (row,) = world.rows("SELECT * FROM alert")
    assert (row["id"], row["severity"], row["condition"]) == ("alert-1", "urgent", "active")
    assert (row["response"], row["version"], row["late"]) == ("open", 1, False)
    assert row["summary"] == "38.4 °C at the armpit for 12 min, limit 37.3"
    assert row["evidence"]["device"] == "w-1"
    (found,) = findings(world)
    assert (found["alert_id"], found["value"], found["rulebook_version"]) == (
        "alert-1",
        3840,
        "rules-1",
    )
    (event,) = world.rows("SELECT * FROM alert_event")
    assert (event["event_id"], event["type"], event["kind"]) == (1, "new", "raised")
    assert event["before"] is None
    assert event["after"]["episode"] == "e-1"
    assert event["after"]["building"] == "1"


def test_the_log_holds_no_name_phone_or_address(world: World) -> None:
    world.record(began(world.finding(1)), began(world.finding(2)))
    world.record(worsened(world.finding(1)), ended(world.finding(2), 0))
    close(world, "alert-1")
    assert not leaks(str(world.rows("SELECT * FROM alert_event")))
    assert not leaks(str(world.rows("SELECT * FROM alert")))


def test_from_beginning_to_end(world: World) -> None:
    found = world.finding(1)
    world.record(began(found))
    world.record(worsened(found))
    world.record(ended(replace(found, severity=Severity.CRITICAL), 5))
    assert world.kinds() == ["raised", "worsened", "cleared"]
    alert = world.alert("alert-1")
    assert (alert["severity"], alert["condition"], alert["response"]) == (
        "critical",
        "cleared",
        "open",
    )
    assert (alert["version"], alert["cleared_at"]) == (3, findings(world)[0]["ended_at"])


def test_a_routine_alert_ends_by_itself(world: World) -> None:
    found = world.finding(1, rule=Rule.SILENT, severity=Severity.ROUTINE, value=900)
    world.record(began(found))
    assert world.record(ended(found, 0)) == 2
    assert world.kinds() == ["raised", "cleared", "ended"]
    assert [
        row["type"] for row in world.rows("SELECT type FROM alert_event ORDER BY event_id")
    ] == [
        "new",
        "update",
        "end",
    ]
    assert world.alert("alert-1")["outcome"] is None


def test_to_be_seen_again_is_one_statement_and_no_event(world: World) -> None:
    found = world.finding(1)
    world.record(began(found), began(world.finding(2)))
    later = replace(found, last_at=minute(3), value=3850, peak=3860)
    Counting.sent = 0
    with psycopg.connect(world.url, cursor_factory=Counting) as connection:
        changes = [seen(later, found), seen(world.finding(2, last_at=minute(4)))]
        with connection.cursor() as cursor:
            assert alertlog.record(cursor, changes, world.now, "rules-1", 9, world.new_id) == 0
            assert alertlog.record(cursor, [], world.now, "rules-1", 10, world.new_id) == 0
    assert Counting.sent == 1
    assert [row["value"] for row in findings(world)] == [3850, 3840]
    assert world.kinds() == ["raised", "raised"]


def test_the_same_step_twice_changes_nothing(world: World) -> None:
    found = world.finding(1)
    world.record(began(found), began(found))
    assert world.record(began(found)) == 0
    world.record(ended(found, 0))
    assert world.record(ended(found, 0)) == 0
    assert len(findings(world)) == 1
    assert world.kinds() == ["raised", "cleared"]


def test_two_devices_share_a_case_which_clears_with_the_last(world: World) -> None:
    one, other = world.finding(1), world.finding(1, onset=-15, device=5)
    world.record(began(one))
    assert world.record(began(other)) == 0
    assert world.record(ended(one, 0)) == 0
    assert world.record(ended(other, 1)) == 1
    assert {row["alert_id"] for row in findings(world)} == {"alert-1"}


def test_rules_and_episodes_have_cases_of_their_own(world: World) -> None:
    away = world.finding(1, rule=Rule.LEFT_HOME, value=1400, limit=700)
    assert world.record(began(world.finding(1)), began(away), began(world.finding(2))) == 3
    rows = world.rows("SELECT episode_no, rule FROM alert ORDER BY id")
    assert len({(row["episode_no"], row["rule"]) for row in rows}) == 3


def test_late_data_that_takes_a_finding_away_leaves_the_alert(world: World) -> None:
    found = world.finding(1)
    world.record(began(found))
    world.record(withdrawn(found))
    assert world.kinds() == ["raised", "unsupported"]
    alert = world.alert("alert-1")
    assert (alert["condition"], alert["response"]) == ("cleared", "open")
    assert alert["evidence"]["supported"] is False
    assert findings(world)[0]["withdrawn_at"] is not None


def test_and_a_new_finding_brings_it_back(world: World) -> None:
    found = world.finding(1)
    world.record(began(found))
    world.record(withdrawn(found))
    world.record(began(found, late=True))
    assert world.kinds() == ["raised", "unsupported", "returned"]
    assert world.alert("alert-1")["evidence"]["supported"] is True


def test_what_a_person_closed_is_annotated(world: World) -> None:
    found = world.finding(1)
    world.record(began(found))
    close(world, "alert-1")
    version = world.alert("alert-1")["version"]
    assert world.record(withdrawn(found)) == 1
    alert = world.alert("alert-1")
    assert world.kinds()[-1] == "unsupported"
    assert (alert["response"], alert["version"]) == ("closed", version)
    assert alert["evidence"]["supported"] is False


def test_an_onset_that_moves_keeps_its_alert(world: World) -> None:
    found = world.finding(1)
    world.record(began(found))
    assert world.record(revised(found, onset_at=minute(-30))) == 1
    (row,) = findings(world)
    assert row["alert_id"] == "alert-1"
    assert world.alert("alert-1")["onset_at"] == row["onset_at"]
    assert world.kinds() == ["raised", "revised"]


def test_onsets_may_move_into_each_others_places(world: World) -> None:
    first, second = world.finding(1, -60, -40), world.finding(1, -20)
    world.record(began(first), ended(first, -40))
    world.record(began(second))
    world.record(
        revised(first, onset_at=minute(-90), ended_at=minute(-70)),
        revised(second, onset_at=minute(-60)),
    )
    assert [row["onset_at"] for row in findings(world)] == [
        row["onset_at"] for row in sorted(findings(world), key=lambda row: row["onset_at"])
    ]
    assert len(findings(world)) == 2


class TestAfterClosing:
    def test_nothing_while_it_is_still_so_and_raised_when_it_comes_back(self, world: World) -> None:
        found = world.finding(1)
        world.record(began(found))
        close(world, "alert-1")
        assert world.record(seen(replace(found, last_at=minute(5)), found)) == 0
        assert world.record(ended(found, 6)) == 0
        assert world.record(began(world.finding(1, onset=10)), now=minute(22)) == 1
        assert world.alert("alert-2")["previous"] == "alert-1"

    def test_raised_at_once_when_it_is_worse(self, world: World) -> None:
        found = world.finding(1)
        world.record(began(found))
        close(world, "alert-1")
        assert world.record(worsened(found)) == 1
        assert world.alert("alert-2")["severity"] == "critical"
        assert findings(world)[0]["alert_id"] == "alert-2"

    def test_raised_again_when_the_quiet_time_has_passed(self, world: World) -> None:
        found = world.finding(1)
        world.record(began(found))
        close(world, "alert-1", at=minute(0))
        assert world.tick(hour(4) - 1) == 0
        assert world.tick(hour(4)) == 1
        assert world.tick(hour(4)) == 0, "once"
        again = world.alert("alert-2")
        assert (again["previous"], again["late"]) == ("alert-1", False)
        close(world, "alert-2", at=hour(5))
        assert world.tick(hour(8)) == 0
        assert world.tick(hour(9)) == 1

    def test_not_when_it_has_ended_or_the_episode_is_over(self, world: World) -> None:
        over, left = world.finding(1), world.finding(2)
        world.record(began(over), began(left))
        close(world, "alert-1")
        close(world, "alert-2")
        world.record(ended(over, 10))
        assert world.tick(hour(24 * 8)) == 0

    def test_an_outcome_that_does_not_close_leaves_the_case(self, world: World) -> None:
        found = world.finding(1)
        world.record(began(found))
        close(world, "alert-1", Outcome.NO_ANSWER)
        assert world.alert("alert-1")["response"] == "open"
        assert world.record(ended(found, 5)) == 1
        assert world.alert("alert-1")["response"] == "open"


def test_an_alert_stays_in_the_grid_it_was_raised_in(world: World) -> None:
    found = world.finding(1)
    world.record(began(found))
    with psycopg.connect(world.url) as connection:
        connection.execute(
            "UPDATE episode SET grid_no = (SELECT grid_no FROM grid WHERE id = 'grid-2')"
            " WHERE id = 'e-1'"
        )
    world.record(worsened(found))
    events = world.rows("SELECT grid_no, after FROM alert_event ORDER BY event_id")
    assert len({row["grid_no"] for row in events}) == 1
    assert {row["after"]["grid"] for row in events} == {"grid-1"}
    world.record(began(world.finding(1, rule=Rule.SILENT, severity=Severity.ROUTINE)))
    assert (
        world.rows("SELECT after FROM alert_event ORDER BY event_id")[-1]["after"]["grid"]
        == "grid-2"
    )


def test_a_step_that_fails_leaves_nothing_not_even_an_id(world: World) -> None:
    with psycopg.connect(world.url) as connection, connection.cursor() as cursor:
        assert alertlog.record(cursor, [began(world.finding(1))], world.now, "r", 1, world.new_id)
        connection.rollback()
    assert world.rows("SELECT * FROM alert") == findings(world) == []
    world.record(began(world.finding(1)))
    assert world.rows("SELECT event_id FROM alert_event") == [{"event_id": 1}]


def test_people_and_ledger_meet_without_a_deadlock_and_ids_have_no_gap(world: World) -> None:
    """Four episodes worsen and clear while people act on them: every step happens, in order."""
    world.record(*(began(world.finding(n)) for n in range(1, 5)))

    def ledger() -> None:
        for minutes in range(1, 15):
            again = [world.finding(n, onset=minutes) for n in range(1, 5)]
            told = ((began(each), ended(each, minutes + 0.5)) for each in again)
            world.record(*(change for pair in told for change in pair))

    def people(n: int) -> None:
        for _ in range(15):
            close(world, f"alert-{n}", Outcome.NO_ANSWER)

    with ThreadPoolExecutor() as threads:
        working = [threads.submit(ledger), *(threads.submit(people, n) for n in range(1, 5))]
        for each in working:
            each.result()
    ids = [row["event_id"] for row in world.rows("SELECT event_id FROM alert_event ORDER BY 1")]
    assert ids == list(range(1, len(ids) + 1))
    log = world.rows("SELECT alert_id, before, after FROM alert_event ORDER BY alert_id, event_id")
    for earlier, later in pairwise(log):
        if earlier["alert_id"] == later["alert_id"]:
            assert later["before"]["version"] == earlier["after"]["version"]


def test_a_change_to_what_is_not_there_is_no_alert(world: World) -> None:
    found = world.finding(1)
    assert world.record(FindingChange(Change.SEEN, found, found)) == 0
    assert world.record(withdrawn(found)) == 0
    assert findings(world) == []


@pytest.mark.parametrize("response", ["acknowledged", "visiting"])
def test_who_took_a_case_keeps_it_when_it_clears(world: World, response: str) -> None:
    found = world.finding(1)
    world.record(began(found))
    with psycopg.connect(world.url) as connection:
        connection.execute("UPDATE alert SET response = %s, assignee = 'dr-1'", [response])
    world.record(ended(found, 0))
    alert = world.alert("alert-1")
    assert (alert["response"], alert["assignee"], alert["condition"]) == (
        response,
        "dr-1",
        "cleared",
    )


def test_what_a_rule_adds_is_stored_with_its_finding(world: World) -> None:
    world.record(began(world.finding(1, detail='{"why":"so"}')))
    assert world.alert("alert-1")["evidence"]["why"] == "so"


def test_an_alert_has_the_partial_news2_of_the_hour_before(world: World) -> None:
    store_readings(world, 1, [(-90, 3990, 0.0), (-20, 3860, 0.0), (-9, 3840, 0.0), (-7, 3990, 0.0)])
    world.record(began(world.finding(1)))
    score = world.alert("alert-1")["evidence"]["partial_news2"]
    assert (score["total"], score["missing"]) == (1, ["oxygen"])
    assert score["temperature"] == {
        "points": 1,
        "value": 38.4,
        "at": format_rfc3339(minute(-9)),
    }


def test_of_an_hour_without_readings_nothing_is_known(world: World) -> None:
    store_readings(world, 1, [(-90, 3990, 0.0)])
    world.record(began(world.finding(1)))
    score = world.alert("alert-1")["evidence"]["partial_news2"]
    assert (score["total"], score["missing"]) == (0, ["temperature", "pulse", "oxygen"])


def test_an_event_says_whether_anybody_is_called(world: World) -> None:
    """A fever two hours old goes on the list; a critical one five hours old does not wait."""
    world.record(began(world.finding(1)), now=minute(0) + 2 * HOUR_US)
    critical = world.finding(2, severity=Severity.CRITICAL)
    world.record(began(critical), now=minute(0) + 5 * HOUR_US)
    events = world.rows("SELECT after FROM alert_event ORDER BY event_id")
    assert [event["after"]["notify"] for event in events] == [False, True]
