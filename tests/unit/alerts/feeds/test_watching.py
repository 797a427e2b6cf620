import asyncio
from collections.abc import Mapping

import pytest

from alerts.dispatcher import Dispatcher
from alerts.feeds import watching
from alerts.feeds.watching import watch
from alerts.signals import Standing

BLIND = Standing(None, {"kind": "blind", "active": True})


class Away(Exception):
    """The database cannot be reached."""


def no_log() -> None:
    raise AssertionError("the log is not read here")


async def test_what_begins_and_ends_is_told_and_an_outage_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watching, "EVERY_S", 0.001)
    seen: list[Mapping[str, Standing] | None] = [{"b": BLIND}, None, {"b": BLIND}, {}]

    def look() -> Mapping[str, Standing]:
        found = seen.pop(0) if seen else {}
        if found is None:
            raise Away
        return found

    dispatcher = Dispatcher(no_log, ())  # type: ignore[arg-type]
    listener = dispatcher.listen(frozenset({1}))
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(watch(look, lambda: 7, dispatcher, (Away,)))
        told = [await listener.queue.get() for _ in range(2)]
        task.cancel()
    assert told == [BLIND, BLIND.over(7)]
    assert seen == []
