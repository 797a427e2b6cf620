import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from typing_extensions import override

from alerts.canary import Sighting
from alerts.delivery import HELD, WIDTH, Answer, Consumer, Failed, Gone, Later, Message, Sent, State
from alerts.feeds import worker as module
from alerts.feeds.worker import TIDY_US, Worker
from domain import faults
from domain.faults import Point
from domain.instant import SECOND_US
from tests.unit.alerts.outboxes import Away, MemoryOutbox

WITHIN_S = 5.0


def consumer(no: int, kind: str = "plain") -> Consumer:
    return Consumer(no, f"s-{no}", kind, None, {}, ())


class Plain:
    """Answers what it is told to; what is not told is taken."""

    def __init__(self, together: int = 1) -> None:
        self.together = together
        self.answers: dict[int, Answer] = {}
        """Consumer -> what it always says."""
        self.hanging: set[int] = set()
        self.had: list[tuple[int, tuple[int, ...]]] = []
        """(Consumer, events) of each call."""
        self.now = 0
        self.most = 0
        self.under_way: dict[int, int] = {}

    async def send(self, consumer: Consumer, messages: Sequence[Message]) -> Answer:
        no = consumer.no
        self.under_way[no] = self.under_way.get(no, 0) + 1
        self.most = max(self.most, self.under_way[no])
        try:
            if no in self.hanging:
                await asyncio.Event().wait()
            await asyncio.sleep(0)
        finally:
            self.under_way[no] -= 1
        self.had.append((no, tuple(message.event_id for message in messages)))
        return self.answers.get(no, Sent("200"))

    def events(self, no: int) -> list[int]:
        return [event_id for whose, events in self.had if whose == no for event_id in events]


@asynccontextmanager
async def running(outbox: MemoryOutbox, sender: Plain) -> AsyncIterator[Worker]:
    worker = Worker(outbox, {"plain": sender}, lambda: sender.now, lambda: 0.5, (Away,))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.run())
        try:
            yield worker
        finally:
            worker.stop()
    assert outbox.closed


async def until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not so():
            await asyncio.sleep(0.001)


def states(outbox: MemoryOutbox, no: int = 1) -> list[State]:
    return [each.state for each in outbox.rows[no].deliveries.values()]


async def test_every_event_is_handed_to_every_consumer() -> None:
    outbox, sender = MemoryOutbox(consumer(1), consumer(2)), Plain()
    outbox.log(*(f"a{n}" for n in range(3 * HELD)))
    async with running(outbox, sender) as worker:
        await until(lambda: len(sender.events(1)) == len(sender.events(2)) == 3 * HELD)
        for no in (1, 2):
            assert sorted(sender.events(no)) == [*range(1, 3 * HELD + 1)]
        await until(lambda: worker.answers["plain", "sent"] == 6 * HELD)
    assert sender.most == WIDTH
    assert {*states(outbox)} == {State.DELIVERED}


async def test_events_of_one_alert_go_one_after_the_other() -> None:
    outbox, sender = MemoryOutbox(consumer(1)), Plain()
    outbox.log(*"ababbaab")
    async with running(outbox, sender):
        await until(lambda: len(sender.had) == 8)
    for alert in "ab":
        own = [each for each in sender.events(1) if outbox.events[each - 1] == alert]
        assert own == sorted(own)


async def test_who_takes_forever_holds_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FINISH_S", 0.01)
    outbox, sender = MemoryOutbox(*(consumer(no) for no in range(1, 31))), Plain()
    sender.hanging = {*range(2, 31)}
    outbox.log(*(f"a{n}" for n in range(50)))
    async with running(outbox, sender) as worker:
        await until(lambda: len(sender.events(1)) == 50)
        await until(lambda: worker.flying == 29 * WIDTH)


async def test_what_takes_too_long_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEND_S", 0.01)
    outbox, sender = MemoryOutbox(consumer(1)), Plain()
    sender.hanging = {1}
    outbox.log("a")
    async with running(outbox, sender):
        await until(lambda: bool(outbox.recorded))
    assert outbox.rows[1].deliveries[1].status == "timeout"


async def test_a_dead_consumer_is_asked_alone_and_then_has_everything() -> None:
    outbox, sender = MemoryOutbox(consumer(1)), Plain()
    sender.answers[1] = Failed("500")
    outbox.log(*(f"a{n}" for n in range(20)))
    async with running(outbox, sender) as worker:
        await until(lambda: outbox.rows[1].health.failures >= 2 and worker.flying == 0)
        tried = len(sender.had)
        assert tried <= 2 * WIDTH
        sender.answers[1] = Sent("200")
        sender.now += 10 * SECOND_US
        worker.news()
        await until(lambda: states(outbox) == [State.DELIVERED] * 20)
    assert outbox.rows[1].health.failures == 0


async def test_one_event_that_is_not_taken_holds_up_its_own_alert_only() -> None:
    class Picky(Plain):
        @override
        async def send(self, consumer: Consumer, messages: Sequence[Message]) -> Answer:
            await super().send(consumer, messages)
            return Failed("500") if messages[0].event_id == 1 else Sent("200")

    outbox, sender = MemoryOutbox(consumer(1)), Picky()
    outbox.log(*"aabcd")
    async with running(outbox, sender):
        await until(lambda: states(outbox).count(State.DELIVERED) == 3)
    assert states(outbox)[:2] == [State.WAITING] * 2


async def test_one_that_is_gone_is_left_alone() -> None:
    outbox, sender = MemoryOutbox(consumer(1), consumer(2)), Plain()
    sender.answers[1] = Gone("410")
    outbox.log(*(f"a{n}" for n in range(10)))
    async with running(outbox, sender) as worker:
        await until(lambda: len(sender.events(2)) == 10)
        await until(lambda: outbox.rows[1].health.gone)
        assert worker.answers["plain", "gone"] == len(sender.events(1)) <= WIDTH


async def test_later_is_asked_again_and_counts_for_nothing() -> None:
    outbox, sender = MemoryOutbox(consumer(1)), Plain()
    sender.answers[1] = Later(1)
    outbox.log("a")
    async with running(outbox, sender) as worker:
        await until(lambda: bool(outbox.recorded))
        sender.answers[1] = Sent("")
        sender.now += 2 * SECOND_US
        await until(lambda: states(outbox) == [State.DELIVERED])
        assert worker.answers == {("plain", "sent"): 1}


async def test_a_sender_that_tells_many_at_once_gets_many_in_one_call_at_a_time() -> None:
    outbox, sender = MemoryOutbox(consumer(1)), Plain(together=8)
    outbox.log(*(f"a{n}" for n in range(20)), "a0")
    async with running(outbox, sender):
        await until(lambda: len(sender.events(1)) == 21)
    assert sender.most == 1
    assert [len(events) for _, events in sender.had] == [8, 8, 5]
    assert sender.events(1) == [*range(1, 22)]


async def test_kinds_that_nobody_knows_are_left_alone() -> None:
    outbox, sender = MemoryOutbox(consumer(1, "other"), consumer(2)), Plain()
    outbox.log("a")
    async with running(outbox, sender):
        await until(lambda: sender.events(2) == [1])
    assert outbox.rows[1].cursor == 0


async def test_a_database_that_is_away_costs_nothing_but_time() -> None:
    outbox, sender = MemoryOutbox(consumer(1)), Plain()
    outbox.log("a", "b")
    outbox.away = True
    async with running(outbox, sender) as worker:
        await until(lambda: not worker.leading)
        assert sender.had == []
        outbox.away = False
        await until(lambda: states(outbox) == [State.DELIVERED] * 2)


async def test_what_was_sent_while_it_went_away_is_written_down_later_and_not_sent_again() -> None:
    class Cutting(Plain):
        @override
        async def send(self, consumer: Consumer, messages: Sequence[Message]) -> Answer:
            outbox.away = True
            return await super().send(consumer, messages)

    outbox, sender = MemoryOutbox(consumer(1)), Cutting()
    outbox.log("a")
    async with running(outbox, sender):
        await until(lambda: sender.had != [])
        outbox.away = False
        await until(lambda: states(outbox) == [State.DELIVERED])
    assert sender.events(1) == [1]


async def test_only_who_leads_delivers() -> None:
    outbox, sender = MemoryOutbox(consumer(1)), Plain()
    outbox.leader = False
    outbox.log("a")
    async with running(outbox, sender) as worker:
        await until(lambda: outbox.asked > 0)
        assert not worker.leading
        assert outbox.rows[1].cursor == 0
        outbox.leader = True
        worker.news()
        await until(lambda: sender.had != [])
        assert worker.leading


async def test_what_is_under_way_when_it_stops_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FINISH_S", 0.01)
    outbox, sender = MemoryOutbox(consumer(1), consumer(2)), Plain()
    sender.hanging = {2}
    outbox.log("a")
    async with running(outbox, sender) as worker:
        await until(lambda: sender.events(1) == [1] and worker.flying == 1)
    assert states(outbox, 1) == [State.DELIVERED]
    assert states(outbox, 2) == [State.WAITING]


async def test_signals_are_looked_after_every_few_seconds() -> None:
    outbox, sender = MemoryOutbox(consumer(1)), Plain()
    async with running(outbox, sender) as worker:
        for now in (SECOND_US, TIDY_US, SECOND_US + TIDY_US):
            asked = outbox.asked
            sender.now = now
            worker.news()
            await until(lambda asked=asked: outbox.asked > asked)  # type: ignore[misc]
    assert outbox.tidied == [SECOND_US, SECOND_US + TIDY_US]


async def test_the_fault_points_are_where_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[tuple[Point, int, int]] = []
    outbox, sender = MemoryOutbox(consumer(1)), Plain()

    def note(point: Point, *_: object) -> None:
        reached.append((point, len(sender.had), len(outbox.recorded)))

    monkeypatch.setattr(faults, "reached", note)
    outbox.log("a")
    async with running(outbox, sender):
        await until(lambda: bool(outbox.recorded))
    assert reached == [(Point.DELIVERIES_READ, 0, 0), (Point.DELIVERIES_ANSWERED, 1, 0)]


async def test_canaries_are_told_of_by_the_one_who_leads() -> None:
    outbox, seen = MemoryOutbox(), list[Sighting]()
    outbox.leader = False
    outbox.sightings = [Sighting(7, 1, "grid-1", "mark", 1, 2)]
    worker = Worker(outbox, {}, lambda: 0, lambda: 0.5, (Away,), seen.extend)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.run())
        await until(lambda: worker.standing_by)
        assert not seen
        outbox.leader = True
        worker.news()
        await until(lambda: bool(seen))
        assert not worker.standing_by
        outbox.away = True
        worker.news()
        outbox.leader = False
        await until(lambda: not worker.leading)
        assert not worker.standing_by  # nobody can know
        worker.stop()
