"""Sends canaries, watches them come back, and says by another way when they do not.

Theory of operation. Five tasks that wait for nothing of each other, so that a database or a broker
that hangs holds up none but its own: one learns who has canaries and who is to be told; one sends
what is due; one looks what `alerts.canary_watch` says; one keeps the rows of signals as that is;
and one (`alerts.feeds.alarms`) tells supervisors and admins, which needs neither broker nor
database.
Canaries come back through `streamed` and `handed`, called by the dispatcher and by the worker.

A process that knows that another one delivers stands aside, sends nothing and says nothing, as long
as that one's canaries come by. When they do not, or when no process can know (the database is
away), each speaks up: twice is better than not at all.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from alerts import canary
from alerts.canary import Canary, Sighting
from alerts.canary_watch import Cut, Grid, Hop, Limits, Verdict, Watch
from alerts.delivery import Failed, Sent
from alerts.feeds.alarms import Alarms
from alerts.feeds.mqtt import canary_topic
from alerts.technical import Keeper
from domain.instant import SECOND_US

_LEARN_US: Final = 10 * SECOND_US
LOOK_S: Final = 1.0
"""How often it is looked what is due and what is cut; ten times in an interval, if that is more."""
_OUT: Final = 10_000
"""Canaries that may wait to go out by MQTT; beyond, the older ones are superseded anyway."""

log = logging.getLogger(__name__)


class Link(Protocol):
    """A connection with the broker."""

    async def publish(self, name: str, body: bytes) -> Sent | Failed:
        """Publishes once."""
        ...


class Desk(Protocol):
    """What is asked of the database. Blocks; every call may raise what is passing."""

    def grids(self, now: int) -> list[Grid]:
        """Those in which somebody is under care now, on the service's clock."""
        ...

    def keepers(self) -> list[Keeper]:
        """Supervisors and admins with contacts."""
        ...

    def keep(self, cuts: Sequence[Cut], opened: Collection[Hop], now: int) -> None:
        """Has a signal stand for each of these cuts, and none for hops that are open."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """Everything that is not the watch."""

    link: Link
    """For their way in."""
    feed: Link | None
    """That of alerts over MQTT, for their way out; None where there is none."""
    desk: Desk
    now: Callable[[], int]
    """The service's clock, as readings have it."""
    steady: Callable[[], int]
    """Microseconds that only go forward; by these something is late.

    Neither an accelerated clock nor one that is set moves them.
    """
    new_mark: Callable[[], str]
    """What nobody can guess."""
    standing_by: Callable[[], bool]
    """Whether another process delivers, as far as this one knows."""
    passing: tuple[type[Exception], ...]


class Canaries:
    """Belongs to one event loop. `run` does everything."""

    def __init__(self, world: World, limits: Limits, alarms: Alarms) -> None:
        self._world = world
        self._limits = limits
        self._alarms = alarms
        self._look_s = min(LOOK_S, limits.every_us / 10 / SECOND_US)
        out = () if world.feed is None else (Hop.MQTT,)
        self._watch = Watch((Hop.BROKER, Hop.INGEST, Hop.STREAM, Hop.FEEDS, *out), limits)
        self._verdict = Verdict((), ())
        self._cuts: dict[Hop, Cut] = {}
        """Those that stand: told of, and not open again since."""
        self._aside = False
        """Whether the other process is left to it."""
        self._others_at: int | None = None
        """When a canary of another was last seen, or standing aside began."""
        self._looked = asyncio.Event()
        self._out: deque[Sighting] = deque(maxlen=_OUT)
        self._to_go_out = asyncio.Event()
        self._complained: dict[str, str] = {}

    @property
    def cuts(self) -> Collection[Cut]:
        """Those that stand."""
        return self._cuts.values()

    def ages(self) -> dict[tuple[Grid, Hop], float]:
        """How old the newest canary is that came past each hop, seconds; none while another sends.

        The database has none: it is watched by whether it answers.
        """
        if self._aside:
            return {}
        found = self._watch.ages(self._world.steady())
        return {key: age_us / SECOND_US for key, age_us in found.items()}

    def streamed(self, sightings: Sequence[Sighting]) -> None:
        """These were handed to those who listen. In the loop's thread."""
        self._passed(Hop.STREAM, sightings)
        if not all(self._watch.ours(each.mark) for each in sightings):
            self._others_at = self._world.steady()

    def handed(self, sightings: Sequence[Sighting]) -> None:
        """These have come to the worker of the feeds. In the loop's thread."""
        self._passed(Hop.FEEDS, sightings)
        if self._world.feed is not None and sightings:
            self._out += [each for each in sightings if self._watch.ours(each.mark)]
            self._to_go_out.set()

    async def run(self) -> None:
        """Sends, watches and tells until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for each in (self._learn, self._send, self._look, self._write, self._alarms.run):
                tasks.create_task(each())
            if self._world.feed is not None:
                tasks.create_task(self._hand_out(self._world.feed))

    def _passed(self, hop: Hop, sightings: Sequence[Sighting]) -> None:
        now = self._world.steady()
        for each in sightings:
            self._watch.passed(hop, each.grid_no, each.mark, now)

    async def _learn(self) -> None:
        """Who has canaries, and who is to be told; and whether the database answers."""
        world, pause_us = self._world, min(_LEARN_US, self._limits.every_us // 6)
        while True:
            try:
                grids = await asyncio.to_thread(world.desk.grids, world.now())
                self._alarms.keepers = await asyncio.to_thread(world.desk.keepers)
            except world.passing as error:
                self._complain("the database", str(error))
            else:
                self._complain("the database", "")
                self._watch.grids(grids, world.steady())
                self._watch.answered(world.steady())
            await asyncio.sleep(pause_us / SECOND_US)

    async def _send(self) -> None:
        while True:
            due = self._watch.due(self._world.steady())
            if due and not self._aside:
                await self._send_to(due)
            else:
                await asyncio.sleep(self._look_s)

    async def _send_to(self, grids: Sequence[Grid]) -> None:
        world, mark = self._world, self._world.new_mark()
        self._watch.sent(grids, mark, world.steady())
        sent_at = world.now()
        body = canary.payload([Canary(grid.no, mark, sent_at) for grid in grids])
        answer = await world.link.publish(canary.TOPIC, body)
        if isinstance(answer, Sent):
            for grid in grids:
                self._watch.passed(Hop.BROKER, grid.no, mark, world.steady())
        self._complain("the broker", answer.status if isinstance(answer, Failed) else "")

    async def _hand_out(self, feed: Link) -> None:
        """To those who hear alerts by MQTT, one after the other."""
        while True:
            self._to_go_out.clear()
            while self._out:
                each = self._out.popleft()
                name, body = canary_topic(each.grid), canary.body(each)
                answer = await feed.publish(name, body)
                if isinstance(answer, Sent):
                    self._passed(Hop.MQTT, [each])
            await self._to_go_out.wait()

    async def _look(self) -> None:
        while True:
            self._aside = self._may_stand_aside()
            if self._aside:
                self._watch.begin_anew()
                self._cuts, self._verdict = {}, Verdict((), ())
                self._alarms.forget()
            else:
                self._judge(self._watch.look(self._world.steady()))
            await asyncio.sleep(self._look_s)

    def _may_stand_aside(self) -> bool:
        if not self._world.standing_by():
            self._others_at = None
            return False
        now = self._world.steady()
        if self._others_at is None:
            self._others_at = now
        return now - self._others_at < self._limits.every_us + self._limits.overdue_us

    def _judge(self, verdict: Verdict) -> None:
        self._verdict = verdict
        for cut in verdict.cut:
            if cut.hop not in self._cuts:
                log.error("technical alarm", extra={"hop": cut.hop.value, "detail": cut.detail})
            self._cuts[cut.hop] = cut
        for hop in verdict.open:
            if self._cuts.pop(hop, None) is not None:
                log.info("technical alarm over", extra={"hop": hop.value})
        self._alarms.are(tuple(self._cuts.values()))
        self._looked.set()

    async def _write(self) -> None:
        """Keeps the signals' rows; what cannot be written is written when it can."""
        world = self._world
        written: tuple[tuple[Cut, ...], tuple[Hop, ...]] | None = None
        again_at = 0
        while True:
            await self._looked.wait()
            self._looked.clear()
            wanted = (tuple(self._cuts.values()), self._verdict.open)
            if wanted == written and world.steady() < again_at:
                continue
            try:
                await asyncio.to_thread(world.desk.keep, *wanted, world.now())
            except world.passing:
                written = None
            else:
                # Now and then anyhow: another process may have written meanwhile.
                written, again_at = wanted, world.steady() + _LEARN_US

    def _complain(self, about: str, why: str) -> None:
        """Once for each reason."""
        if why and why != self._complained.get(about):
            log.warning("canaries do not get past", extra={"about": about, "error": why})
        self._complained[about] = why
