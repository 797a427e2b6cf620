"""Puts the feeds together: who knows how to hand alert events over, and the service's own feeds."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from random import SystemRandom
from secrets import token_hex
from typing import Final

from alerts.api.ports import Ports
from alerts.canary import Sighting
from alerts.feeds import mqtt, notify
from alerts.feeds.digest import Digests
from alerts.feeds.mqtt import MqttFeed
from alerts.feeds.mqtt_line import Broker, Version
from alerts.feeds.notify import Notifier
from alerts.feeds.port import Sender
from alerts.feeds.watching import watch
from alerts.feeds.webhook import WebhookSender
from alerts.feeds.worker import Worker
from alerts.signals import Horizon, Standing
from alerts.subscription import Subscription
from doorstep.clock import SystemClock
from doorstep.process import PASSING
from doorstep.settings import Settings
from store import canary_desk, notified, subscribers
from store.contact_uses import Uses
from store.digests import Rounds
from store.notified import Directory
from store.outbox import Outbox
from store.pool import Pool

MQTT: Final = Subscription(id="mqtt", kind=mqtt.KIND, name="MQTT", grid_nos=None, config={})
"""All alerts of all grids, on the broker; its access list says who hears which."""
_VERSIONS: Final[Mapping[str, tuple[Version, ...]]] = {
    "auto": ("5", "3.1.1"),
    "5": ("5",),
    "3.1.1": ("3.1.1",),
}


def webhook_sender(settings: Settings) -> WebhookSender:
    """What posts webhooks, and test messages to them."""
    return WebhookSender(SystemClock().now, private=settings.feeds.allow_private)


@dataclass(frozen=True, slots=True)
class Own:
    """The service's own feeds."""

    notify: Notifier
    mqtt: MqttFeed | None

    def senders(self) -> dict[str, Sender]:
        """By kind of subscriber."""
        found: dict[str, Sender] = {notify.KIND: self.notify}
        if self.mqtt is not None:
            found[mqtt.KIND] = self.mqtt
        return found

    def running(self) -> list[Coroutine[None, None, None]]:
        """What runs beside the worker until it is cancelled."""
        return [] if self.mqtt is None else [self.mqtt.run()]


def notifier(settings: Settings, pool: Pool) -> Notifier:
    """What tells staff by their contacts."""
    console = settings.feeds.console_url
    return Notifier(Directory(pool), Uses(pool), console, SystemClock().now, PASSING)


def own(settings: Settings, pool: Pool) -> Own:
    """Made and not yet running. Raises `ConfigurationError`."""
    return Own(notifier(settings, pool), mqtt_feed(settings) if settings.alerts_by_mqtt else None)


def mqtt_feed(settings: Settings) -> MqttFeed:
    """A connection with the broker, to publish on. Raises `ConfigurationError`."""
    source = settings.source_settings()
    address = source.address()
    broker = Broker(
        host=address.host,
        port=address.port,
        # Of its own in each process: two that serve must not put each other out.
        client_id=f"doorstep-serve-{token_hex(4)}",
        username=address.username,
        password=address.password,
        tls=source.tls_context(),
        keep_alive_s=source.keep_alive_s,
    )
    return MqttFeed(broker, _VERSIONS[source.protocol])


def digests(settings: Settings, pool: Pool, notifier: Notifier) -> Digests:
    """What tells staff at their rounds of what calls nobody; they go by the service's clock."""
    return Digests(
        Rounds(pool, settings.make_clock().now),
        notifier,
        settings.feeds.console_url,
        SystemClock().now,
        SystemRandom().random,
        PASSING,
    )


def worker(
    settings: Settings, senders: Mapping[str, Sender], seen: Callable[[Sequence[Sighting]], None]
) -> Worker:
    """What delivers; `senders` by kind of subscriber. Retries take real time."""
    outbox = Outbox(settings.database_url, settings.make_clock().now)
    return Worker(outbox, senders, SystemClock().now, SystemRandom().random, PASSING, seen)


async def watch_signals(ports: Ports) -> None:
    """Tells those who listen which signals begin and end, until cancelled."""

    def look() -> Mapping[str, Standing]:
        return ports.desk.standing_signals(Horizon.at(ports.now(), ports.clock_factor))

    await watch(look, ports.now, ports.dispatcher, ports.unavailable)


def keep_own_feeds(pool: Pool, settings: Settings) -> None:
    """Makes the subscribers that are the service's own, or takes away what is not wanted.

    One that is off would have all that it missed as soon as it is on again.
    """
    now = SystemClock().now()
    with pool.of_service() as connection:
        notified.keep(connection, now)
        if settings.alerts_by_mqtt:
            subscribers.keep(connection, MQTT, now)
        else:
            subscribers.drop(connection, MQTT.id)
        if not settings.canaries_fly:
            canary_desk.end_signals(connection, settings.make_clock().now())
