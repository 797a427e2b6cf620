"""`watch`: NightSignal on the resting pulse of each night, by the clock of the community."""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from domain.instant import MINUTE_US, from_datetime
from rules.finding import Finding, FindingKey, Severity
from tests.unit.rules.nightsignal import GREEN, filled_in, published
from tests.unit.rules.oracle.baseline import local
from tests.unit.rules.oracle.vitals import resting_pulse

SEVEN = 7
"""A night is from midnight until then, and is judged then."""
GRACE_US = 30 * MINUTE_US
"""So long the clock waits for the readings of a night."""
DAY = timedelta(days=1)
WORDS = ("green", "yellow", "red")


def watched(
    key: FindingKey,
    readings: Sequence[dict[str, Any]],
    vitals: Sequence[dict[str, Any]],
    timezone: str,
    now: int,
) -> list[Finding]:
    """Nights that follow each other and are not green; `vitals` are the readings on the body."""
    beats: dict[date, list[int]] = defaultdict(list)
    for each in vitals:
        clock, pulse = local(each["measured_at"], timezone), resting_pulse(each)
        if clock.hour < SEVEN and pulse is not None:
            beats[clock.date()].append(pulse)
    if not beats:
        return []
    first, last = min(beats), judged_until(readings, timezone, now)
    days = [first + n * DAY for n in range((last - first).days + 1)]
    assert len(days) <= 31
    nights = [sum(beats[day]) // len(beats[day]) if day in beats else 0 for day in days]
    levels = published(nights)
    found, run = [], list[int]()
    for n in range(len(days) + 1):
        if n < len(days) and levels[n] != GREEN:
            run.append(n)
        elif run:
            found.append(finding(key, days, nights, levels, run, timezone))
            run = []
    return found


def judged_until(readings: Sequence[dict[str, Any]], timezone: str, now: int) -> date:
    """The last night that is over: something came after it, or the clock has waited for it."""
    newest = max(now - GRACE_US, *(each["measured_at"] for each in readings))
    clock = local(newest, timezone)
    return clock.date() - (DAY if clock.hour < SEVEN else timedelta(0))


def seven(day: date, timezone: str) -> int:
    """The instant at which the night of a day is over."""
    return from_datetime(datetime.combine(day, time(SEVEN), ZoneInfo(timezone)))


def usual(pulses: dict[int, int], night: int) -> int:
    """The median of all nights up to this one, as a whole number."""
    return int(median(pulse for day, pulse in pulses.items() if day <= night))


def finding(
    key: FindingKey,
    days: Sequence[date],
    nights: Sequence[int],
    levels: Sequence[int],
    run: Sequence[int],
    timezone: str,
) -> Finding:
    """Of the nights `run`; it is over if a night after them was judged."""
    pulses = filled_in(nights)
    told = []
    for n in run:
        said: dict[str, Any] = {
            "night": days[n].isoformat(),
            "level": WORDS[levels[n]],
            "resting_pulse_bpm": pulses[n],
            "baseline_bpm": usual(pulses, n),
        }
        told.append(said if nights[n] else said | {"imputed": True})
    after = run[-1] + 1
    return Finding(
        key=key,
        onset_at=seven(days[run[0]], timezone),
        ended_at=seven(days[after], timezone) if after < len(days) else None,
        severity=Severity.ROUTINE,
        last_at=seven(days[run[-1]], timezone),
        value=pulses[run[-1]],
        peak=max(pulses[n] for n in run),
        limit=usual(pulses, run[-1]) + 3,
        origin="own baseline",
        site="",
        detail=json.dumps({"nights": told}, sort_keys=True, separators=(",", ":")),
    )
