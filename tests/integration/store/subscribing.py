"""Subscribers of the tests, and what is sent to them."""

from collections.abc import Sequence
from typing import Any

import psycopg

from alerts.delivery import Answer, Delivery, Result
from alerts.feeds.port import Outbox
from alerts.subscription import Subscription
from store import subscribers
from tests.integration.alerts.world import NOW, World

KINDS = ["webhook"]


def subscribe(world: World, id_: str, grids: tuple[int, ...] | None = None, **config: Any) -> None:
    with psycopg.connect(world.url) as connection:
        wanted = Subscription(id_, "webhook", "", grids, config)
        subscribers.keep(connection, wanted, NOW)


async def due(outbox: Outbox, now: int = NOW) -> Sequence[Delivery]:
    queues = await outbox.queues(KINDS, now)
    return queues[0].waiting if queues else ()


async def answered(outbox: Outbox, event_id: int, answer: Answer, now: int = NOW) -> None:
    (chosen,) = [each for each in await due(outbox, now) if each.event_id == event_id]
    await outbox.record([Result(1, (chosen,), answer)], now, 0.5)
