"""Whether the band is on its wearer, and what its battery says."""

from collections.abc import Sequence
from typing import Any

from rules.finding import Severity
from tests.unit.rules.oracle.runs import Said, intervals, terms


def wear(readings: Sequence[dict[str, Any]], n: int) -> Said | None:
    """Off: it says so, or has no contact, whatever else it says. On: it says so, or has a pulse."""
    at, worn, pulse = (readings[n][name] for name in ("measured_at", "worn", "pulse_bpm"))
    if worn == 0 or pulse == 0:
        return Said(at, "yes", severity=Severity.ROUTINE, n=n)
    if worn == 1 or pulse > 0:
        return Said(at, "no", n=n)
    return None


def muted(worn: Any, readings: Sequence[dict[str, Any]]) -> list[bool]:
    """Of each reading, whether what it measures is not the person's.

    What it says itself counts. A reading that does not say is not heard while the band is known to
    be off: after the reading by which that began, before the one by which it was over.
    """
    said = [wear(readings, n) for n in range(len(readings))]
    known = intervals([each for each in said if each is not None], terms(worn, 15, 2, 5))
    off = [each is not None and each.answer == "yes" for each in said]
    for interval in known:
        end = len(readings) if interval.known_over is None else interval.known_over.n
        for n in range(interval.known.n, end):
            off[n] = off[n] or said[n] is None
    return off


def battery(reading: dict[str, Any]) -> Said | None:
    """Low at 15 and below and not charging; over from 30 on, or on the charger."""
    at, level = reading["measured_at"], reading["battery_pct"]
    if reading["charging"] == 1 or level >= 30:
        return Said(at, "no")
    if level < 0:
        return None
    answer = "yes" if level <= 15 else ""
    return Said(at, answer, level, Severity.ROUTINE, limit=15, worse=-level)
