"""The rows behind the feeds, and that the outbox in memory of the unit tests is like them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

import psycopg
import pytest

from alerts.delivery import (
    HELD,
    Consumer,
    Failed,
    Gone,
    Later,
    Load,
    Queue,
    Result,
    Sent,
    State,
)
from alerts.feeds.port import Outbox as Port
from domain.instant import MINUTE_US, SECOND_US, to_datetime
from store.errors import StoreUnreachable
from store.outbox import Outbox
from tests.integration.alerts.world import NOW, World, began
from tests.integration.store.subscribing import KINDS, answered, due, subscribe
from tests.unit.alerts.outboxes import MemoryOutbox

EVENTS = (
    "WITH counted AS (UPDATE event_counter SET last_event_id = last_event_id + 1"
    " RETURNING last_event_id)"
    " INSERT INTO alert_event (event_id, alert_id, grid_no, type, kind, at, before, after)"
    " SELECT last_event_id, a.id, a.grid_no, 'update', 'revised', a.raised_at, NULL, '{}'"
    " FROM counted, alert a WHERE a.id = %s"
)


class Harness(Protocol):
    """One consumer with the number 1, and a log of the alerts `a` and `b`."""

    outbox: Port

    def log(self, alerts: str) -> None: ...

    def states(self) -> list[tuple[int, str, State, int]]: ...


class InMemory:
    def __init__(self) -> None:
        self.memory = MemoryOutbox(Consumer(1, "s-1", "webhook", None, {}, ()))
        self.outbox: Port = self.memory

    def log(self, alerts: str) -> None:
        self.memory.log(*alerts)

    def states(self) -> list[tuple[int, str, State, int]]:
        return [
            (each.event_id, each.alert_id, each.state, each.attempts)
            for each in self.memory.rows[1].deliveries.values()
        ]


class Stored:
    """`a` is an alert of grid 1, `b` another one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.outbox: Port = Outbox(world.url, lambda: NOW)
        world.raise_alert(1)
        world.raise_alert(4)
        self.names = {"alert-1": "a", "alert-2": "b"}
        with psycopg.connect(world.url) as connection:
            connection.execute("TRUNCATE alert_event CASCADE")
            connection.execute("UPDATE event_counter SET last_event_id = 0")
        subscribe(world, "s-1")

    def log(self, alerts: str) -> None:
        ids = {name: alert_id for alert_id, name in self.names.items()}
        with psycopg.connect(self.world.url) as connection:
            for name in alerts:
                connection.execute(EVENTS, [ids[name]])

    def states(self) -> list[tuple[int, str, State, int]]:
        return [
            (row["event_id"], self.names[row["alert_id"]], State(row["state"]), row["attempts"])
            for row in self.world.rows("SELECT * FROM delivery ORDER BY event_id")
        ]


@pytest.fixture(params=["memory", "stored"])
async def harness(request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    made: Harness = (
        InMemory()
        if request.param == "memory"
        else Stored(World(request.getfixturevalue("database")))
    )
    yield made
    await made.outbox.close()


class TestLikeTheOneInMemory:
    async def test_events_are_handed_over_once_and_in_order(self, harness: Harness) -> None:
        harness.log("aba")
        assert await harness.outbox.lead()
        for _ in range(2):
            await harness.outbox.hand_over(KINDS, NOW)
        waiting = State.WAITING
        assert harness.states() == [
            (1, "a", waiting, 0),
            (2, "b", waiting, 0),
            (3, "a", waiting, 0),
        ]
        assert [each.event_id for each in await due(harness.outbox)] == [1, 2, 3]

    async def test_no_more_than_there_is_room_for(self, harness: Harness) -> None:
        harness.log("ab" * HELD)
        for _ in range(3):
            await harness.outbox.hand_over(KINDS, NOW)
        assert len(harness.states()) == HELD
        await answered(harness.outbox, 1, Sent("200"))
        await harness.outbox.hand_over(KINDS, NOW)
        assert len(await due(harness.outbox)) == HELD
        assert (await due(harness.outbox))[-1].event_id == HELD + 1

    async def test_what_is_delivered_is_done_with(self, harness: Harness) -> None:
        harness.log("ab")
        await harness.outbox.hand_over(KINDS, NOW)
        await answered(harness.outbox, 1, Sent("200"))
        assert harness.states() == [(1, "a", State.DELIVERED, 1), (2, "b", State.WAITING, 0)]

    async def test_the_same_result_twice_is_once(self, harness: Harness) -> None:
        harness.log("a")
        await harness.outbox.hand_over(KINDS, NOW)
        result = Result(1, tuple(await due(harness.outbox)), Sent("200"))
        await harness.outbox.record([result], NOW, 0.5)
        await harness.outbox.record([result], NOW, 0.5)
        assert harness.states() == [(1, "a", State.DELIVERED, 1)]

    async def test_a_failure_is_due_again_later(self, harness: Harness) -> None:
        harness.log("a")
        await harness.outbox.hand_over(KINDS, NOW)
        await answered(harness.outbox, 1, Failed("500"))
        assert await due(harness.outbox) == ()
        (again,) = await due(harness.outbox, NOW + 5 * SECOND_US)
        assert (again.attempts, again.first_tried_at, again.status) == (1, NOW, "500")

    async def test_one_that_fails_rests_and_recovers_with_everything(
        self, harness: Harness
    ) -> None:
        harness.log("ab")
        await harness.outbox.hand_over(KINDS, NOW)
        await answered(harness.outbox, 1, Failed("500", 60))
        assert await due(harness.outbox, NOW + 59 * SECOND_US) == ()
        later = NOW + MINUTE_US
        await answered(harness.outbox, 2, Failed("500"), later)
        assert await due(harness.outbox, later) == ()
        much_later = later + MINUTE_US
        await answered(harness.outbox, 1, Sent("200"), much_later)
        (queue,) = await harness.outbox.queues(KINDS, much_later)
        assert (queue.health.failures, queue.waiting[0].due_at <= much_later) == (0, True)

    async def test_our_own_later_holds_for_the_consumer(self, harness: Harness) -> None:
        harness.log("ab")
        await harness.outbox.hand_over(KINDS, NOW)
        await answered(harness.outbox, 1, Later(10))
        assert await due(harness.outbox, NOW + 9 * SECOND_US) == ()
        assert len(await due(harness.outbox, NOW + 10 * SECOND_US)) == 2

    async def test_one_that_is_gone_is_handed_nothing_more(self, harness: Harness) -> None:
        harness.log("a")
        await harness.outbox.hand_over(KINDS, NOW)
        await answered(harness.outbox, 1, Gone("410"))
        harness.log("b")
        await harness.outbox.hand_over(KINDS, NOW)
        assert harness.states() == [(1, "a", State.WAITING, 1)]
        assert await due(harness.outbox, NOW + MINUTE_US) == ()

    async def test_other_kinds_are_left_alone(self, harness: Harness) -> None:
        harness.log("a")
        await harness.outbox.hand_over(["mqtt"], NOW)
        assert harness.states() == []
        await harness.outbox.hand_over(KINDS, NOW)
        assert await harness.outbox.queues(["mqtt"], NOW) == []

    async def test_a_load_has_the_events_that_are_wanted(self, harness: Harness) -> None:
        harness.log("aba")
        await harness.outbox.hand_over(KINDS, NOW)
        (load,) = await harness.outbox.loads({1: [3, 2]}, NOW)
        assert load.consumer.id == "s-1"
        assert [(each.event_id, each.type) for each in load.messages] == [
            (2, "update"),
            (3, "update"),
        ]


async def handed(outbox: Outbox) -> dict[int, list[int]]:
    """Consumer -> events."""
    await outbox.hand_over(KINDS, NOW)
    queues: list[Queue] = await outbox.queues(KINDS, NOW)
    return {queue.no: [each.event_id for each in queue.waiting] for queue in queues}


async def test_events_of_its_grids_only_and_the_cursor_passes_the_others(
    world: World, outbox: Outbox
) -> None:
    numbers = {row["id"]: row["grid_no"] for row in world.rows("SELECT id, grid_no FROM grid")}
    subscribe(world, "one", (numbers["grid-1"],))
    subscribe(world, "both", (numbers["grid-1"], numbers["grid-2"]))
    subscribe(world, "all")
    for n in (1, 2, 3):
        world.raise_alert(n)
    assert await handed(outbox) == {1: [1], 2: [1, 2], 3: [1, 2, 3]}
    cursors = world.rows("SELECT cursor FROM subscriber")
    assert {row["cursor"] for row in cursors} == {3}
    loads = await outbox.loads({1: [1], 2: [1], 3: [1]}, NOW)
    assert [load.consumer.grids for load in loads] == [("grid-1",), ("grid-1", "grid-2"), None]


async def test_a_subscriber_begins_with_what_comes_after_it(world: World, outbox: Outbox) -> None:
    world.raise_alert(1)
    subscribe(world, "late")
    assert await handed(outbox) == {}
    world.raise_alert(2)
    assert await handed(outbox) == {1: [2]}


async def test_the_services_own_go_on_where_they_were(world: World, outbox: Outbox) -> None:
    subscribe(world, "mine", topic="a")
    world.raise_alert(1)
    subscribe(world, "mine", topic="b")
    assert await handed(outbox) == {1: [1]}
    (load,) = await outbox.loads({1: [1]}, NOW)
    assert load.consumer.config == {"topic": "b"}


async def test_one_that_a_person_stopped_goes_on_from_there(world: World, outbox: Outbox) -> None:
    subscribe(world, "s")
    with psycopg.connect(world.url) as connection:
        connection.execute(
            "UPDATE subscriber SET stopped_at = %s, stopped_why = 'person'", [to_datetime(NOW)]
        )
    world.raise_alert(1)
    assert await handed(outbox) == {}
    assert await outbox.loads({1: [1]}, NOW) == []
    with psycopg.connect(world.url) as connection:
        connection.execute("UPDATE subscriber SET stopped_at = NULL, stopped_why = NULL")
    assert await handed(outbox) == {1: [1]}


async def test_messages_carry_the_alert_as_outsiders_see_it(world: World, outbox: Outbox) -> None:
    subscribe(world, "s")
    finding = world.finding(1, detail='{"fix": {"lat": 32.06, "lon": 118.79}, "cause": "x"}')
    world.record(began(finding))
    await handed(outbox)
    loads: list[Load] = await outbox.loads({1: [1]}, NOW)
    (message,) = loads[0].messages
    assert (message.id, message.grid, message.type, message.kind) == (
        "evt_1",
        "grid-1",
        "new",
        "raised",
    )
    assert (message.at, message.before, message.after["person"]) == (NOW, None, "p-1")
    assert message.after["evidence"]["cause"] == "x"
    assert "fix" not in message.after["evidence"]


async def test_secrets_that_are_over_are_not_handed_out(world: World, outbox: Outbox) -> None:
    subscribe(world, "s")
    world.raise_alert(1)
    with psycopg.connect(world.url) as connection:
        for secret, until in (("old", NOW), ("beside", NOW + 1), ("new", None)):
            connection.execute(
                "INSERT INTO subscriber_secret VALUES (1, %s, %s, %s)",
                [
                    secret,
                    to_datetime(NOW - (0 if secret == "new" else 9)),
                    None if until is None else to_datetime(until),
                ],
            )
    (load,) = await outbox.loads({1: [1]}, NOW)
    assert load.consumer.secrets == ("new", "beside")


async def test_one_leads_and_the_other_when_it_is_gone(world: World, outbox: Outbox) -> None:
    other = Outbox(world.url, lambda: NOW)
    assert await outbox.lead()
    assert await outbox.lead()
    assert not await other.lead()
    with psycopg.connect(world.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'doorstep-outbox' AND datname = current_database()"
        )
    for broken in (outbox, other):
        with pytest.raises(StoreUnreachable):
            await broken.hand_over(KINDS, NOW)
    assert await other.lead()
    assert not await outbox.lead()
    await other.close()
    async with asyncio.timeout(10):
        while not await outbox.lead():
            await asyncio.sleep(0.01)


async def test_a_subscriber_that_was_taken_away_meanwhile_is_no_trouble(
    world: World, outbox: Outbox
) -> None:
    subscribe(world, "s")
    world.raise_alert(1)
    await outbox.hand_over(KINDS, NOW)
    result = Result(1, tuple(await due(outbox)), Sent("200"))
    with psycopg.connect(world.url) as connection:
        connection.execute("DELETE FROM subscriber")
    await outbox.record([result], NOW, 0.5)
    assert world.rows("SELECT * FROM delivery") == []
