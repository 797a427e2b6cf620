"""A team that is notified, robots that count, and everything that goes wrong in between.

The real notifier, limits and back-off in simulated time; rows are in memory and outlive restarts,
as the database does. Robots keep their own count of what reaches them. A step is a few seconds:
alerts, quiet messages of rounds, acknowledgements, kills at the worst moments, failing robots.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from typing_extensions import override

from alerts.delivery import (
    HELD,
    Answer,
    Consumer,
    Later,
    Load,
    Message,
    Result,
    Sent,
    chosen,
)
from alerts.feeds.contact import robot, scheme
from alerts.feeds.notify import KIND, Notifier
from alerts.notification import Member, Standing, Text
from alerts.robots import Admission, Answered, Use, admitted, limit_of
from domain.instant import MINUTE_US, SECOND_US, format_rfc3339, parse_rfc3339
from rules.finding import Severity
from tests.unit.alerts.outboxes import Away, MemoryOutbox

BEGINS: Final = parse_rfc3339("2026-02-03T04:05:06Z")
ROBOTS: Final = (
    "wecombot://shared",
    "dingtalk://shared",
    "feishu://sharedsharedshared",
    "json://h/own",
)
STAFF: Final = tuple(f"dr-{n}" for n in range(1, 7))


@dataclass
class Robot:
    """The other end of one contact, with its own clockwork."""

    address: str
    down: bool = False
    had: list[tuple[int, Text]] = field(default_factory=list)
    too_many: list[int] = field(default_factory=list)
    """When it had more than it allows."""

    def take(self, text: Text, now: int) -> Answered:
        self.had.append((now, text))
        limit = limit_of(scheme(self.address))
        times = [at for at, _ in self.had]
        if (
            sum(at > now - MINUTE_US for at in times) > limit.per_minute
            or sum(at > now - SECOND_US for at in times) > limit.per_second
        ):
            self.too_many.append(now)
        return Answered(taken=not self.down)


@dataclass
class Rows:
    """`store.contact_uses` in memory. What is `forgetful` forgets with the process."""

    uses: dict[str, Use] = field(default_factory=dict)
    pages: dict[str, list[int]] = field(default_factory=dict)
    """When what calls was written to a robot."""
    away: bool = False
    dies: bool = False
    """Just after it has written down a use."""

    def admit(self, robots: Mapping[str, str], severity: Severity, now: int) -> Admission:
        if self.away:
            raise Away
        here = {name: self.uses.get(name, Use(kind)) for name, kind in robots.items()}
        admission = admitted(here, severity, now)
        for name, use in here.items():
            if admission.granted and name not in admission.resting:
                self.uses[name] = use.written_to(now)
                if severity is not Severity.ROUTINE:
                    self.pages.setdefault(name, []).append(now)
        if admission.granted and self.dies:
            raise Away
        return admission

    def rest(self, robot: str, until: int) -> None:
        self.uses[robot] = Use(self.uses[robot].scheme, self.uses[robot].sent, until)


class Log(MemoryOutbox):
    """Alert events, each a case of its own."""

    def __init__(self, consumers: Sequence[Consumer]) -> None:
        super().__init__(*consumers)
        self.messages: dict[int, Message] = {}

    def page(self, staff: str, severity: Severity, now: int) -> None:
        number = len(self.events) + 1
        self.log(f"a-{number}")
        at = format_rfc3339(now)
        after = {
            "building": str(number),
            "severity": severity.word,
            "rule": "fever",
            "response": "open",
            "raised_at": at,
            "last_at": at,
            "notify": True,
        }
        self.messages[number] = Message(
            number, f"a-{number}", "grid-1", "new", "raised", now, None, after, (staff,)
        )

    @override
    async def loads(self, wanted: Mapping[int, Collection[int]], now: int) -> list[Load]:
        return [
            Load(self.rows[no].consumer, tuple(self.messages[each] for each in sorted(events)))
            for no, events in wanted.items()
        ]


@dataclass
class Team:
    """Who is notified, by which robots."""

    contacts: Mapping[str, tuple[str, ...]]
    acknowledged: dict[int, bool] = field(default_factory=dict)
    away: bool = False

    def member(self, staff: str, events: Sequence[int]) -> Member | None:
        if self.away:
            raise Away
        standings = {
            each: Standing("acknowledged" if each in self.acknowledged else "open", "W*")
            for each in events
        }
        return Member(self.contacts[staff], (), standings)


class World:
    """One seed. `faults`: whether robots and rows fail, beside kills, which there always are;
    `remembers`: whether uses are kept over a restart.
    """

    def __init__(self, seed: int, *, faults: bool, remembers: bool) -> None:
        self.random = Random(seed)
        self.faults = faults
        self.remembers = remembers
        self.now = BEGINS
        self.robots = {each: Robot(each) for each in ROBOTS}
        count = self.random.randint(1, 2)
        self.team = Team({each: tuple(self.random.sample(ROBOTS, count)) for each in STAFF})
        consumers = [
            Consumer(no, f"notify:{staff}", KIND, None, {"staff": staff}, ())
            for no, staff in enumerate(STAFF)
        ]
        self.log = Log(consumers)
        self.rows = Rows()
        self.told: dict[int, int] = {}
        """Event -> when it was first in a message that somebody took."""
        self.unsaid: list[int] = []
        """Events that were on record as told and in no message."""
        self.held_by_routine: list[int] = []
        self.restarts = 0
        self._start()

    def _start(self) -> None:
        if not self.remembers:
            self.rows.uses.clear()
        self.notifier = Notifier(self.team, self.rows, "", lambda: self.now, (Away,), self._tell)

    def _tell(self, address: str, text: Text, now: int) -> Answered:
        return self.robots[address].take(text, now)

    async def trouble(self, steps: int) -> None:
        """Steps in which everything happens."""
        for _ in range(steps):
            self.now += self.random.randint(0, 6 * SECOND_US)
            self._happens()
            await self._round()

    async def calm(self, within_us: int) -> None:
        """Nothing goes wrong any more and nothing new comes, until all is told or time is up."""
        for each in self.robots.values():
            each.down = False
        self._well()
        ends = self.now + within_us
        while self.now < ends and self.waiting():
            self.now += SECOND_US
            await self._round()

    def waiting(self) -> list[int]:
        """Pages that somebody should have heard of and has not."""
        return [
            each
            for each in self.log.messages
            if each not in self.told and each not in self.team.acknowledged
        ]

    def _well(self) -> None:
        self.rows.away = self.rows.dies = self.team.away = False

    def _happens(self) -> None:
        self._well()
        draw = self.random
        for _ in range(draw.choice((0, 0, 1, 1, 2, 12))):
            severity = draw.choice((Severity.URGENT, Severity.URGENT, Severity.CRITICAL))
            self.log.page(draw.choice(STAFF), severity, self.now)
        if self.faults and draw.random() < 0.1:
            other = self.robots[draw.choice(ROBOTS)]
            other.down = not other.down
        if draw.random() < 0.1 and self.log.messages:
            self.team.acknowledged[draw.choice([*self.log.messages])] = True
        if self.faults and draw.random() < 0.1:
            fault = draw.choice(("away", "dies", "directory"))
            self.rows.away = fault == "away"
            self.rows.dies = fault == "dies"
            self.team.away = fault == "directory"
        if draw.random() < 0.1:
            self.restarts += 1
            self._start()

    async def _round(self) -> None:
        """As `alerts.feeds.worker` and `alerts.feeds.digest` do it."""
        for staff in self.random.sample(STAFF, self.random.choice((0, 1, 6))):
            await self._quiet(staff)
        await self.log.hand_over([KIND], self.now)
        for queue in await self.log.queues([KIND], self.now):
            due = chosen(queue.waiting, (), HELD, self.now)
            (load,) = await self.log.loads({queue.no: [each.event_id for each in due]}, self.now)
            answer = await self.notifier.send(load.consumer, load.messages)
            self._note(load, answer)
            killed = self.random.random() < 0.1
            if not killed:
                result = Result(queue.no, tuple(due), answer)
                await self.log.record([result], self.now, self.random.random())

    async def _quiet(self, staff: str) -> None:
        text = Text("round", "quiet", Severity.ROUTINE)
        try:
            await self.notifier.tell(self.team.contacts[staff], text)
        except Away:
            return

    def _note(self, load: Load, answer: Answer) -> None:
        staff = str(load.consumer.config["staff"])
        theirs = [each for each in load.messages if each.told == (staff,)]
        match answer:
            case Sent(status) if not status.startswith("spared"):
                for each in theirs:
                    if each.event_id not in self.team.acknowledged:
                        self._told(staff, each)
            case Later() if not (self.rows.away or self.rows.dies or self.team.away):
                self._held(staff, theirs)
            case _:
                pass

    def _told(self, staff: str, message: Message) -> None:
        self.told.setdefault(message.event_id, self.now)
        word = f"building {message.after['building']}:"
        texts = [
            text.body
            for address in self.team.contacts[staff]
            for at, text in self.robots[address].had
            if at == self.now and text.severity is not Severity.ROUTINE
        ]
        if not any(word in body or "more" in body for body in texts):
            self.unsaid.append(message.event_id)

    def _held(self, staff: str, messages: Sequence[Message]) -> None:
        """Somebody has to wait: are there enough messages that call to be the reason?"""
        worst = max(
            Severity[str(each.after["severity"]).upper()]
            for each in messages
            if each.event_id not in self.team.acknowledged
        )
        if all(self._room(each, worst) for each in self.team.contacts[staff]):
            self.held_by_routine.append(self.now)

    def _room(self, address: str, worst: Severity) -> bool:
        """Whether this robot has few enough of what calls behind it."""
        limit = limit_of(scheme(address))
        use = self.rows.pages.get(robot(address), [])
        kept = 5 if worst is Severity.URGENT else 0
        # Five of a minute and one of a second are the most that is routine.
        minute = sum(at > self.now - MINUTE_US for at in use) < limit.per_minute - kept - 5
        second = sum(at > self.now - SECOND_US for at in use) < limit.per_second - 1
        return minute and second


def lived(seed: int, steps: int, *, faults: bool = True, remembers: bool = True) -> World:
    """A world after its trouble and its calm."""
    world = World(seed, faults=faults, remembers=remembers)

    async def lives() -> None:
        await world.trouble(steps)
        await world.calm(75 * MINUTE_US)

    asyncio.run(lives())
    return world
