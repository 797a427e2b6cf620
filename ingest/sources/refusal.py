"""Which answers of a broker are final, in the numbers of MQTT 5 and of MQTT 3.1.1.

A final answer ends the source with `SourceRefused`, because only a person can mend it; every other
failure is retried. Pure: it refuses to read packets and only judges the codes found in them.
"""

import ssl
from collections.abc import Sequence

from ingest.sources.port import SourceRefused

VERSION_REFUSED = 0x84
FINAL = {
    0x85: "the client id is not accepted",
    0x86: "bad user name or password",
    0x87: "not authorised",
    0x8A: "banned",
    0x8C: "the authentication method is not accepted",
    0x9D: "the server has moved",
}
"""CONNACK reason codes of MQTT 5 (section 3.2.2.2) that trying again does not change."""
FROM_OLD = {1: VERSION_REFUSED, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87}
"""CONNACK return codes of MQTT 3.1.1 (section 3.2.2.3) in the numbers of MQTT 5."""
GRANTED = 1
FIRST_FAILURE = 0x80


class VersionRefused(SourceRefused):
    """The broker does not speak this version of MQTT; another version may do."""


def refused_connect(code: int, detail: str | None = None) -> SourceRefused | None:
    """The error a CONNACK reason code (MQTT 5 numbers) stands for, None if it may pass."""
    if code == VERSION_REFUSED:
        return VersionRefused("the broker does not speak this version of MQTT")
    if code not in FINAL:
        return None
    told = f" ({detail})" if detail else ""
    return SourceRefused(f"the broker refuses us: {FINAL[code]}{told}")


def refused_dial(error: OSError) -> SourceRefused | None:
    """The error a failed dial stands for: an untrusted certificate is final, the rest may pass."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return None
    return SourceRefused(f"the broker's certificate is not trusted: {error.verify_message}")


def old_form_code(head: bytes) -> int | None:
    """The reason code in a CONNACK of MQTT 3.1.1, as MQTT 5 numbers; None for anything else.

    A broker that does not know MQTT 5 answers in its own form, two bytes long where MQTT 5 has
    at least three; a codec for MQTT 5 sees only a malformed packet.
    """
    if head[:2] != b"\x20\x02" or len(head) < 4:
        return None
    return FROM_OLD.get(head[3])


def refused_subscription(topics: Sequence[str], codes: Sequence[int]) -> SourceRefused | None:
    """The error a SUBACK stands for, None if every filter got QoS 1.

    QoS 0 is a refusal too: those messages would come without any promise.
    """
    if len(codes) != len(topics):
        return SourceRefused(f"{len(codes)} answers to {len(topics)} subscriptions")
    for topic, code in zip(topics, codes, strict=True):
        if code >= FIRST_FAILURE:
            return SourceRefused(f"the subscription to {topic} is refused (0x{code:02x})")
        if code != GRANTED:
            return SourceRefused(f"the subscription to {topic} got QoS {code}, not QoS 1")
    return None
