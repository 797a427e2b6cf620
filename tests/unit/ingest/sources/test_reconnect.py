import asyncio

import pytest

from ingest.sources.port import Disconnected, SourceEvent, SourceRefused
from ingest.sources.reconnect import Ended, Reconnect, jittered_delay_s


class Script:
    """Plays attempts that end as told, and stops after the last; notes what was asked of it."""

    def __init__(self, *endings: Ended) -> None:
        self.endings = list(endings)
        self.generations: list[int] = []
        self.failures: list[int] = []
        self.events: list[SourceEvent] = []
        self.loop = Reconnect(5, self.delay)
        self.reached_the_end = asyncio.Event()

    def delay(self, failures: int) -> float:
        self.failures.append(failures)
        return 0.0

    async def attempt(self, generation: int) -> Ended:
        self.generations.append(generation)
        if self.endings:
            return self.endings.pop(0)
        self.reached_the_end.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def play(self) -> None:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(self.loop.run(self.attempt, self.events.append))
            await self.reached_the_end.wait()
            running.cancel()


async def test_generations_count_up_from_the_first() -> None:
    script = Script(Ended("a"), Ended("b"))
    await script.play()
    assert script.generations == [5, 6, 7]
    assert script.loop.next_generation == 8


async def test_only_connections_that_worked_are_reported_lost() -> None:
    script = Script(Ended("no answer"), Ended("cut", 1.0), Ended("no answer"))
    await script.play()
    assert script.events == [Disconnected(6, "cut")]


async def test_failures_add_up_until_a_connection_lasts() -> None:
    script = Script(Ended("a"), Ended("b", 1.0), Ended("c"), Ended("d", 60.0), Ended("e"))
    await script.play()
    assert script.failures == [1, 2, 3, 1, 2]


async def test_after_a_take_over_it_waits_long() -> None:
    script = Script(Ended("taken over", 3600.0, contested=True))
    await script.play()
    assert jittered_delay_s(script.failures[0]) >= 15.0


async def test_a_refusal_leaves_through_run() -> None:
    async def refuse(_: int) -> Ended:
        raise SourceRefused

    loop = Reconnect()
    with pytest.raises(SourceRefused):
        await loop.run(refuse, lambda _: None)
    await loop.stop()


async def test_stop_ends_the_wait_and_reports_nothing() -> None:
    events: list[SourceEvent] = []
    waiting = asyncio.Event()

    def delay(_: int) -> float:
        waiting.set()
        return 3600.0

    async def fail(_: int) -> Ended:
        return Ended("no answer")

    loop = Reconnect(delay=delay)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(loop.run(fail, events.append))
        await waiting.wait()
        await loop.stop()
        assert loop.stopping
    assert events == []


async def test_stop_waits_for_the_connection_to_end() -> None:
    farewell = asyncio.Event()

    async def stay(_: int) -> Ended:
        await farewell.wait()
        return Ended("stopped", 1.0)

    events: list[SourceEvent] = []
    loop = Reconnect()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(loop.run(stay, events.append))
        await asyncio.sleep(0)
        stopping = group.create_task(loop.stop())
        await asyncio.sleep(0)
        assert not stopping.done()
        farewell.set()
    assert events == []


async def test_after_stop_it_does_not_run() -> None:
    script = Script()
    await script.loop.stop()
    await script.loop.run(script.attempt, script.events.append)
    assert script.generations == []
