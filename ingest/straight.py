"""The straight road: many messages at once, to rows in columns.

Nearly every message is one that nothing is wrong with: well-typed readings of a known device, in
range, in time, without a key named twice or unknown. Such messages are read here, and only such. Of
any other this module has no opinion: it names it, and `ingest.wire.decode` judges it alone, which
is the exact road and the one to read first. Where both have an opinion it is the same (held by
tests/unit/ingest/test_straight.py).

Keys named twice, which a JSON parser settles silently, and keys nobody knows are found by counting:
without an escape in it, a text's colons are those after its keys and those within its strings. The
readings have at most as many keys, and only `measured_at` is let have colons in it, so equal sums
mean that nothing was left out and nothing overwritten. A `null` makes the sums differ as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from domain.batch import READING, Rows
from ingest.directory import Directory
from ingest.reading_shape import MAX_BYTES, MAX_READINGS
from ingest.sources.port import Envelope
from ingest.straight_columns import Table, table_of

_PREFIX: Final = "doorstep/v1/devices/"
_SUFFIX: Final = "/readings"
_ID_FROM, _ID_UNTIL = len(_PREFIX), -len(_SUFFIX)

_Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Count64 = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Word = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]


class Fields(msgspec.Struct, gc=False):
    """A reading's fields, in the order of `ingest.straight_columns.Table`'s arguments."""

    measured_at: str | _Int64
    device_id: str | None = None
    boot: _Word | None = None
    seq: _Count64 | None = None
    temperature_c: float | None = None
    site: str | None = None
    pulse_bpm: float | None = None
    spo2_pct: float | None = None
    steps: float | None = None
    lat: float | None = None
    lon: float | None = None
    accuracy_m: float | None = None
    datum: str | None = None
    near_home: bool | None = None
    battery_pct: float | None = None
    charging: bool | None = None
    worn: bool | None = None


_DEVICE_ID: Final = Fields.__struct_fields__.index("device_id")
_one: Final = msgspec.json.Decoder(Fields, strict=True).decode
_many: Final = msgspec.json.Decoder(
    Annotated[list[Fields], msgspec.Meta(min_length=1, max_length=MAX_READINGS)], strict=True
).decode


@dataclass(frozen=True, slots=True, eq=False)
class Straight:
    """What the straight road made of some messages."""

    rows: Rows
    """In order of arrival; digests are not filled in."""
    origins: npt.NDArray[np.int32]
    """For each row, which of the messages it came in."""
    left: Sequence[int]
    """The messages that are to go the exact road, ascending."""
    boots: Mapping[int, str]
    """The boot words of the rows, by `ingest.wire.boot_key`."""


@dataclass(slots=True)
class _Parsed:
    """Readings of messages of known devices, before anybody looked at what they say."""

    readings: list[Fields]
    devices: list[int]
    """For each message its device's number."""
    ids: list[str]
    messages: list[int]
    counts: list[int]
    """For each message its readings."""
    colons: list[int]
    left: list[int]


def decode_straight(envelopes: Sequence[Envelope], directory: Directory) -> Straight:
    """The rows of every message that is plainly all right, and which ones are not."""
    parsed = _parse_alike(envelopes, directory) or _parse(envelopes, directory)
    if not parsed.readings:
        empty = np.empty(0, dtype=READING)
        return Straight(empty, np.empty(0, dtype=np.int32), parsed.left, {})
    nth = np.repeat(np.arange(len(parsed.messages)), parsed.counts)
    received = [envelopes[message].received_at for message in parsed.messages]
    given = list(zip(*map(msgspec.structs.astuple, parsed.readings), strict=True))
    named = given[_DEVICE_ID].count(None) < len(parsed.readings)
    table = table_of(
        given,
        np.array(parsed.devices, dtype=np.int32)[nth],
        [parsed.ids[n] for n in nth.tolist()] if named else (),
        np.array(received, dtype=np.int64)[nth],
        directory,
    )
    good = _all_good(table, nth, parsed)
    left = parsed.left
    if not good.all():
        spoilt = [message for message, g in zip(parsed.messages, good, strict=True) if not g]
        left = sorted([*left, *spoilt])
    origins = np.array(parsed.messages, dtype=np.int32)[nth]
    keep = good[nth]
    if keep.all():
        return Straight(table.rows, origins, left, table.boots)
    return Straight(table.rows[keep], origins[keep], left, table.boots)


def _parse_alike(envelopes: Sequence[Envelope], directory: Directory) -> _Parsed | None:
    """Messages of which each is one plain reading of a known device; None if any is not.

    Each payload is parsed by itself: of several in one text, one could pass for two.
    """
    topics = [envelope.topic for envelope in envelopes]
    payloads = [envelope.payload for envelope in envelopes]
    ids = [topic[_ID_FROM:_ID_UNTIL] for topic in topics]
    text = b"".join(payloads)
    count = len(envelopes)
    alike = (
        count > 0
        and [topic[:_ID_FROM] for topic in topics].count(_PREFIX) == count
        and [topic[_ID_UNTIL:] for topic in topics].count(_SUFFIX) == count
        and [payload[:1] for payload in payloads].count(b"{") == count
        and max(map(len, payloads)) <= MAX_BYTES
        and b"\\" not in text
        and text.isascii()
    )
    numbers = directory.numbers(ids) if alike else [-1]
    if min(numbers) < 0:
        return None
    try:
        readings = [*map(_one, payloads)]
    except (msgspec.MsgspecError, RecursionError):
        return None
    return _Parsed(
        readings=readings,
        devices=numbers,
        ids=ids,
        messages=list(range(count)),
        counts=[1] * count,
        colons=[payload.count(b":") for payload in payloads],
        left=[],
    )


def _parse(envelopes: Sequence[Envelope], directory: Directory) -> _Parsed:
    """Message by message: those that may go the straight road, and those that may not."""
    parsed = _Parsed([], [], [], [], [], [], [])
    ids = [envelope.topic[_ID_FROM:_ID_UNTIL] for envelope in envelopes]
    numbers = directory.numbers(ids)
    one, many = _one, _many
    readings, left = parsed.readings, parsed.left
    for n, envelope in enumerate(envelopes):
        topic, payload = envelope.topic, envelope.payload
        device_no = numbers[n]
        if (
            device_no < 0
            or len(payload) > MAX_BYTES
            or b"\\" in payload
            or not payload.isascii()
            or not topic.startswith(_PREFIX)
            or not topic.endswith(_SUFFIX)
        ):
            left.append(n)
            continue
        try:
            if payload[:1] == b"{":
                readings.append(one(payload))
                parsed.counts.append(1)
            else:
                several = many(payload)
                readings += several
                parsed.counts.append(len(several))
        except (msgspec.MsgspecError, RecursionError):
            left.append(n)
            continue
        parsed.messages.append(n)
        parsed.devices.append(device_no)
        parsed.ids.append(ids[n])
        parsed.colons.append(payload.count(b":"))
    return parsed


def _all_good(table: Table, nth: npt.NDArray[Any], parsed: _Parsed) -> npt.NDArray[np.bool_]:
    """For each message whether all its readings are good and its colons add up."""
    bad = np.bincount(nth, weights=~table.good) > 0
    keys = np.bincount(nth, weights=table.colons)
    good: npt.NDArray[np.bool_] = ~bad & (keys == np.array(parsed.colons))
    return good
