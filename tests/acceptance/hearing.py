"""What devices hear: a client that listens to every receipt and every error."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import aiomqtt

from domain.instant import SECOND_US, parse_rfc3339

Said = dict[str, Any]


@dataclass(slots=True)
class Ear:
    """All that was said to devices, by device, in order; each with its `qos`."""

    receipts: dict[str, list[Said]] = field(default_factory=lambda: defaultdict(list))
    errors: dict[str, list[Said]] = field(default_factory=lambda: defaultdict(list))
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, message: aiomqtt.Message) -> None:
        *_, device, kind = message.topic.value.split("/")
        assert isinstance(message.payload, bytes)
        said = json.loads(message.payload) | {"qos": message.qos}
        {"receipt": self.receipts, "errors": self.errors}[kind][device].append(said)
        self._news.set()

    async def until(self, so: Callable[[], bool], within_s: float = 20.0) -> None:
        """Waits until something has been heard that makes it so."""
        async with asyncio.timeout(within_s):
            while not so():
                self._news.clear()
                await self._news.wait()

    async def covers(self, device: str, seq: int, *missing: list[int]) -> Said:
        """Waits for a receipt that says just this; the last one must."""

        def so() -> bool:
            heard = self.receipts[device]
            return bool(heard) and (heard[-1]["seq"], heard[-1]["missing"]) == (seq, [*missing])

        try:
            await self.until(so)
        except TimeoutError as error:
            raise AssertionError(f"{device} heard {self.receipts[device][-3:]}") from error
        return self.receipts[device][-1]

    def a_second_apart(self, device: str) -> bool:
        """By what the receipts say of when they were written."""
        written = [parse_rfc3339(said["at"]) for said in self.receipts[device]]
        pairs = pairwise(written)
        return all(after - before >= SECOND_US for before, after in pairs)


def claimed(said: Said) -> set[int]:
    """The numbers from 1 on that a receipt calls committed."""
    gone = {n for begin, end in said["missing"] for n in range(begin, end + 1)}
    return {*range(1, said["seq"] + 1)} - gone


@asynccontextmanager
async def listening(port: int) -> AsyncIterator[Ear]:
    """Hears everything that is said to devices meanwhile."""
    ear = Ear()

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            ear.note(message)

    async with (
        aiomqtt.Client("127.0.0.1", port, identifier="an-ear") as client,
        asyncio.TaskGroup() as tasks,
    ):
        await client.subscribe("doorstep/v1/devices/+/receipt", qos=1)
        await client.subscribe("doorstep/v1/devices/+/errors", qos=0)
        task = tasks.create_task(listen(client))
        yield ear
        task.cancel()
