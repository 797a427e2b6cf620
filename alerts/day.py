"""A day of a community: from one local midnight to the next, be it 23, 24 or 25 hours long.

Pure. A midnight that the clocks pass over is the instant at which they do; of one that comes twice
the first counts.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.instant import from_datetime, to_datetime


@dataclass(frozen=True, slots=True)
class Day:
    """`from_at` <= of the day < `to_at`."""

    from_at: int
    to_at: int


def day(of: date, timezone: str) -> Day:
    """The day of this date where the clocks are those of a zone of the IANA database."""
    return Day(_midnight(of, timezone), _midnight(of + timedelta(days=1), timezone))


def date_at(at: int, timezone: str) -> date:
    """Which day it is there."""
    return to_datetime(at).astimezone(ZoneInfo(timezone)).date()


def _midnight(of: date, timezone: str) -> int:
    return from_datetime(datetime(of.year, of.month, of.day, tzinfo=ZoneInfo(timezone)))
