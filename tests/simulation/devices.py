"""Model devices: they hear receipts, believe them, and keep what is not covered."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ingest.sources.port import Notice

Boot = tuple[str, str | None]
"""(device id, boot word)."""
Message = tuple[str, bytes]


@dataclass(slots=True)
class Devices:
    """What every device was told. A receipt that claims too much is an error at once."""

    heard: dict[Boot, dict[str, object]] = field(default_factory=dict)
    """The last receipt of each boot."""
    errors: list[dict[str, object]] = field(default_factory=list)
    told_at: dict[str, int] = field(default_factory=dict)

    def hear(self, notices: Sequence[Notice], committed: Mapping[Boot, set[int]], now: int) -> None:
        """`committed` are the numbers that are stored or rejected at this moment."""
        for notice in notices:
            *_, device, kind = notice.topic.split("/")
            said = json.loads(notice.payload)
            if kind == "errors":
                self.errors.append(said)
                continue
            assert kind == "receipt"
            assert now - self.told_at.get(device, 0) >= 1_000_000, "two within a second"
            self.told_at[device] = now
            boot = (device, said["boot"])
            claimed = covered(said)
            assert claimed <= committed[boot], (boot, claimed - committed[boot])
            self.heard[boot] = said

    def held(self, sent: Sequence[Message]) -> list[Message]:
        """What devices still have of all they sent, for want of a receipt."""
        covers = {boot: covered(said) for boot, said in self.heard.items()}
        kept = []
        for topic, payload in sent:
            boot, seq = number(topic, payload)
            if seq is not None and seq not in covers.get(boot, set()) | {0}:
                kept.append((topic, payload))
        return kept


def covered(said: dict[str, object]) -> set[int]:
    """The numbers from 1 on that a receipt calls committed."""
    seq, missing = said["seq"], said["missing"]
    assert isinstance(seq, int)
    assert isinstance(missing, list)
    assert len(missing) <= 16
    gone = {n for begin, end in missing for n in range(begin, end + 1)}
    return {*range(1, seq + 1)} - gone


def device_of(topic: str) -> str:
    """The id of the device that a topic is of."""
    return topic.split("/")[3]


def number(topic: str, payload: bytes) -> tuple[Boot, int | None]:
    """Which number of which boot a message has; None where it is not to be read."""
    device = device_of(topic)
    try:
        body = json.loads(payload)
    except ValueError:
        return (device, None), None
    return (device, body.get("boot")), body["seq"]
