import asyncio
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import pytest

from alerts.casework import LoggedEvent
from alerts.dispatcher import QUEUE, Dispatcher
from alerts.feeds import sse
from alerts.feeds.sse import Client, EventStream
from alerts.signals import Standing


class Browser:
    """The other end: takes what is sent, as ASGI messages, when it wants to."""

    def __init__(self) -> None:
        self.status = 0
        self.text = ""
        self.over = False
        self.takes = asyncio.Event()
        self.takes.set()
        self._gone = asyncio.Event()

    async def receive(self) -> MutableMapping[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, Any]) -> None:
        await self.takes.wait()
        self.status = message.get("status", self.status)
        self.text += message.get("body", b"").decode()
        self.over = message["type"] == "http.response.body" and not message.get("more_body")

    def hang_up(self) -> None:
        self._gone.set()

    @property
    def ids(self) -> list[int]:
        return [
            int(block.partition("id: ")[2].split("\n")[0])
            for block in self.text.split("\n\n")
            if "event: alert" in block
        ]


class Place:
    """A log in memory and a dispatcher that hands out what is added to it."""

    def __init__(self, length: int = 0) -> None:
        self.log: list[LoggedEvent] = []
        self.dispatcher = Dispatcher(lambda: self, ())  # type: ignore[arg-type, return-value]
        self.dispatcher.ready = True
        self.allowed = True
        self.browser = Browser()
        self.add(length)

    def add(self, number: int, *, handed_out: bool = True) -> None:
        for _ in range(number):
            event = LoggedEvent(len(self.log) + 1, 1, "{}")
            self.log.append(event)
            if handed_out:
                self.dispatcher._hand_out(event)

    def stream(self, last_id: int | None, missed: Callable[[], None] | None = None) -> Any:
        def read(event_id: int) -> list[LoggedEvent]:
            found = self.log[event_id : event_id + 5]
            if missed is not None:
                missed()
            return found

        client = Client(
            frozenset({1}), last_id, read, lambda: len(self.log), lambda: self.allowed, (OSError,)
        )
        response = EventStream(self.dispatcher, client)
        return response({"type": "http"}, self.browser.receive, self.browser.send)

    async def heard(self, last: int) -> None:
        async with asyncio.timeout(5):
            while not self.browser.ids or self.browser.ids[-1] < last:
                await asyncio.sleep(0.001)

    async def signalled(self, times: int) -> None:
        async with asyncio.timeout(5):
            while self.browser.text.count("event: signal") < times:
                await asyncio.sleep(0.001)

    async def until_over(self) -> None:
        """Until what has been told is read, and the stream is over."""
        self.dispatcher.stop()
        async with asyncio.timeout(5):
            while not self.browser.over:
                await asyncio.sleep(0.001)

    async def listens(self) -> None:
        async with asyncio.timeout(5):
            while not self.dispatcher.listening:
                await asyncio.sleep(0.001)


async def test_what_was_missed_comes_before_what_is_new() -> None:
    place = Place(12)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(place.stream(3))
        await place.heard(12)
        await place.listens()
        place.add(2)
        await place.heard(14)
        place.dispatcher.stop()
    assert place.browser.ids == list(range(4, 15))
    assert place.browser.over
    assert place.dispatcher.listening == 0


async def test_what_is_committed_while_it_catches_up_comes_once() -> None:
    """Events arrive between every read of the log, some before the dispatcher has seen them."""
    place = Place(12)
    left = [True, False] * 6
    loop = asyncio.get_running_loop()

    def another() -> None:
        if left:
            handed_out = left.pop()
            asyncio.run_coroutine_threadsafe(added(handed_out), loop).result(5)

    async def added(handed_out: bool) -> None:
        place.add(1, handed_out=handed_out)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(place.stream(0, another))
        await place.heard(20)
        await place.listens()
        for event in place.log[place.dispatcher.last_id :]:
            place.dispatcher._hand_out(event)
        place.add(1)
        await place.heard(len(place.log))
        place.dispatcher.stop()
    assert place.browser.ids == list(range(1, len(place.log) + 1))


async def test_a_client_that_is_put_out_is_told_the_end_and_resumes() -> None:
    place = Place()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(place.stream(None))
        await place.listens()
        place.add(3)
        await place.heard(3)
        place.browser.takes.clear()
        place.add(QUEUE + 200)
        assert place.dispatcher.put_out == 1
        place.browser.takes.set()
    assert place.browser.over
    resumed = place.browser.ids[-1]
    place.browser = Browser()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(place.stream(resumed))
        await place.heard(QUEUE + 203)
        place.browser.hang_up()
    assert place.browser.ids == list(range(resumed + 1, QUEUE + 204))


async def test_a_frozen_client_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "SEND_S", 0.02)
    place = Place()
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(place.stream(None))
        await place.listens()
        place.browser.takes.clear()
        place.add(1)
    assert place.dispatcher.listening == 0
    assert not place.browser.over


async def test_a_client_that_hangs_up_is_forgotten() -> None:
    place = Place()
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(place.stream(None))
        await place.listens()
        place.browser.hang_up()
    assert place.dispatcher.listening == 0


async def test_a_log_that_cannot_be_read_ends_the_stream() -> None:
    def away() -> None:
        raise OSError

    place = Place(3)
    await place.stream(0, away)
    assert place.browser.status == 200
    assert place.browser.over


async def test_an_idle_stream_pings_and_looks_at_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "PING_S", 0.01)
    monkeypatch.setattr(sse, "RIGHTS_S", 0.05)
    place = Place()
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(place.stream(None))
        while place.browser.text.count(": ping\n\n") < 10:
            await asyncio.sleep(0.01)
        assert not place.browser.over
        place.allowed = False
    assert place.browser.over


async def test_it_says_where_it_starts() -> None:
    place = Place(7)
    place.dispatcher.stop()
    await place.stream(None)
    assert place.browser.text == ": doorstep\nid: 7\nretry: 2000\n\n"


def signal(kind: str, *grids: int) -> Standing:
    return Standing(frozenset(grids) or None, {"kind": kind, "active": True})


def frames(place: Place) -> list[list[str]]:
    """The lines of each frame of the stream, without comments."""
    blocks = place.browser.text.split("\n\n")
    return [block.split("\n") for block in blocks if "data:" in block]


async def test_signals_that_stand_come_first_and_without_an_id() -> None:
    place = Place()
    place.dispatcher.signals_are({"b": signal("blind"), "s": signal("undeliverable", 2)}, 0)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(place.stream(None))
        await place.listens()
        place.add(1)
        await place.heard(1)
        place.dispatcher.signals_are({}, 0)
        await place.signalled(2)
        await place.until_over()
    first, event, last = frames(place)
    assert first == ["event: signal", 'data: {"kind":"blind","active":true}']
    assert "id: 1" in event
    assert "event: alert" in event
    assert last[0] == "event: signal"
    assert '"active":false' in last[1]
    assert not [line for frame in (first, last) for line in frame if line.startswith("id")]


async def test_signals_come_after_what_was_missed() -> None:
    place = Place(2)
    place.dispatcher.signals_are({"b": signal("blind")}, 0)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(place.stream(0))
        await place.signalled(1)
        place.dispatcher.signals_are({}, 0)
        await place.signalled(2)
        await place.until_over()
    assert [frame[0] for frame in frames(place)] == ["event: alert"] * 2 + ["event: signal"] * 2
