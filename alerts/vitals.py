"""What is known of a person's vitals when an alert is raised: the partial NEWS2 it carries.

Pure. The newest core-like temperature, pulse at rest and SpO2 of the hour before the newest reading
that supports the case: older ones say nothing of how somebody is now. Never called NEWS2, of which
it is three of seven parameters; for people under 16 there is no sum (`rules.news2`).
"""

from dataclasses import dataclass
from typing import Any, Final

from domain.instant import HOUR_US, format_rfc3339, to_datetime
from rules import news2

WITHIN_US: Final = HOUR_US
"""Before the newest support: as old as a vital sign may be."""

NAME: Final = "Partial NEWS2 (temperature, pulse, oxygen)"


@dataclass(frozen=True, slots=True)
class Measured:
    """One vital sign, in the rule's whole unit, and when it was measured."""

    value: int
    at: int


@dataclass(frozen=True, slots=True)
class Vitals:
    """The newest of each that is known."""

    temperature_cc: Measured | None = None
    """At a core-like site."""
    pulse_bpm: Measured | None = None
    """At rest."""
    spo2_pct: Measured | None = None


NOTHING_KNOWN: Final = Vitals()


def partial_news2(vitals: Vitals, birth_year: int | None, now: int) -> dict[str, Any]:
    """The score as JSON values, with what it rests on and what is missing."""
    age = None if birth_year is None else to_datetime(now).year - birth_year
    known: dict[str, tuple[Measured | None, int]] = {
        news2.TEMPERATURE: (vitals.temperature_cc, 100),
        news2.PULSE: (vitals.pulse_bpm, 1),
        news2.OXYGEN: (vitals.spo2_pct, 1),
    }
    values = [None if measured is None else measured.value for measured, _ in known.values()]
    score = news2.partial(values[0], values[1], values[2], age)
    found: dict[str, Any] = {"name": NAME, "total": None if score is None else score.total}
    if score is None:
        found["note"] = "not for people under 16"
        return found
    found["missing"] = list(score.missing)
    for word, (measured, per) in known.items():
        if measured is not None:
            found[word] = {
                "points": score.points[word],
                "value": measured.value if per == 1 else measured.value / per,
                "at": format_rfc3339(measured.at),
            }
    return found
