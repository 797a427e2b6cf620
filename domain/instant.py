"""Instants: whole microseconds since 1970-01-01T00:00:00Z, as `int`, everywhere inside Doorstep.

Text appears only at the edges. `parse_rfc3339` accepts RFC 3339 (section 5.6) with an offset and
nothing else: no week dates, no naive times, no digits outside ASCII.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60 * SECOND_US
HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 24 * HOUR_US

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(?:\.[0-9]{1,9})?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_MICROSECOND: Final = timedelta(microseconds=1)


def parse_rfc3339(text: str) -> int:
    """The instant `text` names. Digits past the microsecond are dropped. Raises `ValueError`."""
    if not _RFC3339.fullmatch(text):
        message = "not an RFC 3339 date and time with an offset"
        raise ValueError(message)
    since = datetime.fromisoformat(text.upper()) - _EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND_US + since.microseconds


def format_rfc3339(instant: int) -> str:
    """RFC 3339 in UTC, with a fraction only where there is one: `2026-02-03T04:05:06.789Z`."""
    seconds, micros = divmod(instant, SECOND_US)
    text = (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]
    fraction = f".{micros:06d}".rstrip("0") if micros else ""
    return f"{text}{fraction}Z"


def from_datetime(moment: datetime) -> int:
    """The instant of an aware `datetime`. Raises `ValueError` for a naive one."""
    if moment.tzinfo is None:
        message = "a time without an offset is not an instant"
        raise ValueError(message)
    return (moment - _EPOCH) // _MICROSECOND


def to_datetime(instant: int) -> datetime:
    """An aware UTC `datetime`; raises `OverflowError` outside the years 1 to 9999."""
    return _EPOCH + timedelta(microseconds=instant)
