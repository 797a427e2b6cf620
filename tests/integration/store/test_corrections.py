"""A corrected roster on real databases: everybody it concerns is judged anew, from its time on."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest
from psycopg.rows import dict_row

from domain.batch import Rows
from domain.instant import DAY_US, HOUR_US, MINUTE_US, format_rfc3339, to_datetime
from domain.people import Home
from domain.reading import Datum
from ingest.gathering import NO_ROWS
from ingest.work import Kind
from rules.columns import RUNS
from rules.engine import apply, tick
from store.recovery import recall
from store.roster import load
from store.roster_document import RosterRefused
from tests.acceptance.publishing import HOME
from tests.integration.store.bench import NOW, Bench

KILOMETRE_E7 = 90_200
"""In ten-millionths of a degree of latitude."""


@pytest.fixture
def bench(tier_database: str) -> Iterator[Bench]:
    bench = Bench(tier_database)
    yield bench
    bench.ledger.close()


def at(minute: int) -> int:
    """The instant of minute n of `Bench.rows`."""
    return NOW - (360 - minute) * MINUTE_US


def pin(kilometres: float) -> dict[str, Any]:
    """A home so far north of the first."""
    return {"lat": HOME[0] + kilometres * KILOMETRE_E7 / 1e7, "lon": HOME[1], "datum": "wgs84"}


def corrected(episode: int = 0, **given: Any) -> dict[str, Any]:
    return {"episodes": [{"id": f"e-{episode:04d}", **given}]}


def fixes(bench: Bench, minutes: list[int], kilometres: float, wearer: int = 0) -> Rows:
    rows = bench.rows(wearer, minutes)
    rows["lat_e7"] = round(HOME[0] * 1e7 + kilometres * KILOMETRE_E7)
    rows["lon_e7"] = round(HOME[1] * 1e7)
    rows["accuracy_dm"] = 100
    return rows


def findings(bench: Bench) -> list[tuple[str, int, int | None]]:
    """(rule, minute of onset, minute of end) of what stands."""
    query = (
        "SELECT rule, (extract(epoch FROM onset_at) * 1000000)::bigint AS onset_at,"
        " (extract(epoch FROM ended_at) * 1000000)::bigint AS ended_at"
        " FROM finding WHERE withdrawn_at IS NULL ORDER BY episode_no, onset_at"
    )
    with psycopg.connect(bench.url, row_factory=dict_row) as connection:
        rows = connection.execute(query).fetchall()
    return [
        (
            row["rule"],
            (row["onset_at"] - at(0)) // MINUTE_US,
            None if row["ended_at"] is None else (row["ended_at"] - at(0)) // MINUTE_US,
        )
        for row in rows
    ]


def settle(bench: Bench) -> None:
    """The running process reads the roster and judges anew; a process that starts agrees."""
    bench.follow_roster()
    while bench.commit(NO_ROWS, Kind.LATE).late_left:
        continue
    assert bench.count("late_work") == 0
    with psycopg.connect(bench.url, autocommit=True) as connection:
        again = recall(connection, bench.rulebook, NOW)
    first_tick = tick(again.state, again.wearers, bench.rulebook, NOW, 0)
    state = apply(again.state, first_tick)
    for pair, slot in again.wearers.slots.items():
        theirs = state.gather(np.array([slot]))
        mine = bench.state.gather(np.array([bench.wearers.slots[pair]]))
        for name in RUNS:
            assert theirs[name].tobytes() == mine[name].tobytes()


def test_a_pin_that_was_wrong_from_the_start_takes_the_finding_back(bench: Bench) -> None:
    bench.commit(fixes(bench, list(range(10)), 1.0))
    assert findings(bench) == [("left_home", 0, None)]
    bench.correct(corrected(home=pin(1)) | {"effective_at": format_rfc3339(at(-60))})
    settle(bench)
    assert findings(bench) == []
    assert bench.count("alert", "condition = 'cleared'") == 1


def test_a_pin_that_moved_makes_nothing_of_the_time_before(bench: Bench) -> None:
    bench.commit(fixes(bench, [*range(5), *range(9, 20)], 0.0))
    bench.correct(corrected(home=pin(1)) | {"effective_at": format_rfc3339(at(10))})
    settle(bench)
    assert findings(bench) == [("left_home", 10, None)]
    bench.commit(fixes(bench, list(range(20, 25)), 1.0))
    settle(bench)  # by now the night is over by the clock, and what comes for it is late
    assert findings(bench) == [("left_home", 10, 20)]
    bench.commit(fixes(bench, [5, 6, 7, 8], 1.0))
    settle(bench)
    assert findings(bench) == [("left_home", 5, 9), ("left_home", 10, 20)]


def test_nobody_is_judged_anew_by_the_old_roster(bench: Bench) -> None:
    bench.commit(fixes(bench, list(range(10)), 1.0))
    bench.correct(corrected(home=pin(1)) | {"effective_at": format_rfc3339(at(-60))})
    result = bench.commit(NO_ROWS, Kind.LATE)
    assert (result.late_wearers, result.late_left) == (0, False)
    assert bench.count("late_work") == 1
    bench.follow_roster()
    assert bench.commit(NO_ROWS, Kind.TICK).late_left
    assert bench.commit(NO_ROWS, Kind.LATE).late_wearers == 1
    assert findings(bench) == []


def test_a_leave_entered_afterwards_ends_what_stood(bench: Bench) -> None:
    bench.commit(fixes(bench, list(range(10)), 1.0))
    swab = {"from": format_rfc3339(at(0)), "to": format_rfc3339(at(60)), "why": "swab"}
    bench.correct(corrected(leave=[swab]))
    settle(bench)
    assert findings(bench) == []
    bench.correct(corrected(leave=[]))
    settle(bench)
    assert findings(bench) == [("left_home", 0, None)]
    bench.correct(corrected(leave=[swab | {"from": format_rfc3339(at(4))}]))
    settle(bench)
    assert findings(bench) == [("left_home", 0, None)]


def test_a_threshold_holds_from_its_time(bench: Bench) -> None:
    bench.commit(bench.rows(0, list(range(60)), 3760))
    assert findings(bench) == [("fever", 0, None)]
    raised = {"fever_c": {"axillary": {"value_c": 38.5, "origin": "dr-01"}}}
    bench.correct(corrected(thresholds=raised) | {"effective_at": format_rfc3339(at(20))})
    settle(bench)
    # 37.6 is more than 0.3 below 38.5: it clears.
    assert findings(bench) == [("fever", 0, 20)]


def _before(bench: Bench, what: str) -> list[tuple[int, Any]]:
    with psycopg.connect(bench.url) as connection:
        people = load(connection, NOW)
    [episode] = [each for each in people.episodes.values() if each.id == "e-0000"]
    return list(getattr(episode, f"{what}_before"))


def home(kilometres: float) -> Home:
    return Home(Datum.WGS84, pin(kilometres)["lat"], HOME[1], 50.0)


def test_the_later_import_replaces_from_its_time_on(bench: Bench) -> None:
    first = Home(Datum.WGS84, *HOME, 50.0)
    bench.correct(corrected(home=pin(1)) | {"effective_at": format_rfc3339(at(100))})
    bench.correct(corrected(home=pin(2)) | {"effective_at": format_rfc3339(at(200))})
    assert _before(bench, "homes") == [(at(100), first), (at(200), home(1))]
    bench.correct(corrected(thresholds={"fever_c": 37.5}))
    assert _before(bench, "homes") == [(at(100), first), (at(200), home(1))]
    assert _before(bench, "fever") == [(NOW, {})]
    bench.correct(corrected(home=pin(3)) | {"effective_at": format_rfc3339(at(200))})
    assert _before(bench, "homes") == [(at(100), first), (at(200), home(1))]
    bench.correct(corrected(home=pin(4)) | {"effective_at": format_rfc3339(at(150))})
    assert _before(bench, "homes") == [(at(100), first), (at(150), home(1))]
    bench.correct(corrected(home=pin(5)) | {"effective_at": format_rfc3339(at(50))})
    assert _before(bench, "homes") == [(at(50), first)]


def test_nothing_held_before_the_episode_began(bench: Bench) -> None:
    bench.correct(corrected(home=pin(1)) | {"effective_at": format_rfc3339(NOW - 8 * DAY_US)})
    assert _before(bench, "homes") == []


def test_what_did_not_change_asks_nothing(bench: Bench) -> None:
    bench.commit(bench.rows(0, [1]))
    bench.correct(corrected(building="9"))
    assert (bench.count("late_work"), bench.count("episode_before")) == (0, 0)


@pytest.mark.parametrize("effective_at", [NOW + 1_000_000, NOW - 32 * DAY_US])
def test_a_time_out_of_range_is_refused(bench: Bench, effective_at: int) -> None:
    with pytest.raises(RosterRefused, match="/effective_at"):
        bench.correct({"effective_at": format_rfc3339(effective_at)})


def _worn(device: int, episode: int, from_at: int, to_at: int | None) -> dict[str, Any]:
    return {
        "device": f"w-{device:04d}",
        "episode": f"e-{episode:04d}",
        "from": format_rfc3339(from_at),
        "to": None if to_at is None else format_rfc3339(to_at),
    }


def test_a_device_that_went_to_another_takes_no_finding_along(bench: Bench) -> None:
    bench.commit(bench.rows(0, list(range(30)), 3840))
    bench.correct(
        {
            "assignments": [
                _worn(0, 0, NOW - 7 * DAY_US, at(20)),
                _worn(0, 1, at(20), None),
            ]
        }
    )
    settle(bench)
    assert findings(bench) == [("fever", 0, 20)]
    assert bench.count("reading", f"episode_no = {_episode_no(bench, 1)}") == 10
    bench.correct({"assignments": [_worn(0, 0, NOW - 7 * DAY_US, at(5))]})
    settle(bench)
    assert findings(bench) == []
    bench.correct({"assignments": [_worn(0, 0, NOW - 7 * DAY_US, at(15))]})
    settle(bench)
    assert findings(bench) == [("fever", 0, 15)]


def _episode_no(bench: Bench, episode: int) -> int:
    [no] = [e.no for e in bench.beginning.roster.episodes.values() if e.id == f"e-{episode:04d}"]
    return no


def test_what_the_next_wearer_measured_is_theirs(bench: Bench) -> None:
    """Handed over at minute 20, entered long after: the fever is not lost, and not the first's."""
    bench.commit(bench.rows(0, list(range(20))))
    bench.commit(bench.rows(0, list(range(20, 40)), 3840))
    assert findings(bench) == [("fever", 20, None)]
    first = _worn(0, 0, NOW - 7 * DAY_US, at(20))
    bench.correct({"assignments": [first, _worn(0, 1, at(20), None)]})
    settle(bench)
    assert findings(bench) == [("fever", 20, None)]
    fever_of = f"episode_no = {_episode_no(bench, 1)} AND withdrawn_at IS NULL"
    assert bench.count("finding", fever_of) == 1
    assert bench.count("alert", f"episode_no = {_episode_no(bench, 1)}") == 1
    assert bench.count("reading", f"episode_no = {_episode_no(bench, 0)}") == 20


def test_what_somebody_measured_who_is_entered_after_the_last_was_taken_out_is_theirs(
    bench: Bench,
) -> None:
    """Taken off at minute 20, and only the next import says who wore it from then on."""
    bench.commit(bench.rows(0, list(range(20))))
    bench.commit(bench.rows(0, list(range(20, 40)), 3840))
    bench.correct({"assignments": [_worn(0, 0, NOW - 7 * DAY_US, at(20))]})
    settle(bench)
    assert findings(bench) == []
    bench.correct({"assignments": [_worn(0, 1, at(20), None)]})
    settle(bench)
    assert findings(bench) == [("fever", 20, None)]
    assert bench.count("reading", f"episode_no = {_episode_no(bench, 1)}") == 20


def test_an_episode_that_is_said_to_have_begun_earlier_gets_its_readings(bench: Bench) -> None:
    bench.commit(bench.rows(0, list(range(20))))
    bench.commit(bench.rows(0, list(range(20, 40)), 3840))
    first = _worn(0, 0, NOW - 7 * DAY_US, at(20))
    began = corrected(1, starts_at=format_rfc3339(at(30)))
    bench.correct(began | {"assignments": [first, _worn(0, 1, at(20), None)]})
    settle(bench)
    assert findings(bench) == []
    bench.correct(corrected(1, starts_at=format_rfc3339(at(0))))
    settle(bench)
    assert findings(bench) == [("fever", 20, None)]


def test_an_episode_that_ended_earlier(bench: Bench) -> None:
    bench.commit(bench.rows(0, list(range(30)), 3840))
    bench.correct(corrected(ends_at=format_rfc3339(at(20))))
    settle(bench)
    assert findings(bench) == [("fever", 0, 20)]
    bench.correct(corrected(ends_at=format_rfc3339(NOW + HOUR_US)))
    settle(bench)
    assert findings(bench) == [("fever", 0, None)]


def test_an_alert_that_a_person_touched_stays_theirs(bench: Bench) -> None:
    bench.commit(fixes(bench, list(range(10)), 1.0))
    with psycopg.connect(bench.url) as connection:
        connection.execute("UPDATE alert SET response = 'acknowledged', assignee = 'dr-01'")
    bench.correct(corrected(home=pin(1)) | {"effective_at": format_rfc3339(at(-60))})
    settle(bench)
    assert findings(bench) == []
    assert bench.count("alert", "response = 'acknowledged' AND condition = 'cleared'") == 1
    assert bench.count("alert_event", "kind = 'unsupported'") == 1


def test_late_data_and_a_correction_wait_as_one(bench: Bench) -> None:
    """The older of the two counts, and the newer roster is waited for."""
    bench.commit(fixes(bench, list(range(5, 30)), 0.0))
    bench.correct(corrected(home=pin(1)) | {"effective_at": format_rfc3339(at(20))})
    bench.commit(fixes(bench, [0, 1, 2, 3, 4], 1.0))
    with psycopg.connect(bench.url) as connection:
        rows = connection.execute("SELECT from_at, roster_version FROM late_work").fetchall()
    assert rows == [(to_datetime(at(0)), 2)]
    settle(bench)
    assert findings(bench) == [("left_home", 0, 5), ("left_home", 20, None)]
