"""What the devices of a bench run send: full readings of calm people, a few of them feverish.

A stream is a pure function of its description and an instant, so that every candidate of a run is
given the same bytes. Wearers take turns, a minute of event time a turn; the first turn of all is
the warm-up, after which no device is unknown to anybody.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from domain.instant import DAY_US, MINUTE_US, format_rfc3339

HOME: Final = (32.0603, 118.7969)
WEARERS: Final = 10_000
FEVERISH_EVERY: Final = 100
"""Every so many-th wearer has a fever all the time, and the rules something to find."""
DUPLICATE_WITHIN: Final = 20_000
"""A duplicate comes at most so many messages after the first copy."""
TOPIC: Final = "doorstep/v1/devices/{}/readings"


@dataclass(frozen=True, slots=True)
class Stream:
    """What is sent in one run, beside the warm-up."""

    messages: int
    per_message: int = 1
    wearers: int = WEARERS
    duplicates: float = 0.0
    """The share of messages that come twice."""
    late: float = 0.0
    """The share of messages that come after the wearer's next one."""
    seq: bool = False
    """Whether readings are numbered, so that receipts are owed."""
    first_turn: int = 0
    """Where in event time it begins: after what was sent to the same database before."""
    warm: bool = True
    """Whether there is a warm-up."""

    @property
    def readings(self) -> int:
        """Readings that are to be stored, without the warm-up."""
        return self.messages * self.per_message


@dataclass(frozen=True, slots=True)
class Message:
    """One message of one wearer."""

    wearer: int
    payload: bytes


def device_id(wearer: int) -> str:
    """How a wearer's band is called; topics and roster agree on it."""
    return f"w-{wearer:07d}"


def warm_up(stream: Stream, now: int) -> Iterator[Message]:
    """One message of each wearer."""
    for wearer in range(stream.wearers if stream.warm else 0):
        yield Message(wearer, payload(stream, wearer, 0, now))


def messages(stream: Stream, now: int) -> Iterator[Message]:
    """Everything after the warm-up, in the order it is sent."""
    rng = random.Random(7)
    again: dict[int, list[Message]] = {}
    for number, (wearer, turn) in enumerate(_turns(stream, rng)):
        message = Message(wearer, payload(stream, wearer, turn, now))
        yield message
        if rng.random() < stream.duplicates:
            place = number + rng.randrange(1, DUPLICATE_WITHIN)
            again.setdefault(min(place, stream.messages - 1), []).append(message)
        yield from again.pop(number, ())


def _turns(stream: Stream, rng: random.Random) -> Iterator[tuple[int, int]]:
    """(wearer, turn): each wearer's turns rise, except that some change places with the next."""
    held: dict[int, int] = {}
    last = stream.messages // stream.wearers
    for number in range(stream.messages):
        turn, wearer = divmod(number, stream.wearers)
        turn += 1
        if wearer in held:
            # The one before is late: it comes now, and the present one was sent in its place.
            yield wearer, held.pop(wearer)
        elif stream.late and turn < last and rng.random() < stream.late:
            held[wearer] = turn
            yield wearer, turn + 1
        else:
            yield wearer, turn


def payload(stream: Stream, wearer: int, turn: int, now: int) -> bytes:
    """The JSON of one message."""
    first = (stream.first_turn + turn) * stream.per_message
    readings = [reading(wearer, first + n, now, seq=stream.seq) for n in range(stream.per_message)]
    return (readings[0] if len(readings) == 1 else f"[{', '.join(readings)}]").encode()


def reading(wearer: int, minute: int, now: int, *, seq: bool) -> str:
    """One reading, in the words of docs/wire-format.md. Hundredths differ from minute to minute."""
    measured_at = format_rfc3339(now - 2 * DAY_US + minute * MINUTE_US + wearer % 59_999 * 1_000)
    wobble = (wearer * 7 + minute * 13) % 40
    temperature_cc = 3440 + wobble + (400 if wearer % FEVERISH_EVERY == 1 else 0)
    numbered = f'"boot": "a1", "seq": {minute}, ' if seq else ""
    return (
        f'{{"measured_at": "{measured_at}", {numbered}"temperature_c": {temperature_cc / 100},'
        f' "site": "wrist", "pulse_bpm": {62 + wobble // 2}, "spo2_pct": {96 + wobble % 4},'
        f' "steps": {wobble % 3}, "lat": {HOME[0] + wobble / 1e6:.7f},'
        f' "lon": {HOME[1] - wobble / 1e6:.7f}, "accuracy_m": {8 + wobble % 9}.5,'
        f' "datum": "wgs84", "battery_pct": {60 + minute % 40}, "charging": false, "worn": true}}'
    )
