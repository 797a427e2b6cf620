import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from alerts.canary import Sighting
from alerts.casework import LoggedEvent
from alerts.dispatcher import LISTENERS, QUEUE, Dispatcher, TooManyListeners
from alerts.signals import Standing

Told = LoggedEvent | Standing | Sighting | None


class Away(Exception):
    """The log cannot be read."""


class Log:
    """A log in memory."""

    def __init__(self, length: int = 0) -> None:
        self.events = [LoggedEvent(n, n % 3, f"{n}") for n in range(1, length + 1)]
        self.away = False
        self.closed = 0
        self.sightings: list[Sighting] = []
        """Canaries that nobody has read yet."""
        self._news = asyncio.Event()

    def add(self, number: int) -> None:
        start = len(self.events) + 1
        self.events += [LoggedEvent(n, n % 3, f"{n}") for n in range(start, start + number)]
        self._news.set()

    async def last_id(self) -> int:
        self._here()
        return len(self.events)

    async def after(self, event_id: int, limit: int) -> list[LoggedEvent]:
        self._here()
        return self.events[event_id : event_id + limit]

    def see(self, *grid_nos: int) -> None:
        self.sightings += [Sighting(7, no, f"grid-{no}", "mark", 1, 2) for no in grid_nos]
        self._news.set()

    async def canaries(self) -> list[Sighting]:
        self._here()
        found, self.sightings = self.sightings, []
        return found

    async def wait(self, timeout_s: float) -> None:
        self._here()
        self._news.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
        except TimeoutError:
            return

    async def close(self) -> None:
        self.closed += 1

    def _here(self) -> None:
        if self.away:
            raise Away


@asynccontextmanager
async def running(log: Log) -> AsyncIterator[Dispatcher]:
    dispatcher = Dispatcher(lambda: log, (Away,))
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(dispatcher.run())
        await until(lambda: dispatcher.ready or log.away)
        yield dispatcher
        dispatcher.stop()
        task.cancel()
    assert log.closed == 1


async def until(holds: object) -> None:
    async with asyncio.timeout(5):
        while not holds():  # type: ignore[operator]
            await asyncio.sleep(0.001)


async def heard(queue: asyncio.Queue[Told], number: int) -> list[int]:
    async with asyncio.timeout(5):
        events = [await queue.get() for _ in range(number)]
    return [event.event_id for event in events if isinstance(event, LoggedEvent)]


async def test_each_hears_what_is_of_their_grids_from_now_on() -> None:
    log = Log(10)
    async with running(log) as dispatcher:
        one, all_ = dispatcher.listen(frozenset({1})), dispatcher.listen(frozenset({0, 1, 2}))
        assert one.from_id == 10
        log.add(6)
        assert await heard(one.queue, 2) == [13, 16]
        assert await heard(all_.queue, 6) == [11, 12, 13, 14, 15, 16]
        dispatcher.leave(one)
        log.add(3)
        assert await heard(all_.queue, 3) == [17, 18, 19]
        assert one.queue.empty()


async def test_who_does_not_keep_up_is_put_out_and_others_are_not() -> None:
    log = Log()
    async with running(log) as dispatcher:
        slow, quick = dispatcher.listen(frozenset({0, 1, 2})), dispatcher.listen(frozenset({0}))
        log.add(QUEUE + 1)
        await until(lambda: dispatcher.last_id == QUEUE + 1)
        assert slow.put_out
        assert slow.queue.qsize() == 1
        assert await slow.queue.get() is None
        assert dispatcher.put_out == 1
        assert not quick.put_out
        assert dispatcher.listening == 1


async def test_there_is_room_for_so_many() -> None:
    async with running(Log()) as dispatcher:
        listeners = [dispatcher.listen(frozenset()) for _ in range(LISTENERS)]
        with pytest.raises(TooManyListeners):
            dispatcher.listen(frozenset())
        dispatcher.leave(listeners[0])
        dispatcher.listen(frozenset())


async def test_a_log_that_is_away_is_waited_for() -> None:
    log = Log(3)
    async with running(log) as dispatcher:
        listener = dispatcher.listen(frozenset({0, 1, 2}))
        log.away = True
        log.add(2)
        await until(lambda: not dispatcher.reading)
        log.away = False
        assert await heard(listener.queue, 2) == [4, 5]
        assert dispatcher.reading


async def test_the_end_is_told_to_all_also_behind_a_full_queue() -> None:
    log = Log()
    async with running(log) as dispatcher:
        idle, full = dispatcher.listen(frozenset({1})), dispatcher.listen(frozenset({0, 1, 2}))
        log.add(QUEUE)
        await until(lambda: dispatcher.last_id == QUEUE)
        dispatcher.stop()
        assert dispatcher.stopping
        assert len(await heard(full.queue, QUEUE)) == QUEUE
        assert await full.queue.get() is None
        while idle.queue.qsize() > 1:
            await idle.queue.get()
        assert await idle.queue.get() is None


def signal(kind: str, *grids: int) -> Standing:
    return Standing(frozenset(grids) or None, {"kind": kind, "active": True, "until": None})


async def test_signals_are_told_when_they_begin_and_when_they_end_to_whom_they_concern() -> None:
    blind, lost, other = signal("blind"), signal("undeliverable", 1, 2), signal("undeliverable", 3)
    async with running(Log()) as dispatcher:
        dispatcher.signals_are({"b": blind}, 0)
        listener, elsewhere = (dispatcher.listen(frozenset({grid})) for grid in (1, 9))
        assert dispatcher.signals(frozenset({1})) == [blind]
        for _ in range(2):
            dispatcher.signals_are({"b": blind, "s1": lost, "s2": other}, 1)
        assert dispatcher.signals(frozenset({1})) == [blind, lost]
        dispatcher.signals_are({"s2": other}, 2_000_000)
        told = [listener.queue.get_nowait() for _ in range(3)]
        assert told == [lost, blind.over(2_000_000), lost.over(2_000_000)]
        assert listener.queue.empty()
        assert elsewhere.queue.get_nowait() == blind.over(2_000_000)
        assert elsewhere.queue.empty()


async def test_whoever_hears_nothing_is_put_out_by_signals_too() -> None:
    async with running(Log()) as dispatcher:
        listener = dispatcher.listen(frozenset({1}))
        dispatcher.signals_are({str(n): signal("undeliverable", 1) for n in range(QUEUE + 1)}, 0)
        assert listener.put_out
        assert await listener.queue.get() is None


async def test_news_is_passed_on_to_whoever_reads_the_log_for_himself() -> None:
    log, told = Log(), asyncio.Event()
    dispatcher = Dispatcher(lambda: log, (Away,), told.set)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(dispatcher.run())
        await until(lambda: dispatcher.ready)
        assert not told.is_set()
        log.add(1)
        await asyncio.wait_for(told.wait(), 5)
        dispatcher.stop()
        task.cancel()


async def test_canaries_go_to_those_who_ask_and_whose_grid_it_is() -> None:
    log = Log()
    seen: list[Sighting] = []
    dispatcher = Dispatcher(lambda: log, (Away,), seen=seen.extend)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(dispatcher.run())
        await until(lambda: dispatcher.ready)
        asking = dispatcher.listen(frozenset({1}), canaries=True)
        others = dispatcher.listen(frozenset({0, 1, 2}))
        log.see(1, 2)
        await until(lambda: len(seen) == 2)
        log.add(3)
        assert await heard(others.queue, 3) == [1, 2, 3]
        first, second = await asking.queue.get(), await asking.queue.get()
        assert isinstance(first, Sighting)
        assert first.grid_no == 1
        assert isinstance(second, LoggedEvent)
        dispatcher.stop()
        task.cancel()
    assert [each.grid_no for each in seen] == [1, 2]
