"""Tries whether the broker keeps what it confirms for a session that is away, beyond 1,000.

A session of the doctor's own subscribes to a private topic and leaves; more messages than the
usual limit are published and confirmed; the session comes back and counts. A first message, while
the session is there, tells a broker that drops from one that does not let us: access rules are
often silent. The session is removed afterwards, whatever happened.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from paho.mqtt.client import MQTTMessage

from doorstep.doctor.broker_checks import NotProbed, Queued
from doorstep.doctor.mqtt_link import Link, LinkError, Session, Version, connected
from ingest.sources.address import SourceSettings

MESSAGES: Final = 1_100
"""Above the 1,000 that Mosquitto, EMQX and HiveMQ keep by default."""
FIRST: Final = b"first"
KEPT_S: Final = 300
"""How long the broker keeps the probe's session if we die: long enough to come back."""
FIRST_S: Final = 3.0
PUBLISHED_S: Final = 40.0
QUIET_S: Final = 5.0
"""Nothing for so long after a return: nothing more will come. Above NATS's time to send again."""
AHEAD_S: Final = 0.5
"""Nothing for so long without a confirmation of ours: the window is full."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Where and as whom the queue is tried."""

    settings: SourceSettings
    version: Version
    name: str
    """The client id; also names the topic."""

    @property
    def topic(self) -> str:
        """Nobody else's."""
        return f"doorstep/v1/doctor/{self.name}"

    @property
    def session(self) -> Session:
        """The subscriber's, as it is made."""
        return Session(
            self.name,
            self.version,
            kept_s=KEPT_S,
            receive_maximum=self.settings.receive_maximum,
        )


def try_queue(probe: Probe) -> Queued | NotProbed:
    """What became of the messages, or why none could be sent. Never raises for the broker."""
    try:
        refusal = _subscribe_and_leave(probe)
        if refusal is not None:
            return refusal
        confirmed = _publish(probe)
        if isinstance(confirmed, NotProbed):
            return confirmed
        return _return_and_count(probe, confirmed)
    except LinkError as error:
        return NotProbed(str(error))
    finally:
        with suppress(LinkError), connected(probe.settings, Session(probe.name, probe.version)):
            pass  # a fresh session in place of the kept one, and not kept itself


def _subscribe_and_leave(probe: Probe) -> NotProbed | None:
    with connected(probe.settings, probe.session) as subscriber:
        codes = subscriber.subscribe([probe.topic])
        if codes != [1]:
            return NotProbed(f"we may not subscribe to {probe.topic} with QoS 1")
        with connected(probe.settings, _publisher(probe)) as publisher:
            publisher.publish(probe.topic, FIRST)
            if not subscriber.wait(lambda: bool(subscriber.messages), FIRST_S):
                return NotProbed(f"we may not write and read {probe.topic}")
        subscriber.confirm(subscriber.messages)
    return None


def _publish(probe: Probe) -> int | NotProbed:
    """Sends them all and returns how many the broker accepted."""
    with connected(probe.settings, _publisher(probe)) as publisher:
        for number in range(MESSAGES):
            publisher.publish(probe.topic, str(number).encode())
        if not publisher.wait(lambda: len(publisher.published) == MESSAGES, PUBLISHED_S):
            done = len(publisher.published)
            return NotProbed(f"only {done:,} of {MESSAGES:,} were confirmed in {PUBLISHED_S:.0f} s")
        return sum(publisher.published.values())


def _return_and_count(probe: Probe, confirmed: int) -> Queued:
    with connected(probe.settings, replace(probe.session, fresh=False)) as subscriber:
        _until_quiet(subscriber, 0, QUIET_S)
        arrived = len(subscriber.messages)
        while _until_quiet(subscriber, arrived, AHEAD_S):
            arrived = len(subscriber.messages)
        ahead = len(_numbers(subscriber.messages[:arrived]))
        told = 0
        while len(_numbers(subscriber.messages)) < confirmed:
            subscriber.confirm(subscriber.messages[told:arrived])
            told = arrived
            if not _until_quiet(subscriber, arrived, QUIET_S):
                break
            arrived = len(subscriber.messages)
        subscriber.confirm(subscriber.messages[told:])
        return Queued(confirmed, len(_numbers(subscriber.messages)), ahead)


def _until_quiet(subscriber: Link, seen: int, quiet_s: float) -> bool:
    """Whether more than `seen` messages have arrived, waiting for the next at most so long."""
    return subscriber.wait(lambda: len(subscriber.messages) > seen, quiet_s)


def _numbers(messages: list[MQTTMessage]) -> set[bytes]:
    """What came at least once; brokers may send again."""
    return {bytes(message.payload) for message in messages} - {FIRST}


def _publisher(probe: Probe) -> Session:
    return Session(f"{probe.name}-publisher", probe.version)
