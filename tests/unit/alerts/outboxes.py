"""An outbox in memory: the rows of `store.outbox`, by the rules of `alerts.delivery`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from alerts.canary import Sighting
from alerts.delivery import (
    Consumer,
    Delivery,
    Health,
    Load,
    Message,
    Queue,
    Result,
    State,
    room,
)


class Away(Exception):
    """The database cannot be reached."""


@dataclass
class Row:
    """A subscriber."""

    consumer: Consumer
    cursor: int = 0
    health: Health = field(default_factory=Health)
    deliveries: dict[int, Delivery] = field(default_factory=dict)

    def waiting(self) -> list[Delivery]:
        return [each for each in self.deliveries.values() if each.state is State.WAITING]


def message(event_id: int, alert_id: str) -> Message:
    return Message(event_id, alert_id, "grid-1", "update", "revised", event_id, None, {})


class MemoryOutbox:
    """Events are the ids of their alerts, numbered from 1."""

    def __init__(self, *consumers: Consumer) -> None:
        self.events: list[str] = []
        self.rows = {each.no: Row(each) for each in consumers}
        self.away = False
        self.leader = True
        self.asked = 0
        """How often somebody wanted to lead."""
        self.recorded: list[Result] = []
        self.tidied: list[int] = []
        self.closed = False
        self.sightings: list[Sighting] = []
        """Canaries that nobody has read yet."""

    def log(self, *alerts: str) -> None:
        self.events += alerts

    async def lead(self) -> bool:
        self._here()
        self.asked += 1
        return self.leader

    async def hand_over(self, kinds: Sequence[str], now: int) -> None:
        self._here()
        for row in self.rows.values():
            free = room(len(row.waiting()))
            if row.health.gone or row.consumer.kind not in kinds:
                continue
            for alert_id in self.events[row.cursor : row.cursor + free]:
                row.cursor += 1
                row.deliveries[row.cursor] = Delivery(row.cursor, alert_id, due_at=now)

    async def canaries(self) -> list[Sighting]:
        self._here()
        found, self.sightings = self.sightings, []
        return found

    async def queues(self, kinds: Sequence[str], now: int) -> list[Queue]:
        self._here()
        return [
            Queue(no, row.consumer.kind, row.health, tuple(row.waiting()))
            for no, row in self.rows.items()
            if row.consumer.kind in kinds
            and not row.health.gone
            and (row.health.rest_until is None or row.health.rest_until <= now)
            and any(each.due_at <= now for each in row.waiting())
        ]

    async def loads(self, wanted: Mapping[int, Collection[int]], now: int) -> list[Load]:
        del now  # no secret ends here
        self._here()
        return [
            Load(
                self.rows[no].consumer,
                tuple(message(each, self.events[each - 1]) for each in sorted(events)),
            )
            for no, events in wanted.items()
        ]

    async def record(self, results: Sequence[Result], now: int, chance: float) -> None:
        self._here()
        self.recorded += results
        for result in results:
            self.settle(result, now, chance)

    def settle(self, result: Result, now: int, chance: float) -> None:
        row = self.rows[result.no]
        for each in result.deliveries:
            if row.deliveries[each.event_id].state is State.WAITING:
                row.deliveries[each.event_id] = each.after(result.answer, now, chance)
        revived = row.health.recovers(result.answer)
        row.health = row.health.after(result.answer, now, chance)
        if revived:
            for each in row.waiting():
                row.deliveries[each.event_id] = replace(each, due_at=min(each.due_at, now))

    async def tidy(self, now: int) -> None:
        self._here()
        self.tidied.append(now)

    async def close(self) -> None:
        self.closed = True

    def _here(self) -> None:
        if self.away:
            raise Away
