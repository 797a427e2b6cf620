"""Notifications through apprise to a real receiver: who is told of what, and who is spared."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import pytest

from alerts import technical
from alerts.canary_watch import Cut, Hop
from alerts.delivery import OVERDUE_US, Answer, Consumer, Failed, Later, Message, Sent
from alerts.feeds.notify import Notifier
from alerts.notification import Language, Member, Standing, Text, Tried, trial
from alerts.robots import ELSEWHERE, KEPT
from domain.instant import DAY_US, MINUTE_US, SECOND_US
from doorstep.clock import SystemClock
from rules.finding import Rule, Severity
from store.contact_uses import Uses
from store.notified import Directory
from store.outbox import Outbox
from store.pool import Pool
from store.roster_import import import_document
from tests.integration.alerts.asking import problem
from tests.integration.alerts.receiving import Receiver, receiving
from tests.integration.alerts.robots_host import DINGTALK, WECOM, Host, robots_host
from tests.integration.alerts.world import CONSOLE, NOW, World, began, leaks, serving
from tests.services import doorstep
from tests.services.doorstep import free_port

TEST: Final = "/api/v1/staff/me/notifications/test"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def contact(receiver: Receiver, path: str) -> str:
    return f"json://127.0.0.1:{receiver.port}{path}"


def give(world: World, staff: str, *contacts: str, languages: Sequence[str] = ()) -> None:
    document = {"staff": [{"id": staff, "contacts": contacts, "languages": languages}]}
    with psycopg.connect(world.url) as connection:
        import_document(connection, json.loads(json.dumps(document)), NOW)


def statuses(world: World) -> list[tuple[str, str, str]]:
    rows = world.rows(
        "SELECT s.id, d.state, d.status FROM delivery d JOIN subscriber s USING (subscriber_no)"
        " ORDER BY s.id, d.event_id"
    )
    return [(row["id"], row["state"], row["status"]) for row in rows]


def until(world: World, *wanted: tuple[str, str, str]) -> None:
    """Until so much has been written down."""
    for _ in range(2_000):
        if statuses(world) == [*wanted]:
            return
    assert statuses(world) == [*wanted]


class TestThroughTheService:
    def test_who_is_on_duty_is_told_who_where_and_what(
        self, world: World, receiver: Receiver, tmp_path: Path
    ) -> None:
        for staff in ("dr-1", "dr-2", "sup-1"):
            give(world, staff, contact(receiver, f"/{staff}"), languages=["zh-CN"])
        with serving(world, tmp_path):
            world.raise_alert(1)
            (had,) = receiver.wait_for("/dr-1", 1)
            until(
                world,
                ("notify:dr-1", "delivered", "1 of 1 contacts"),
                ("notify:sup-1", "delivered", "spared: told others"),
            )
        assert had.body["title"] == "Doorstep：紧急"
        assert had.body["message"] == f"紧急：王*，1号楼：体温\n{CONSOLE}/#/alerts/alert-1"
        assert had.body["type"] == "warning"
        assert len(receiver.had) == 1

    def test_what_waits_is_told_at_once_the_worst_first(
        self, world: World, receiver: Receiver, tmp_path: Path
    ) -> None:
        give(world, "dr-1", contact(receiver, "/"))
        world.raise_alert(1)
        world.record(began(world.finding(4, severity=Severity.CRITICAL)))
        world.record(began(world.finding(4, rule=Rule.SILENT, severity=Severity.ROUTINE)))
        world.record(began(world.finding(1, rule=Rule.OXYGEN)))
        with serving(world, tmp_path):
            (had,) = receiver.wait_for("/", 1)
        lines = had.body["message"].split("\n")
        assert [line.partition(":")[0] for line in lines[:-1]] == ["Critical", "Urgent", "Urgent"]
        assert lines[-1] == CONSOLE
        assert had.body["title"] == "Doorstep: 3 alerts, critical"
        assert not leaks(had.raw.decode())

    def test_what_somebody_has_seen_to_meanwhile_is_not_sent(
        self, world: World, receiver: Receiver, tmp_path: Path
    ) -> None:
        give(world, "dr-1", contact(receiver, "/"))
        world.raise_alert(1)
        world.raise_alert(4)
        with psycopg.connect(world.url) as connection:
            connection.execute("UPDATE alert SET response = 'acknowledged' WHERE id = 'alert-1'")
        with serving(world, tmp_path):
            (had,) = receiver.wait_for("/", 1)
        assert "alert-2" in had.body["message"]
        assert "alert-1" not in had.body["message"]

    def test_what_rests_on_old_readings_and_what_is_routine_calls_nobody(
        self, world: World, receiver: Receiver, tmp_path: Path
    ) -> None:
        give(world, "dr-1", contact(receiver, "/"))
        world.record(began(world.finding(1, onset=-100, last_at=NOW - 61 * MINUTE_US)))
        with serving(world, tmp_path):
            until(world, ("notify:dr-1", "delivered", "spared: visit list"))
            world.record(began(world.finding(1, rule=Rule.SILENT, severity=Severity.ROUTINE)))
            until(
                world,
                ("notify:dr-1", "delivered", "spared: visit list"),
                ("notify:dr-1", "delivered", "spared: routine"),
            )
        assert not receiver.had

    def test_a_contact_that_hangs_harms_nobody_else(
        self, world: World, receiver: Receiver, tmp_path: Path
    ) -> None:
        hanging = [f"/hangs/{number}" for number in range(20)]
        receiver.hanging.update(hanging)
        give(world, "dr-1", *(contact(receiver, path) for path in hanging))
        give(world, "dr-2", contact(receiver, "/well"))
        with serving(world, tmp_path):
            world.raise_alert(1)
            for path in hanging:
                receiver.wait_for(path, 1)
            world.raise_alert(2)
            receiver.wait_for("/well", 1)
            assert not receiver.released.is_set()
            receiver.released.set()

    def test_one_contact_that_takes_it_is_enough(
        self, world: World, receiver: Receiver, tmp_path: Path
    ) -> None:
        dead = f"json://127.0.0.1:{free_port()}/"
        give(world, "dr-1", dead, contact(receiver, "/"), "nonsense")
        with serving(world, tmp_path):
            world.raise_alert(1)
            until(world, ("notify:dr-1", "delivered", "1 of 3 contacts"))

    def test_one_that_nobody_takes_is_tried_again(
        self, world: World, receiver: Receiver, tmp_path: Path
    ) -> None:
        receiver.answers["/"] = (500, {})
        give(world, "dr-1", contact(receiver, "/"))
        with serving(world, tmp_path):
            world.raise_alert(1)
            receiver.wait_for("/", 1)
            receiver.answers["/"] = (200, {})
            receiver.wait_for("/", 2)


class TestTrying:
    def test_the_button_tries_every_contact(
        self, world: World, receiver: Receiver, client: httpx.Client
    ) -> None:
        receiver.answers["/no"] = (500, {})
        give(world, "dr-1", contact(receiver, "/yes"), contact(receiver, "/no"))
        assert client.post(TEST).json() == {
            "items": [{"scheme": "json", "taken": True}, {"scheme": "json", "taken": False}],
            "next": None,
        }
        assert "test" in receiver.at("/yes")[0].body["message"]
        (entry,) = world.rows("SELECT * FROM audit_log WHERE what = 'tested_contacts'")
        assert (entry["staff"], entry["object"]) == ("dr-1", "dr-1")

    def test_without_contacts_there_is_nothing_to_try(self, client: httpx.Client) -> None:
        assert problem(client.post(TEST), 409, None)["detail"] == (
            "the roster has no contact of yours"
        )

    def test_nobody_tries_without_signing_in(self, client: httpx.Client) -> None:
        assert client.post(TEST, headers={"Authorization": "Bearer x"}).status_code == 401

    def test_the_command_says_what_each_contact_did(self, world: World, receiver: Receiver) -> None:
        env = {"DOORSTEP_DATABASE_URL": world.url}
        give(world, "dr-1", contact(receiver, "/yes"))
        done = doorstep.run(["notify", "test", "--staff", "dr-1"], env)
        assert (done.returncode, done.stdout) == (0, "1 json: taken\n")
        (entry,) = world.rows("SELECT * FROM audit_log WHERE what = 'tested_contacts'")
        assert (entry["staff"], entry["object"], entry["grid_nos"]) == (None, "dr-1", [1])
        give(world, "dr-1", contact(receiver, "/yes"), "nonsense")
        done = doorstep.run(["notify", "test", "--staff", "dr-1", "--json"], env)
        assert done.returncode == 1
        assert [each["taken"] for each in json.loads(done.stdout)["items"]] == [True, False]
        assert doorstep.run(["notify", "test", "--staff", "no-one"], env).returncode == 1


class Memory:
    """A directory of one member."""

    def __init__(self, *contacts: str) -> None:
        self.contacts = contacts

    def member(self, staff: str, events: Sequence[int]) -> Member | None:
        standings = {each: Standing("open", "W*") for each in events}
        return Member(self.contacts, (), standings) if staff == "dr-1" else None


@pytest.fixture
def notifiers(world: World) -> Iterator["Notifiers"]:
    pool = Pool(world.url)
    pool.open()
    try:
        yield Notifiers(pool)
    finally:
        pool.close()


class Notifiers:
    """One after the other, as after restarts: what they know of each other is in the database."""

    def __init__(self, pool: Pool) -> None:
        self.now = NOW
        self._uses = Uses(pool)

    def one(self, *contacts: str) -> Notifier:
        return Notifier(Memory(*contacts), self._uses, "", lambda: self.now, ())

    async def sent(self, *contacts: str, **after: Any) -> Answer:
        told: dict[str, Any] = {
            "building": "5",
            "severity": "urgent",
            "rule": "fever",
            "response": "open",
            "notify": True,
            **after,
        }
        consumer = Consumer(1, "notify:dr-1", "notify", ("grid-1",), {"staff": "dr-1"}, ())
        message = Message(1, "a-1", "grid-1", "new", "raised", 1, None, told, ("dr-1",))
        return await self.one(*contacts).send(consumer, [message])


class TestLimits:
    async def test_what_is_too_much_waits_and_critical_ones_go_on(
        self, receiver: Receiver, notifiers: Notifiers
    ) -> None:
        here = contact(receiver, "/")
        for _ in range(ELSEWHERE.per_minute - KEPT[Severity.URGENT]):
            assert isinstance(await notifiers.sent(here), Sent)
            notifiers.now += SECOND_US
        assert isinstance(await notifiers.sent(here), Later)
        for _ in range(KEPT[Severity.URGENT]):
            assert isinstance(await notifiers.sent(here, severity="critical"), Sent)
            notifiers.now += SECOND_US
        assert isinstance(await notifiers.sent(here, severity="critical"), Later)
        assert len(receiver.had) == ELSEWHERE.per_minute
        notifiers.now += MINUTE_US
        assert isinstance(await notifiers.sent(here), Sent)

    async def test_a_robot_that_several_share_has_one_limit(
        self, receiver: Receiver, notifiers: Notifiers
    ) -> None:
        here = contact(receiver, "/")
        (tried,) = await notifiers.one().tell([here, here], trial(Language.EN))
        assert tried.taken
        (tried,) = await notifiers.one().tell([here], trial(Language.EN))
        assert (tried.taken, tried.wait_s > 0) == (False, True)
        assert len(receiver.had) == 1

    async def test_many_processes_at_once_keep_to_one_limit(
        self, receiver: Receiver, notifiers: Notifiers
    ) -> None:
        here = contact(receiver, "/")
        async with asyncio.TaskGroup() as tasks:
            for _ in range(4 * ELSEWHERE.per_second):
                tasks.create_task(notifiers.sent(here, severity="critical"))
        assert len(receiver.had) == ELSEWHERE.per_second

    async def test_what_is_routine_and_hangs_is_not_in_the_way(
        self, receiver: Receiver, notifiers: Notifiers
    ) -> None:
        receiver.hanging.add("/")
        here = contact(receiver, "/")
        notifier = notifiers.one(here)
        hanging = [asyncio.create_task(notifier.tell([here], trial(Language.EN)))]
        await asyncio.to_thread(receiver.wait_for, "/", 1)
        receiver.hanging.clear()
        notifiers.now += SECOND_US
        (tried,) = await notifier.tell([here], Text("t", "b", Severity.URGENT))
        assert tried.taken
        receiver.released.set()
        await asyncio.gather(*hanging)

    async def test_uses_of_yesterday_are_forgotten(
        self, world: World, receiver: Receiver, notifiers: Notifiers
    ) -> None:
        await notifiers.sent(contact(receiver, "/old"))
        notifiers.now += DAY_US + SECOND_US
        await notifiers.sent(contact(receiver, "/new"))
        assert len(world.rows("SELECT * FROM contact_use")) == 1

    async def test_no_address_is_written_down_a_second_time(
        self, world: World, receiver: Receiver, notifiers: Notifiers
    ) -> None:
        await notifiers.sent(contact(receiver, "/secret"))
        assert "secret" not in str(world.rows("SELECT * FROM contact_use"))


class TestTooOften:
    @pytest.fixture
    def host(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
        with robots_host(tmp_path) as host:
            for name, value in host.env.items():
                monkeypatch.setenv(name, value)
            yield host

    async def test_a_robot_that_had_too_much_is_left_alone_also_after_a_restart(
        self, host: Host, notifiers: Notifiers
    ) -> None:
        host.answer(WECOM, b'{"errcode":45009}')
        refused = Failed("0 of 1 contacts: too often", 60.0)
        assert await notifiers.sent("wecombot://key") == refused
        host.answer(WECOM, b'{"errcode":0}')
        notifiers.now += 20 * SECOND_US
        assert await notifiers.sent("wecombot://key") == replace(refused, retry_after_s=40.0)
        assert len(host.receiver.had) == 1
        notifiers.now += 40 * SECOND_US
        assert await notifiers.sent("wecombot://key") == Sent("1 of 1 contacts")

    async def test_the_others_are_told_meanwhile(
        self, host: Host, receiver: Receiver, notifiers: Notifiers
    ) -> None:
        host.answer(DINGTALK, b"", 302)
        here = contact(receiver, "/")
        for _ in range(2):
            told = await notifiers.sent("dingtalk://token", here)
            assert told == Sent("1 of 2 contacts")
        assert (len(host.receiver.had), len(receiver.had)) == (1, 2)

    async def test_one_that_is_dead_is_tried_sooner_than_one_that_rests(
        self, host: Host, notifiers: Notifiers
    ) -> None:
        host.answer(WECOM, b'{"errcode":45009}')
        dead = f"json://127.0.0.1:{free_port()}/"
        assert await notifiers.sent("wecombot://key", dead) == Failed("0 of 2 contacts")

    async def test_it_is_on_record_and_a_signal_says_so(
        self, host: Host, world: World, tmp_path: Path
    ) -> None:
        host.answer(WECOM, b'{"errcode":93000}')
        give(world, "dr-1", "wecombot://key")
        with serving(world, tmp_path):
            world.raise_alert(1)
            until(world, ("notify:dr-1", "waiting", "0 of 1 contacts"))
        outbox = Outbox(world.url, lambda: NOW)
        try:
            await outbox.tidy(SystemClock().now() + OVERDUE_US + SECOND_US)
        finally:
            await outbox.close()
        (signal,) = world.rows("SELECT kind, subject, ended_at FROM signal")
        assert signal == {"kind": "undeliverable", "subject": "feed:notify:dr-1", "ended_at": None}


async def test_an_alarm_needs_no_database(receiver: Receiver) -> None:
    nowhere = Pool("postgresql://nobody@127.0.0.1:1/nowhere")  # never opened
    notifier = Notifier(Directory(nowhere), Uses(nowhere), "", lambda: NOW, ())
    text = technical.broken(Cut(Hop.DATABASE, (), everybody=True), Language.EN, "")
    tried = await notifier.alarm(contact(receiver, "/"), text)
    assert tried == Tried("json", taken=True)
    (had,) = receiver.at("/")
    assert had.body["message"].startswith("Technical alarm: the database does not answer.")
