"""Rounds on a real database: one quiet message of what calls nobody, once, and nothing else."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from typing_extensions import override

from alerts.delivery import KEPT_US, OVERDUE_US
from alerts.digest import Round
from alerts.escalation import urgency
from alerts.feeds.digest import Digests
from alerts.feeds.notify import Notifier
from domain.instant import DAY_US, HOUR_US, MINUTE_US, SECOND_US, parse_rfc3339
from doorstep.clock import SystemClock
from doorstep.process import PASSING
from rules.finding import Rule, Severity
from store.alertrows import fetch
from store.contact_uses import Uses
from store.digests import Rounds
from store.errors import StoreUnreachable
from store.notified import Directory
from store.pool import Pool
from store.roster_import import import_document
from tests.integration.alerts.receiving import Had, Receiver, receiving
from tests.integration.alerts.world import CONSOLE, NOW, World, began, leaks
from tests.services.doorstep import serve

ROUTINE: Final = Severity.ROUTINE
NINE: Final = parse_rfc3339("2026-02-03T09:00:00+08:00")
"""Some hours before `NOW`, in grid-1's time."""
TOMORROW: Final = NINE + DAY_US


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def give(world: World, **member: Any) -> None:
    """dr-1 has a contact and is told at nine."""
    with psycopg.connect(world.url) as connection:
        document = {"staff": [{"id": "dr-1", **member}]}
        import_document(connection, json.loads(json.dumps(document)), NOW)


@contextmanager
def opened(world: World) -> Iterator[Pool]:
    pool = Pool(world.url)
    pool.open()
    try:
        yield pool
    finally:
        pool.close()


def rounds(world: World) -> list[tuple[int, str, int, str]]:
    """(days after NINE, state, attempts, status), in order."""
    rows = world.rows("SELECT *, due_at::text AS due FROM digest ORDER BY due_at")
    return [
        (
            (parse_rfc3339(row["due"].replace(" ", "T") + ":00") - NINE) // DAY_US,
            row["state"],
            row["attempts"],
            row["status"],
        )
        for row in rows
    ]


class Deaf(Rounds):
    """A process that dies before what it did is written down."""

    @override
    def record(self, after: Round, up_to_event: int) -> None:
        raise StoreUnreachable("gone")


class Bench:
    """The digests of one process after the other: what they know of each other is in the rows."""

    def __init__(self, world: World, receiver: Receiver) -> None:
        self.world = world
        self.receiver = receiver
        self.at = NOW
        """The service's clock, and the real one."""
        self.pool = Pool(world.url)
        self.pool.open()
        self.path = f"json://127.0.0.1:{receiver.port}/"
        give(world, contacts=[self.path], digest=["09:00"])

    async def look(self, at: int, kind: type[Rounds] = Rounds) -> list[Had]:
        """What a look at this instant has sent."""
        self.at, before = at, len(self.receiver.had)
        notifier = Notifier(Directory(self.pool), Uses(self.pool), "", lambda: self.at, PASSING)
        made = Digests(
            kind(self.pool, lambda: self.at),
            notifier,
            CONSOLE,
            lambda: self.at,
            lambda: 0.5,
            PASSING,
        )
        await made.look()
        return self.receiver.had[before:]

    def quiet(self, n: int = 1, rule: Rule = Rule.SILENT) -> None:
        self.world.record(began(self.world.finding(n, rule=rule, severity=ROUTINE)))


@pytest.fixture
def bench(world: World, receiver: Receiver) -> Iterator[Bench]:
    bench = Bench(world, receiver)
    try:
        yield bench
    finally:
        bench.pool.close()


class TestTelling:
    async def test_one_quiet_message_a_round(self, bench: Bench) -> None:
        bench.quiet()
        bench.quiet(4)
        bench.quiet(4, Rule.BATTERY_LOW)
        assert await bench.look(NOW) == []
        assert await bench.look(TOMORROW - 1) == []
        (had,) = await bench.look(TOMORROW)
        assert had.body["title"] == "Doorstep: round of 02-04 09:00, 3 quiet alerts, 3 new"
        assert had.body["message"].split("\n") == [
            "grid-1, building 4: 2 (王*)",
            "grid-1, building 1: 1 (王*)",
            CONSOLE,
        ]
        assert had.body["type"] == "info"
        assert not leaks(had.raw.decode())
        assert await bench.look(TOMORROW + SECOND_US) == []
        assert rounds(bench.world)[1:] == [(1, "told", 1, "1 of 1 contacts")]

    async def test_without_news_nothing_is_sent_and_with_some_all_is_said(
        self, bench: Bench
    ) -> None:
        bench.quiet()
        await bench.look(NOW)
        assert len(await bench.look(TOMORROW)) == 1
        assert await bench.look(TOMORROW + DAY_US) == []
        assert rounds(bench.world)[-1] == (2, "nothing", 0, "")
        bench.quiet(4)
        (had,) = await bench.look(TOMORROW + 2 * DAY_US)
        assert had.body["title"].endswith("2 quiet alerts, 1 new")

    async def test_what_is_closed_what_calls_and_what_is_not_theirs_is_left_out(
        self, bench: Bench
    ) -> None:
        world = bench.world
        for n in (1, 2, 3, 4):
            bench.quiet(n)
        world.raise_alert(1)
        with psycopg.connect(world.url) as connection:
            connection.execute(
                "UPDATE alert SET response = 'closed', closed_at = raised_at WHERE id = 'alert-1'"
            )
        await bench.look(NOW)
        (had,) = await bench.look(TOMORROW)
        assert had.body["message"] == f"grid-1, building 4: 1 (王*)\n{CONSOLE}"

    async def test_ten_days_that_nobody_ran_are_one_message(self, bench: Bench) -> None:
        bench.quiet()
        await bench.look(NOW)
        (had,) = await bench.look(TOMORROW + 10 * DAY_US + HOUR_US)
        assert "02-14 09:00" in had.body["title"]
        assert await bench.look(TOMORROW + 10 * DAY_US + 2 * HOUR_US) == []

    async def test_nobody_is_told_off_duty(self, bench: Bench) -> None:
        bench.quiet()
        give(bench.world, shifts=[{"days": ["wed"], "from": "20:00", "to": "24:00"}])
        await bench.look(NOW)
        assert await bench.look(TOMORROW) == []
        assert len(await bench.look(TOMORROW + 11 * HOUR_US)) == 1

    async def test_who_does_not_wish_it_is_told_nothing(self, bench: Bench) -> None:
        bench.quiet()
        give(bench.world, digest=[])
        for day in range(3):
            assert await bench.look(TOMORROW + day * DAY_US) == []
        assert rounds(bench.world) == []


class TestFailing:
    async def test_one_that_does_not_arrive_is_tried_until_it_does(self, bench: Bench) -> None:
        bench.quiet()
        await bench.look(NOW)
        bench.receiver.answers["/"] = (500, {})
        at = TOMORROW
        for _ in range(3):
            assert len(await bench.look(at)) == 1
            assert await bench.look(at + SECOND_US) == []
            at += 3 * MINUTE_US
        assert rounds(bench.world)[-1] == (1, "waiting", 3, "0 of 1 contacts")
        bench.receiver.answers.clear()
        (had,) = await bench.look(at + HOUR_US)
        assert "02-04 09:00" in had.body["title"]
        assert rounds(bench.world)[-1] == (1, "told", 4, "1 of 1 contacts")

    async def test_a_signal_says_so_and_ends(self, bench: Bench) -> None:
        def signals() -> list[tuple[str, bool]]:
            rows = bench.world.rows("SELECT subject, ended_at FROM signal WHERE grid_nos = '{1}'")
            return [(row["subject"], row["ended_at"] is None) for row in rows]

        bench.quiet()
        await bench.look(NOW)
        bench.receiver.answers["/"] = (500, {})
        await bench.look(TOMORROW)
        assert signals() == []
        await bench.look(TOMORROW + OVERDUE_US)
        assert signals() == [("digest:dr-1", True)]
        bench.receiver.answers.clear()
        await bench.look(TOMORROW + HOUR_US)
        await bench.look(TOMORROW + HOUR_US + SECOND_US)
        assert signals() == [("digest:dr-1", False)]

    async def test_the_next_round_takes_the_place_of_one_that_waits(self, bench: Bench) -> None:
        bench.quiet()
        await bench.look(NOW)
        bench.receiver.answers["/"] = (500, {})
        await bench.look(TOMORROW)
        bench.receiver.answers.clear()
        (had,) = await bench.look(TOMORROW + DAY_US)
        assert had.body["title"].endswith("1 quiet alert, 1 new")
        assert [each[:2] for each in rounds(bench.world)[1:]] == [(1, "missed"), (2, "told")]

    async def test_one_that_is_not_wanted_any_more_is_not_tried(self, bench: Bench) -> None:
        bench.quiet()
        await bench.look(NOW)
        bench.receiver.answers["/"] = (500, {})
        await bench.look(TOMORROW)
        give(bench.world, digest=[])
        assert await bench.look(TOMORROW + HOUR_US) == []
        assert rounds(bench.world)[-1][1] == "missed"

    async def test_who_dies_before_it_is_written_down_tells_the_same_again(
        self, bench: Bench
    ) -> None:
        bench.quiet()
        await bench.look(NOW)
        (first,) = await bench.look(TOMORROW, Deaf)
        (second,) = await bench.look(TOMORROW + MINUTE_US)
        assert first.body == second.body
        assert await bench.look(TOMORROW + HOUR_US) == []

    async def test_one_that_a_limit_holds_back_is_no_failure(self, bench: Bench) -> None:
        bench.quiet()
        await bench.look(NOW)
        with psycopg.connect(bench.world.url) as connection:
            connection.execute(
                "INSERT INTO contact_use SELECT sha256(%s), array_fill(to_timestamp(%s), '{5}'),"
                " NULL, to_timestamp(%s)",
                [bench.path.encode(), TOMORROW // SECOND_US, TOMORROW // SECOND_US],
            )
        assert await bench.look(TOMORROW) == []
        assert rounds(bench.world)[-1] == (1, "waiting", 0, "")
        assert len(await bench.look(TOMORROW + MINUTE_US)) == 1

    async def test_a_database_that_is_away_is_waited_for(self, bench: Bench) -> None:
        bench.quiet()
        await bench.look(NOW)
        bench.pool.close()
        assert await bench.look(TOMORROW) == []
        bench.pool = Pool(bench.world.url)
        bench.pool.open()
        assert len(await bench.look(TOMORROW)) == 1


async def test_old_rows_are_forgotten_but_for_what_tells_what_is_new(bench: Bench) -> None:
    bench.quiet()
    await bench.look(NOW)
    await bench.look(TOMORROW)
    assert [state for _, state, *_ in rounds(bench.world)] == ["nothing", "told"]
    for late in (KEPT_US, 2 * KEPT_US, 3 * KEPT_US):
        assert await bench.look(TOMORROW + late + DAY_US) == []
        await bench.look(TOMORROW + late + DAY_US + SECOND_US)
    assert [state for _, state, *_ in rounds(bench.world)] == ["told", "nothing"]


def test_what_calls_nobody_is_what_the_chain_leaves_for_the_round(world: World) -> None:
    """The same in SQL and in `alerts.escalation`, also at the edges."""
    give(world, contacts=["json://127.0.0.1/"], digest=["09:00"])
    rules = (Rule.FEVER, Rule.WATCH, Rule.OXYGEN)
    for rule, n in product(rules, (1, 4)):
        world.raise_alert(n, rule=rule)
    ages = (HOUR_US - 1, HOUR_US, 6 * HOUR_US - 1, 6 * HOUR_US)
    for severity, age in product(Severity, ages):
        with opened(world) as pool, pool.of_service() as connection:
            connection.execute(
                "UPDATE alert SET severity = %s, last_at = raised_at - %s * interval '1 us'",
                [severity.word, age],
            )
            alerts = [each.alert for each in fetch(connection, "ORDER BY a.id", [])]
            found = Rounds(pool, lambda: NOW).material("dr-1")
        assert found is not None
        left = sum(urgency(each) is ROUTINE for each in alerts)
        assert len(found.quiet) == left, (severity, age)


def test_the_serving_process_tells_it(world: World, receiver: Receiver, tmp_path: Path) -> None:
    give(world, contacts=[f"json://127.0.0.1:{receiver.port}/"], digest=["00:00", "12:00"])
    world.record(began(world.finding(1, rule=Rule.SILENT, severity=ROUTINE)))
    with psycopg.connect(world.url) as connection:
        connection.execute(
            "INSERT INTO digest (staff_no, due_at, state, next_try_at)"
            " SELECT staff_no, to_timestamp(%s), 'nothing', '-infinity' FROM staff"
            " WHERE id = 'dr-1'",
            [(SystemClock().now() - DAY_US) // SECOND_US],
        )
    with serve(world.url, tmp_path, FEEDS__MQTT="false", FEEDS__CONSOLE_URL=CONSOLE):
        (had,) = receiver.wait_for("/", 1)
    assert had.body["message"] == f"grid-1, building 1: 1 (王*)\n{CONSOLE}"
