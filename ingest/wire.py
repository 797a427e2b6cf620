"""Bytes from a device to rows and rejections: the only way in, total over all topics and bytes.

`decode` never raises and looks at nothing but its arguments. Judgement goes from the outside in,
and the first fault counts: size, topic, UTF-8, JSON, number of readings, device; then each reading
alone: keys named twice, types, device, instant, quantities, assignment. What a reading's fields may
be is in `ingest.reading_shape`, what its quantities come to in `ingest.quantities`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from alerts.canary import Canary
from domain.instant import DAY_US, MINUTE_US, SECOND_US, parse_rfc3339
from domain.people import Device, Roster
from ingest.canaries import canaries_in
from ingest.quantities import NOTHING, columns
from ingest.reading_shape import MAX_BYTES, Reading, Spoilt, read
from ingest.rejection import MESSAGE, Fault, Reason, Rejection, shown

__all__ = ["MESSAGE", "Decoded", "Reason", "Rejection", "boot_key", "decode"]

OLDEST_US: Final = 30 * DAY_US
NEWEST_US: Final = 5 * MINUTE_US

_TOPIC: Final = re.compile(r"doorstep/v1/devices/([A-Za-z0-9_-]{1,64})/readings")


@dataclass(frozen=True, slots=True)
class Decoded:
    """One message, judged."""

    device_id: str | None
    """As the topic names it, known or not; None when the topic is not one of ours."""
    rows: list[tuple[int, ...]]
    """In the field order of `domain.batch.READING` and the message's order; digests are 0."""
    rejections: list[Rejection]
    """At most one for each (item, reason, pointer)."""
    boots: dict[int, str]
    """The boot words of the rows, by `boot_key`."""
    unknown_fields: int
    """Fields of well-typed readings that we do not know and did not look at."""
    readings: int = 1
    """How many were in it, good or not; at least 1."""
    canaries: tuple[Canary, ...] = ()
    """What it is instead of readings, where it is a message of our own."""


def decode(
    topic: str,
    payload: bytes,
    received_at: int,
    roster: Roster,
    slots: Mapping[tuple[int, int], int],
) -> Decoded:
    """Judges one message. `slots` has every assignment's (episode number, device number).

    A reading becomes one row, or at least one rejection with `rest_stored` false; dropped
    quantities of a row are rejections with `rest_stored` true.
    """
    match = _TOPIC.fullmatch(topic)
    if match is None and len(payload) <= MAX_BYTES:
        return _refused(None, Fault(Reason.UNKNOWN_DEVICE, "", "not a topic of readings"))
    device_id = match[1] if match else None
    contents = read(payload)
    if isinstance(contents, Fault):
        return _refused(device_id, contents)
    device = roster.devices.get(device_id or "")
    readings, unknown_fields = contents
    if device is None:
        canaries = canaries_in(device_id, readings)
        if canaries:
            return Decoded(device_id, [], [], {}, 0, len(readings), canaries)
        return _refused(device_id, Fault(Reason.UNKNOWN_DEVICE, "", "not in the roster"))
    rows: list[tuple[int, ...]] = []
    rejections: list[Rejection] = []
    boots: dict[int, str] = {}
    faults: list[Fault] = []
    for item, reading in enumerate(readings):
        row = None
        if isinstance(reading, Spoilt):
            faults.append(reading.fault)
            number = _number(reading.device_id, reading.boot, reading.seq, device)
        else:
            given = reading.get("device_id")
            number = _number(given, reading.get("boot"), reading.get("seq"), device)
            row = _row(reading, device, received_at, roster, slots, faults)
            if row is not None:
                rows.append(row)
                if (boot := reading.get("boot")) is not None:
                    boots[boot_key(boot)] = boot
        if faults:
            stored = row is not None
            rejections += [_rejection(fault, item, number, stored=stored) for fault in faults]
            faults.clear()
    return Decoded(device_id, rows, rejections, boots, unknown_fields, len(readings))


def refused(topic: str, reason: Reason, detail: str) -> Decoded:
    """A message that is rejected whole, whatever is in it."""
    match = _TOPIC.fullmatch(topic)
    return _refused(match[1] if match else None, Fault(reason, "", detail))


@lru_cache(maxsize=1 << 16)
def boot_key(boot: str) -> int:
    """A 64-bit signed number for a boot word, the same everywhere and always; never 0."""
    digest = blake2b(boot.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True) or 1


def _number(
    given: str | None, boot: str | None, seq: int | None, device: Device
) -> tuple[str | None, int]:
    """(boot, seq), seq -1 for none. Another device's number says nothing of this one's."""
    if seq is None or seq < 0 or given not in (None, device.id):
        return None, -1
    return boot, seq


def _row(
    reading: Reading,
    device: Device,
    received_at: int,
    roster: Roster,
    slots: Mapping[tuple[int, int], int],
    faults: list[Fault],
) -> tuple[int, ...] | None:
    """The reading's row, or None; `faults` then says why, else which quantities were dropped."""
    given = reading.get("device_id")
    if given is not None and given != device.id:
        detail = f"{shown(given)} is not the device of the topic"
        faults.append(Fault(Reason.DEVICE_MISMATCH, "/device_id", detail))
        return None
    measured_at = _instant(reading["measured_at"])
    if measured_at is None or not -NEWEST_US <= received_at - measured_at <= OLDEST_US:
        faults.append(_untimely(reading["measured_at"], measured_at, received_at))
        return None
    quantities = columns(reading, faults)
    if quantities == NOTHING:
        if not faults:
            faults.append(Fault(Reason.SCHEMA, "", "no quantity in it"))
        return None
    assignment = roster.assigned(device.no, measured_at)
    if assignment is None:
        # Judged again as a whole when an import covers it, so nothing else is said of it now.
        faults[:] = [Fault(Reason.NOT_ASSIGNED, "", "nobody wore the device then")]
        return None
    episode_no = assignment.episode_no
    slot = slots.get((episode_no, device.no))
    assert slot is not None, "every assignment has a slot"
    boot, seq = reading.get("boot"), reading.get("seq")
    return (
        slot,
        device.no,
        episode_no,
        measured_at,
        received_at,
        0,
        0 if boot is None else boot_key(boot),
        -1 if seq is None else seq,
        *quantities,
    )


def _instant(given: str | int) -> int | None:
    """The instant a reading names, in microseconds; None when it is none."""
    if isinstance(given, int):
        return given * 1_000
    try:
        return parse_rfc3339(given)
    except ValueError:
        return None


def _untimely(given: str | int, measured_at: int | None, received_at: int) -> Fault:
    detail, reason = f"{shown(given)} is no RFC 3339 instant with an offset", Reason.SCHEMA
    if measured_at is not None:
        late_s = (received_at - measured_at) // SECOND_US
        detail = f"{shown(given)} is {abs(late_s)} s {'before' if late_s > 0 else 'after'} receipt"
        reason = Reason.TIME_TOO_OLD if late_s > 0 else Reason.TIME_IN_FUTURE
    return Fault(reason, "/measured_at", detail)


def _refused(device_id: str | None, fault: Fault) -> Decoded:
    return Decoded(device_id, [], [_rejection(fault, MESSAGE, (None, -1), stored=False)], {}, 0)


def _rejection(
    fault: Fault, item: int, number: tuple[str | None, int], *, stored: bool
) -> Rejection:
    reason, pointer, detail = fault
    return Rejection(reason, item, pointer, detail, stored, *number)
