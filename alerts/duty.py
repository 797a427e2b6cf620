"""Who is on duty: shifts, as the roster has them, held against an instant.

Pure. A weekly shift is meant as people read it off a wall: in the community's local time, also on
the days the clocks change. A shift that goes past midnight belongs to the day it begins. Nobody who
has no shifts is ever off duty: a small team keeps no roster.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from alerts.staff import Role
from domain.instant import from_datetime, to_datetime

DAY_MIN: Final = 24 * 60
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The words of the roster file; a day's number is its place, as of `datetime.weekday`."""


@dataclass(frozen=True, slots=True)
class Span:
    """On duty once: `from_at` <= instant < `to_at`."""

    from_at: int
    to_at: int


@dataclass(frozen=True, slots=True)
class Weekly:
    """On duty every week: from minute `from_min` of each of these days."""

    days: tuple[int, ...]
    from_min: int
    to_min: int
    """`from_min` < `to_min` <= 1440 on the same day; not later than `from_min`: on the next."""


Shift = Span | Weekly


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who goes to doors."""

    id: str
    role: Role
    shifts: tuple[Shift, ...] = ()


def on_duty(shifts: Sequence[Shift], at: int, zone: ZoneInfo) -> bool:
    """Whether one of the shifts covers the instant; without shifts always."""
    if not shifts:
        return True
    local = to_datetime(at).astimezone(zone)
    return any(_covers(shift, at, local) for shift in shifts)


def next_time(at: int, zone: ZoneInfo, minute_of_day: int) -> int:
    """The first instant after `at` when clocks there show this time of day."""
    local = to_datetime(at).astimezone(zone)
    hour, minute = divmod(minute_of_day, 60)
    today = local.replace(hour=hour, minute=minute, second=0, microsecond=0, fold=0)
    days = (from_datetime(today + timedelta(days=n)) for n in range(3))
    return next(instant for instant in days if instant > at)


def _covers(shift: Shift, at: int, local: datetime) -> bool:
    if isinstance(shift, Span):
        return shift.from_at <= at < shift.to_at
    minute = local.hour * 60 + local.minute
    today = local.weekday() in shift.days
    if shift.from_min < shift.to_min:
        return today and shift.from_min <= minute < shift.to_min
    yesterday = (local.weekday() - 1) % 7 in shift.days
    return (today and minute >= shift.from_min) or (yesterday and minute < shift.to_min)
