"""The shell around the watch, with a town of fakes. With real servers: tests/acceptance."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from itertools import count

import pytest

from alerts import canary
from alerts.canary import Sighting
from alerts.canary_watch import Cut, Grid, Hop, Limits
from alerts.delivery import Failed, Sent
from alerts.feeds.alarms import Alarms
from alerts.feeds.canaries import Canaries, World
from alerts.notification import Text, Tried
from alerts.technical import Keeper

MS = 1_000
WITHIN_S = 10.0
LIMITS = Limits(every_us=100 * MS, overdue_us=150 * MS, answers_us=150 * MS)
GRIDS = [Grid(1, "grid-1"), Grid(2, "a/b")]
SUPERVISOR = Keeper("sup-1", ("json://sup",), (), frozenset({1}))
ADMIN = Keeper("admin-1", ("json://admin",), ("zh",), frozenset({2}))


class Away(Exception):
    """The database cannot be reached."""


class Town:
    """Broker, database, ingestion, feeds and contacts. Its clock moves with every look at it."""

    def __init__(self) -> None:
        self.now = 0
        self.grid_list = list(GRIDS)
        self.broker = True
        self.database = True
        self.ingest = True
        self.another = False
        self.signals: dict[str, Cut] = {}
        self.opened: set[Hop] = set()
        self.out: list[tuple[str, bytes]] = []
        self.said: list[tuple[str, str]] = []
        """(Contact, text)."""
        self.sent = 0
        self._ids = count(1)
        self.canaries: Canaries

    def steady(self) -> int:
        self.now += MS
        return self.now

    async def publish(self, name: str, body: bytes) -> Sent | Failed:
        await asyncio.sleep(0)
        if not self.broker:
            return Failed("no connection")
        if name != canary.TOPIC:
            self.out.append((name, body))
            return Sent("PUBACK")
        self.sent += 1
        if self.ingest and self.database:
            for each in json.loads(body):
                no, mark = each["seq"], each["boot"]
                grid = next(grid.id for grid in GRIDS if grid.no == no)
                sighting = Sighting(next(self._ids), no, grid, mark, 0, 0)
                self.canaries.streamed([sighting])
                self.canaries.handed([sighting])
        return Sent("PUBACK")

    def grids(self, now: int) -> list[Grid]:
        assert now == 7
        if not self.database:
            raise Away("gone")
        return self.grid_list

    def keepers(self) -> list[Keeper]:
        return [SUPERVISOR, ADMIN]

    def keep(self, cuts: Sequence[Cut], opened: Collection[Hop], now: int) -> None:
        assert now == 7
        if not self.database:
            raise Away("gone")
        self.signals |= {cut.subject: cut for cut in cuts}
        self.opened |= set(opened)
        for hop in opened:
            self.signals.pop(hop.subject, None)

    async def alarm(self, address: str, text: Text) -> Tried:
        await asyncio.sleep(0)
        self.said.append((address, text.body))
        return Tried("json", taken=True)


def made(town: Town, *, by_mqtt: bool = True) -> Canaries:
    marks = (f"mark{n}" for n in count(1))
    world = World(
        link=town,
        feed=town if by_mqtt else None,
        desk=town,
        now=lambda: 7,
        steady=town.steady,
        new_mark=lambda: next(marks),
        standing_by=lambda: town.another,
        passing=(Away,),
    )
    alarms = Alarms(town, "https://console.example", town.steady, 0.001)
    town.canaries = Canaries(world, LIMITS, alarms)
    return town.canaries


@asynccontextmanager
async def running(town: Town, *, by_mqtt: bool = True) -> AsyncIterator[Canaries]:
    made(town, by_mqtt=by_mqtt)
    task = asyncio.create_task(town.canaries.run())
    try:
        yield town.canaries
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(so: Callable[[], object]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not so():
            await asyncio.sleep(0.001)


async def test_while_all_is_well_nobody_is_told() -> None:
    town = Town()
    async with running(town) as canaries:
        await until(lambda: len(town.out) >= 6 and town.opened)
        assert (town.said, town.signals) == ([], {})
        names = {name for name, _ in town.out}
        assert names == {"doorstep/v1/grids/grid-1/canary", "doorstep/v1/grids/a%2Fb/canary"}
        assert json.loads(town.out[0][1])["grid"] == "grid-1"
        ages = canaries.ages()
        assert {grid for grid, _ in ages} == {*GRIDS}
        assert max(ages.values()) < 1


async def test_without_alerts_by_mqtt_no_canary_goes_out() -> None:
    town = Town()
    async with running(town, by_mqtt=False) as canaries:
        await until(lambda: Hop.FEEDS in town.opened and town.sent > 3)
        assert town.out == []
        assert Hop.MQTT not in {hop for _, hop in canaries.ages()}


async def test_a_cut_is_a_signal_and_told_to_each_who_answers_for_it_once() -> None:
    town = Town()
    async with running(town) as canaries:
        await until(lambda: Hop.INGEST in town.opened)
        town.ingest = False
        await until(lambda: len(town.said) == 2 and town.signals)
        assert {cut.hop for cut in canaries.cuts} == {Hop.INGEST}
        assert town.signals["canary:ingest"].grids
        assert {contact for contact, _ in town.said} == {"json://sup", "json://admin"}
        sent = town.sent
        await until(lambda: town.sent > sent + 5)
        assert len(town.said) == 2
        town.ingest = True
        await until(lambda: len(town.said) == 4 and not town.signals)
        assert any("is over" in text for _, text in town.said[2:])
        assert not canaries.cuts


async def test_a_broker_that_takes_nothing_is_one_cut() -> None:
    town = Town()
    town.broker = False
    async with running(town) as canaries:
        await until(lambda: town.signals)
        assert {cut.hop for cut in canaries.cuts} == {Hop.BROKER}


async def test_a_database_that_is_away_is_told_all_the_same() -> None:
    town = Town()
    async with running(town) as canaries:
        await until(lambda: Hop.INGEST in town.opened)
        town.database = False
        await until(lambda: len(town.said) == 2)
        assert {cut.hop for cut in canaries.cuts} == {Hop.DATABASE}
        assert town.signals == {}
        town.database = True
        await until(lambda: len(town.said) == 4)
        assert "数据库没有应答" in dict(town.said)["json://admin"]


async def test_one_that_stands_by_sends_nothing_and_says_nothing() -> None:
    town = Town()
    async with running(town) as canaries:
        town.ingest = False
        await until(lambda: len(town.said) == 2)
        town.another = True
        await until(lambda: not canaries.cuts)
        sent, before = town.sent, town.now

        def long_after() -> bool:
            canaries.streamed([Sighting(99, 1, "grid-1", "of another", 0, 0)])
            return town.now > before + 4 * LIMITS.every_us

        await until(long_after)
        assert town.sent <= sent + 1
        assert canaries.ages() == {}
        assert len(town.said) == 2
        town.another, town.ingest = False, True
        await until(lambda: Hop.INGEST in town.opened and not town.signals)


async def test_one_that_stands_by_speaks_up_when_the_other_is_silent() -> None:
    town = Town()
    town.another, town.ingest = True, False
    async with running(town) as canaries:
        await until(lambda: town.sent == 0 and town.now > LIMITS.every_us)
        await until(lambda: len(town.said) == 2)
        assert {cut.hop for cut in canaries.cuts} == {Hop.INGEST}


async def test_a_grid_that_is_over_has_no_canaries() -> None:
    town = Town()
    async with running(town) as canaries:
        await until(lambda: town.sent > 2)
        town.grid_list = []
        await until(lambda: not canaries.ages())


async def test_what_breaks_otherwise_ends_it() -> None:
    town = Town()

    def broken(now: int) -> list[Grid]:
        raise RuntimeError(now)

    town.grids = broken  # type: ignore[method-assign]
    with pytest.raises(ExceptionGroup):
        await made(town).run()
