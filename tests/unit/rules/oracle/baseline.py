"""What is usual for a person's skin at an hour of the day: decision record 0013."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from domain.instant import to_datetime
from tests.unit.rules.oracle.vitals import THRESHOLD_C, site_of


def local(at: int, timezone: str) -> datetime:
    """The clock on the community's wall."""
    return to_datetime(at).astimezone(ZoneInfo(timezone))


def usual_skin(worn: Any, vitals: Sequence[dict[str, Any]]) -> dict[int, int]:
    """By instant of a skin reading what is usual then, where it is known; centi-degrees.

    Nothing is learnt from spot thermometers.
    """
    days: dict[int, dict[Any, list[int]]] = defaultdict(lambda: defaultdict(list))
    usual = {}
    for reading in vitals:
        if reading["temperature_cc"] < 0 or site_of(worn, reading) in THRESHOLD_C or worn.spot:
            continue
        clock = local(reading["measured_at"], worn.timezone)
        hour = days[clock.hour]
        completed = [rounded(values) for day, values in hour.items() if day < clock.date()]
        if len(completed) >= 3:
            usual[reading["measured_at"]] = followed(completed)
        hour[clock.date()].append(reading["temperature_cc"])
    return usual


def rounded(values: Sequence[int]) -> int:
    """The mean, halves up."""
    return (2 * sum(values) + len(values)) // (2 * len(values))


def followed(days: Sequence[int]) -> int:
    """The median of three days, which then moves towards each day's value, a tenth at most."""
    value = int(median(days[:3]))
    for day in days[3:]:
        value += max(-10, min(10, day - value))
    return value
