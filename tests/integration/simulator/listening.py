"""A listener of readings that notes who said what number, and a short simulation to listen to."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiomqtt

from domain.instant import SECOND_US
from doorstep.clock import SystemClock
from doorstep.simulation import Options, Simulation, plan, simulation
from simulator.scenario import SCENARIOS


def calm(wearers: int, rate: float, seconds: float) -> Simulation:
    """Healthy wearers, so many readings a second, from now on."""
    options = Options(
        scenario=SCENARIOS["calm"],
        wearers=wearers,
        seed=1,
        rate=rate,
        duration_us=round(seconds * SECOND_US),
    )
    return simulation(options, plan(options, SystemClock(), 1.0))


class Heard:
    """The numbers each device said under one boot word (None: any), in the order they came."""

    def __init__(self, boot: str | None) -> None:
        self._boot = boot
        self._news = asyncio.Event()
        self.numbers: dict[str, list[int]] = {}

    def note(self, message: aiomqtt.Message) -> None:
        assert isinstance(message.payload, bytes)
        content = json.loads(message.payload)
        for reading in content if isinstance(content, list) else [content]:
            if self._boot in (None, reading["boot"]):
                device = str(message.topic).split("/")[3]
                self.numbers.setdefault(device, []).append(reading["seq"])
        self._news.set()

    @property
    def distinct(self) -> int:
        return sum(len({*numbers}) for numbers in self.numbers.values())

    def first_sights(self) -> list[list[int]]:
        """The numbers of each device without repetitions."""
        return [list(dict.fromkeys(numbers)) for numbers in self.numbers.values()]

    async def until(self, distinct: int, within_s: float = 15.0) -> None:
        """Waits until so many different readings are there."""
        async with asyncio.timeout(within_s):
            while self.distinct < distinct:
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def listener(port: int, boot: str | None = None) -> AsyncIterator[Heard]:
    """Hears everything said from now on under the boot word (None: any)."""
    heard = Heard(boot)

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            heard.note(message)

    async with (
        aiomqtt.Client("127.0.0.1", port, identifier=f"listener-{boot}") as client,
        asyncio.TaskGroup() as group,
    ):
        await client.subscribe("doorstep/v1/devices/+/readings", qos=1)
        listening = group.create_task(listen(client))
        yield heard
        listening.cancel()
