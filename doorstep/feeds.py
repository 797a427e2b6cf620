"""Puts the feeds together: who knows how to hand alert events over, and the service's own feeds."""

from collections.abc import Mapping
from random import SystemRandom

from alerts.api.ports import Ports
from alerts.feeds.port import Sender
from alerts.feeds.watching import watch
from alerts.feeds.webhook import WebhookSender
from alerts.feeds.worker import Worker
from alerts.signals import Horizon, Standing
from alerts.subscription import Subscription
from doorstep.clock import SystemClock
from doorstep.process import PASSING
from doorstep.settings import Settings
from store import subscribers
from store.outbox import Outbox
from store.pool import Pool


def webhook_sender(settings: Settings) -> WebhookSender:
    """What posts webhooks, and test messages to them."""
    return WebhookSender(SystemClock().now, private=settings.feeds.allow_private)


def worker(settings: Settings, senders: Mapping[str, Sender]) -> Worker:
    """What delivers; `senders` by kind of subscriber. Retries take real time."""
    outbox = Outbox(settings.database_url, settings.make_clock().now)
    return Worker(outbox, senders, SystemClock().now, SystemRandom().random, PASSING)


async def watch_signals(ports: Ports) -> None:
    """Tells those who listen which signals begin and end, until cancelled."""

    def look() -> Mapping[str, Standing]:
        return ports.desk.standing_signals(Horizon.at(ports.now(), ports.clock_factor))

    await watch(look, ports.now, ports.dispatcher, ports.unavailable)


def own_feeds() -> list[Subscription]:
    """The subscribers that are the service's own, made or changed at each start."""
    return []


def keep_own_feeds(pool: Pool) -> None:
    """Writes them down."""
    now = SystemClock().now()
    with pool.of_service() as connection:
        for wanted in own_feeds():
            subscribers.keep(connection, wanted, now)
