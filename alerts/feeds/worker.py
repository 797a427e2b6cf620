"""Drives every consumer of alert events: takes what is due from the rows, sends, writes down.

One process of all those that serve delivers (`Outbox.lead`); the others stand by and take over when
it is gone. Nothing is remembered here but what is under way: what has happened is in the rows, so
that a kill at any moment costs at most that something is sent twice. Calls run side by side, each
with a time limit, and every consumer has places of its own (`delivery.WIDTH`): one that takes
forever holds up nobody else. The number of consumers is bounded where they are made.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from alerts import delivery
from alerts.canary import Sighting
from alerts.delivery import Answer, Failed, Gone, Later, Load, Queue, Result, Sent
from alerts.feeds.port import Outbox, Sender
from domain import faults
from domain.instant import SECOND_US

SEND_S: Final = 20.0
"""The longest that one call may take. Standard Webhooks advises 15 to 30 s."""
WAKE_S: Final = 1.0
"""How long a lost wake-up may cost; nothing that is due waits longer."""
TIDY_US: Final = 5 * SECOND_US
"""How often signals are looked after."""
FINISH_S: Final = 2.0
"""How long what is under way may take when the service stops. The rest is sent again."""
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 5.0

log = logging.getLogger(__name__)


class Worker:
    """Runs until `stop`. Belongs to one event loop."""

    def __init__(
        self,
        outbox: Outbox,
        senders: Mapping[str, Sender],
        now: Callable[[], int],
        chance: Callable[[], float],
        passing: tuple[type[Exception], ...],
        seen: Callable[[Sequence[Sighting]], None] = lambda _: None,
    ) -> None:
        self._outbox = outbox
        self._senders = dict(sorted(senders.items()))
        self._now = now
        self._chance = chance
        self._passing = passing
        self._seen = seen
        """Told of canaries, which have come past the worker."""
        self._flying: dict[int, dict[int, delivery.Delivery]] = {}
        """Consumer -> what is under way to it or not yet written down, by event."""
        self._tasks: asyncio.TaskGroup
        self._calls: dict[asyncio.Task[None], None] = {}
        self._done: list[Result] = []
        self._tidy_at = 0
        self._news = asyncio.Event()
        self._stopping = asyncio.Event()
        self.leading = False
        """Whether it is this process that delivers."""
        self.standing_by = False
        """Whether it is known that another does."""
        self.answers: Counter[tuple[str, str]] = Counter()
        """(kind, sent | failed | gone) -> messages, since the start."""

    @property
    def flying(self) -> int:
        """How many messages are under way."""
        return sum(len(events) for events in self._flying.values())

    def news(self) -> None:
        """There may be something to do. Call it in the loop's thread."""
        self._news.set()

    def stop(self) -> None:
        """Ends `run` soon. Call it in the loop's thread."""
        self._stopping.set()
        self._news.set()

    async def run(self) -> None:
        """Delivers until `stop` or cancelled. A database that is away is waited for."""
        pause = _FIRST_PAUSE_S
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                while not self._stopping.is_set():
                    self._news.clear()
                    try:
                        await self._round()
                    except self._passing as error:
                        log.warning("cannot read the outbox", extra={"error": str(error)})
                        self.leading = self.standing_by = False
                        await self._wait(self._stopping, pause)
                        pause = min(pause * 2, _LONGEST_PAUSE_S)
                    else:
                        pause = _FIRST_PAUSE_S
                        await self._wait(self._news, WAKE_S)
                await self._finish()
                for call in list(self._calls):
                    call.cancel()
        finally:
            await self._outbox.close()

    async def _round(self) -> None:
        """Everything that can be done now."""
        await self._record()
        self.leading = await self._outbox.lead()
        self.standing_by = not self.leading
        if not self.leading:
            return
        kinds, now = list(self._senders), self._now()
        if now >= self._tidy_at:
            await self._outbox.tidy(now)
            self._tidy_at = now + TIDY_US
        await self._outbox.hand_over(kinds, now)
        self._seen(await self._outbox.canaries())
        wanted = {
            queue.no: chosen
            for queue in await self._outbox.queues(kinds, now)
            if (chosen := self._chosen(queue, now))
        }
        if not wanted:
            return
        loads = await self._outbox.loads({no: list(events) for no, events in wanted.items()}, now)
        if loads:
            faults.reached(faults.Point.DELIVERIES_READ)
        for load in loads:
            self._send(load, wanted[load.consumer.no])

    def _chosen(self, queue: Queue, now: int) -> dict[int, delivery.Delivery]:
        flying = self._flying.get(queue.no, {})
        together = self._senders[queue.kind].together
        width = (queue.health.width if together == 1 else 1) - len(flying)
        if width <= 0:
            return {}
        most = together if together > 1 else width
        chosen = delivery.chosen(queue.waiting, flying, most, now)
        return {each.event_id: each for each in chosen}

    def _send(self, load: Load, wanted: Mapping[int, delivery.Delivery]) -> None:
        """Starts the calls of one consumer."""
        no, messages = load.consumer.no, load.messages
        together = self._senders[load.consumer.kind].together
        flying = self._flying.setdefault(no, {})
        for start in range(0, len(messages), together):
            part = messages[start : start + together]
            deliveries = tuple(wanted[message.event_id] for message in part)
            flying.update({each.event_id: each for each in deliveries})
            call = self._tasks.create_task(self._call(Load(load.consumer, part), deliveries))
            self._calls[call] = None
            call.add_done_callback(self._calls.pop)

    async def _call(self, load: Load, deliveries: tuple[delivery.Delivery, ...]) -> None:
        consumer = load.consumer
        answer: Answer
        try:
            async with asyncio.timeout(SEND_S):
                answer = await self._senders[consumer.kind].send(consumer, load.messages)
        except TimeoutError:
            answer = Failed("timeout")
        word = _word(answer)
        if word:
            self.answers[consumer.kind, word] += len(deliveries)
        if word not in ("", "sent"):
            log.warning(
                "not delivered",
                extra={"subscriber": consumer.id, "kind": consumer.kind, "answer": word},
            )
        self._done.append(Result(consumer.no, deliveries, answer))
        self._news.set()

    async def _record(self) -> None:
        """Writes down what has been answered. What cannot be written yet stays here."""
        done = self._done[:]
        if not done:
            return
        if any(isinstance(result.answer, Sent) for result in done):
            faults.reached(faults.Point.DELIVERIES_ANSWERED)
        await self._outbox.record(done, self._now(), self._chance())
        del self._done[: len(done)]
        for result in done:
            self._landed(result.no, result.deliveries)

    def _landed(self, no: int, deliveries: Sequence[delivery.Delivery]) -> None:
        flying = self._flying[no]
        for each in deliveries:
            del flying[each.event_id]
        if not flying:
            del self._flying[no]

    async def _finish(self) -> None:
        """Lets what is under way come to its end, for a moment."""
        try:
            async with asyncio.timeout(FINISH_S):
                while self._flying:
                    self._news.clear()
                    await self._record()
                    if self._flying and not self._done:
                        await self._news.wait()
        except TimeoutError:
            log.info("some deliveries are left for the next start", extra={"number": self.flying})
        except self._passing as error:
            log.warning("cannot write the outbox", extra={"error": str(error)})

    @staticmethod
    async def _wait(event: asyncio.Event, length_s: float) -> None:
        try:
            async with asyncio.timeout(length_s):
                await event.wait()
        except TimeoutError:
            return


def _word(answer: Answer) -> str:
    match answer:
        case Sent():
            return "sent"
        case Failed():
            return "failed"
        case Gone():
            return "gone"
        case Later():
            return ""
