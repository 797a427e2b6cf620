"""Looks at the broker: what it says at CONNECT, what it counts, whom it lets in, what it keeps.

Connects as ingestion would (version, login, TLS), with a client id of its own. Judges nothing.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from doorstep.doctor.broker_checks import BrokerFacts, Limits
from doorstep.doctor.mqtt_link import (
    Link,
    LinkError,
    LinkRefused,
    Session,
    Version,
    VersionNotSpoken,
    connected,
)
from doorstep.doctor.queue_probe import Probe, try_queue
from ingest.sources.address import SourceSettings

_VERSION: Final = "$SYS/broker/version"
_DROPPED: Final = "$SYS/broker/publish/messages/dropped"
_SYS_S: Final = 1.0
"""Both are retained: they come at once or not at all."""


def look(settings: SourceSettings, name: str) -> BrokerFacts | str:
    """The facts, or why the broker cannot be reached. `name` is a client id nobody else uses."""
    versions: tuple[Version, ...] = (
        ("5", "3.1.1") if settings.protocol == "auto" else (settings.protocol,)
    )
    refusal = "no version of MQTT was tried"
    for version in versions:
        try:
            return _look(settings, name, version)
        except VersionNotSpoken as error:
            refusal = str(error)
        except LinkError as error:
            return str(error)
    return refusal


def _look(settings: SourceSettings, name: str, version: Version) -> BrokerFacts:
    # The expiry is asked for as ingestion does, so that the answer is what ingestion gets. The
    # next connection replaces that session, empty as it is, by one that is not kept.
    kept_s = settings.session_expiry_s if version == "5" else 0
    with connected(settings, Session(name, version, kept_s=kept_s)) as link:
        limits = _limits(link.limits) if version == "5" else None
    with connected(settings, Session(name, version)) as link:
        told = _counters(link)
    dropped = told.get(_DROPPED, "")
    return BrokerFacts(
        protocol=version,
        anonymous=_lets_anybody_in(settings, name, version),
        queue=try_queue(Probe(settings, version, name)),
        limits=limits,
        version=told.get(_VERSION),
        dropped=int(dropped) if re.fullmatch(r"\d{1,18}", dropped) else None,
    )


def _limits(said: Mapping[str, Any]) -> Limits:
    retain, wildcards = said.get("RetainAvailable"), said.get("WildcardSubscriptionAvailable")
    return Limits(
        receive_maximum=said.get("ReceiveMaximum"),
        maximum_qos=said.get("MaximumQoS"),
        retain=None if retain is None else bool(retain),
        wildcards=None if wildcards is None else bool(wildcards),
        packet_bytes=said.get("MaximumPacketSize"),
        session_expiry_s=said.get("SessionExpiryInterval"),
    )


def _counters(link: Link) -> dict[str, str]:
    """Mosquitto's own topics, as far as we may read them."""
    link.subscribe([_VERSION, _DROPPED])
    link.wait(lambda: len(link.messages) >= 2, _SYS_S)
    return {found.topic: found.payload.decode("utf-8", "replace") for found in link.messages}


def _lets_anybody_in(settings: SourceSettings, name: str, version: Version) -> bool | None:
    """Whether a stranger without user name and password gets in."""
    if settings.address().username is None:
        return True
    try:
        with connected(settings, Session(f"{name}-stranger", version, login=False)):
            return True
    except LinkRefused:
        return False
    except LinkError:
        return None
