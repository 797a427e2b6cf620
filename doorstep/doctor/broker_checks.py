"""Judges what was seen of the broker. Pure: facts in, checks out.

Limits that a CONNACK of MQTT 5 leaves out have the meaning of section 3.2.2.3: no limit, and what
the client asked for.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from doorstep.doctor.check import Check, fail, ok, warn
from doorstep.doctor.nearness import is_here

LARGEST_PACKET: Final = 65_536 + 128
"""Bytes of the largest message of the contract, with its topic, header and properties."""
USUAL_IN_FLIGHT: Final = 20
"""What common clients have under way without asking the broker how much it takes."""
LEAST_WINDOW: Final = 100
"""Messages ahead of our pubacks below which a commit of 50 ms caps the rate at 2,000/s."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What ingestion asks of the broker."""

    host: str
    tls: bool
    session_expiry_s: int
    receive_maximum: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What the CONNACK of MQTT 5 says; None where it is silent."""

    receive_maximum: int | None = None
    maximum_qos: int | None = None
    retain: bool | None = None
    wildcards: bool | None = None
    packet_bytes: int | None = None
    session_expiry_s: int | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """What became of messages published while a session was away."""

    confirmed: int
    returned: int
    ahead: int
    """How many the broker sent before it had to have a confirmation."""


@dataclass(frozen=True, slots=True)
class NotProbed:
    """Why the queue could not be tried."""

    reason: str


@dataclass(frozen=True, slots=True)
class BrokerFacts:
    """All that was seen of a broker that let us in."""

    protocol: str
    anonymous: bool | None
    """Whether it lets somebody in without a login; None when that could not be tried."""
    queue: Queued | NotProbed
    limits: Limits | None = None
    """None with MQTT 3.1.1."""
    version: str | None = None
    dropped: int | None = None


def judge(asked: Asked, facts: BrokerFacts | str) -> list[Check]:
    """The checks, in a fixed order; of a broker that cannot be reached (a reason) only what can be.

    Total: never raises.
    """
    if isinstance(facts, str):
        return [fail("broker.reachable", facts), _transport(asked)]
    return [
        ok("broker.reachable", f"{asked.host} lets us in"),
        _protocol(facts.protocol),
        _transport(asked),
        _anonymous(asked, facts.anonymous),
        *_version(facts.version),
        *(() if facts.limits is None else _limits(asked, facts.limits)),
        *_window(asked, facts.queue),
        _queue(facts.queue),
        _dropped(facts.dropped),
    ]


def _protocol(protocol: str) -> Check:
    if protocol == "5":
        return ok("broker.protocol", "MQTT 5")
    return warn("broker.protocol", f"MQTT {protocol}: the broker does not tell its limits")


def _transport(asked: Asked) -> Check:
    if asked.tls:
        return ok("broker.transport", "TLS")
    if is_here(asked.host):
        return ok("broker.transport", "on this machine")
    return warn("broker.transport", f"plain text to {asked.host}")


def _anonymous(asked: Asked, anonymous: bool | None) -> Check:  # noqa: FBT001 - a fact
    if anonymous is None:
        return warn("broker.anonymous", "could not be tried")
    if not anonymous:
        return ok("broker.anonymous", "nobody comes in without a login")
    found = "lets anybody in without a login"
    if is_here(asked.host):
        return warn("broker.anonymous", f"{found}, on this machine")
    return fail("broker.anonymous", found)


def _version(version: str | None) -> Iterator[Check]:
    hit = re.fullmatch(r"mosquitto version (\d+)\.(\d+).*", version or "")
    if hit is None:
        return
    assert version is not None
    durable = (int(hit[1]), int(hit[2])) >= (2, 1)
    yield (ok if durable else warn)("broker.version", version)


def _limits(asked: Asked, limits: Limits) -> Iterator[Check]:
    qos = 2 if limits.maximum_qos is None else limits.maximum_qos
    yield (ok if qos >= 1 else fail)("broker.qos", f"up to QoS {qos}")
    taken = 65_535 if limits.receive_maximum is None else limits.receive_maximum
    enough = taken >= USUAL_IN_FLIGHT
    yield (ok if enough else warn)("broker.receive_maximum", f"{taken:,} from one client")
    retain = limits.retain is not False
    yield (ok if retain else warn)("broker.retain", "allowed" if retain else "not allowed")
    wildcards = limits.wildcards is not False
    yield (ok if wildcards else fail)("broker.wildcards", "allowed" if wildcards else "not allowed")
    packet = limits.packet_bytes
    if packet is None:
        yield ok("broker.packet_size", "no limit")
    else:
        fits = packet >= LARGEST_PACKET
        yield (ok if fits else fail)("broker.packet_size", f"{packet:,} bytes")
    granted_s = limits.session_expiry_s
    if granted_s is None or granted_s >= asked.session_expiry_s:
        yield ok("broker.session_expiry", f"{asked.session_expiry_s:,} s, as asked")
    else:
        found = f"{granted_s:,} s of {asked.session_expiry_s:,} s"
        yield fail("broker.session_expiry", found)


def _window(asked: Asked, queue: Queued | NotProbed) -> Iterator[Check]:
    if isinstance(queue, NotProbed) or not queue.returned:
        return
    wanted = min(asked.receive_maximum, queue.returned)
    found = f"{queue.ahead:,} messages ahead of our confirmation"
    if queue.ahead >= wanted:
        yield ok("broker.window", f"at least {found}")
    elif queue.ahead >= LEAST_WINDOW:
        yield ok("broker.window", f"{found}; {asked.receive_maximum:,} asked for")
    else:
        yield warn("broker.window", f"{found}; {asked.receive_maximum:,} asked for")


def _queue(queue: Queued | NotProbed) -> Check:
    if isinstance(queue, NotProbed):
        return warn("broker.offline_queue", f"cannot probe: {queue.reason}")
    found = f"{queue.returned:,} of {queue.confirmed:,} confirmed messages came back"
    whole = queue.returned >= queue.confirmed
    return (ok if whole else fail)("broker.offline_queue", found)


def _dropped(dropped: int | None) -> Check:
    if dropped is None:
        return warn("broker.dropped", "the broker does not show its counter")
    found = f"{dropped:,} since the broker started"
    return (warn if dropped else ok)("broker.dropped", found)
