"""Rejections: why bytes did not become a reading, as values.

Bad input is never an exception (docs/architecture.md). The list of reasons is closed and is the
one of contract section 3; the words are stored, published to devices and counted, so none is ever
renamed.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

MESSAGE: Final = -1
"""`Rejection.item` of a fault that concerns a whole message."""

_SHOWN_CHARACTERS: Final = 40


class Reason(StrEnum):
    """The closed list of contract section 3."""

    TOO_LARGE = "too_large"
    """The message is over 64 KiB. Nothing in it was looked at."""
    TOO_MANY = "too_many"
    """An array of more than 1,000 readings."""
    NOT_JSON = "not_json"
    """No JSON text, or nested deeper than any parser of ours will follow."""
    NOT_UTF8 = "not_utf8"
    """The bytes are not UTF-8, so nobody can say which characters were meant."""
    SCHEMA = "schema"
    """A field has the wrong type, `measured_at` is no instant, or no quantity was given."""
    OUT_OF_RANGE = "out_of_range"
    """A quantity outside its hard range; it is dropped, the rest of the reading is kept."""
    NOT_FINITE = "not_finite"
    """A quantity that is NaN or infinite; it is dropped, the rest of the reading is kept."""
    DUPLICATE_KEY = "duplicate_key"
    """An object of the reading names a key twice: two readers would disagree on what it says."""
    TIME_TOO_OLD = "time_too_old"
    """Measured more than 30 days before it was received."""
    TIME_IN_FUTURE = "time_in_future"
    """Measured more than 5 minutes after it was received."""
    UNKNOWN_DEVICE = "unknown_device"
    """The topic names no device of the roster. Judged again when an import covers it."""
    NOT_ASSIGNED = "not_assigned"
    """Nobody wore the device at that instant. Judged again when an import covers it."""
    DEVICE_MISMATCH = "device_mismatch"
    """The reading names another device than its topic."""
    RATE_LIMITED = "rate_limited"
    """The device sent more than its share; said by the source."""
    REFUSED_BY_STORE = "refused_by_store"
    """The database would not have the row; said by the ledger."""


class Fault(NamedTuple):
    """What is wrong, without saying in which reading."""

    reason: Reason
    pointer: str
    """JSON pointer (RFC 6901) within the reading; empty for the whole of it."""
    detail: str
    """For people, printable, at most 200 characters; holds no payload beyond what `shown` shows."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """One fault of one reading, or of a whole message."""

    reason: Reason
    item: int
    """Which reading of an array; 0 when the message is a single object; `MESSAGE` the message."""
    pointer: str
    detail: str
    rest_stored: bool
    """A quantity was dropped and the rest of its reading is a row."""
    boot: str | None = None
    """Of the reading; with `seq`, where it could be read."""
    seq: int = -1
    """-1 none, or nobody can say."""


def shown(value: object) -> str:
    """A short, printable, ASCII-only form of something a payload held."""
    text = ascii(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."
