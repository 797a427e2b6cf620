"""Shifts from a calendar file (iCalendar, RFC 5545), as every calendar program exports one.

Recurring events are written out for `AHEAD_DAYS` from now: a roster is data, and no rule is
evaluated again while alerts wait. Cancelled events and those that leave the time free are not
shifts. Times without a zone and whole days are the community's.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, takewhile
from typing import Any, Final
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from domain.instant import to_datetime
from store.roster_shifts import MOST_SHIFTS

AHEAD_DAYS: Final = 92
"""A quarter: how far duty rosters are usually written."""
MOST_BYTES: Final = 1_000_000


class CalendarRefused(Exception):
    """The file cannot be used; the message says why."""


def shifts(content: bytes, zone: ZoneInfo, now: int) -> list[dict[str, str]]:
    """The shifts that are not over at `now`, as the roster file has them, in order.

    Raises `CalendarRefused`.
    """
    if len(content) > MOST_BYTES:
        raise CalendarRefused(f"the calendar has more than {MOST_BYTES:,} bytes")
    begin = to_datetime(now)
    until = begin + timedelta(days=AHEAD_DAYS)
    try:
        calendar = icalendar.Calendar.from_ical(content)
        events = recurring_ical_events.of(calendar).after(begin)
        ahead = takewhile(lambda span: span[0] < until, _spans(events, zone))
        found = [span for span in islice(ahead, MOST_SHIFTS + 1) if span[1] > begin]
    except (ValueError, TypeError, KeyError, OverflowError, AttributeError) as error:
        # What the two libraries raise for calendars that are none; they have no error of their own.
        raise CalendarRefused(f"this is no calendar: {error}") from error
    if len(found) > MOST_SHIFTS:
        raise CalendarRefused(f"more than {MOST_SHIFTS:,} shifts in {AHEAD_DAYS} days")
    return [{"from": _text(from_), "to": _text(to)} for from_, to in _joined(found)]


def _spans(events: Iterator[Any], zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    for event in events:
        free = str(event.get("TRANSP", "OPAQUE")).upper() == "TRANSPARENT"
        cancelled = str(event.get("STATUS", "")).upper() == "CANCELLED"
        from_, to = _instant(event.start, zone), _instant(event.end, zone)
        if not free and not cancelled and from_ < to:
            yield from_, to


def _instant(moment: date | datetime, zone: ZoneInfo) -> datetime:
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time(), zone)
    elif moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC)


def _joined(spans: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """The same time without overlaps: two calendars' worth of one night are one shift."""
    joined: list[tuple[datetime, datetime]] = []
    for from_, to in sorted(spans):
        if joined and from_ <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(to, joined[-1][1])
        else:
            joined.append((from_, to))
    return joined


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
