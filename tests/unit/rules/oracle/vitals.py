"""What a temperature, a pulse at rest and an oxygen level say."""

from typing import Any

from domain.instant import to_datetime
from domain.reading import Site
from rules.finding import Severity, SiteClass
from tests.unit.rules.oracle.runs import Said, in_force

THRESHOLD_C = {
    Site.AXILLARY: 37.3,
    Site.FOREHEAD: 37.3,
    Site.ORAL: 37.8,
    Site.TYMPANIC: 37.8,
    Site.RECTAL: 38.0,
}
CHILDREN = ((1, 110, 160), (2, 100, 150), (5, 94, 140), (12, 80, 120))
"""(younger than, from, to): pulses at rest by Advanced Paediatric Life Support."""


def temperature(
    worn: Any, reading: dict[str, Any], site_class: SiteClass, usual: dict[int, int]
) -> Said | None:
    """`usual` is what is usual for this person's skin, by instant."""
    if reading["temperature_cc"] < 0:
        return None
    site = site_of(worn, reading)
    if (site in THRESHOLD_C) != (site_class is SiteClass.CORE):
        return None
    at, value = reading["measured_at"], reading["temperature_cc"]
    limit, origin = round(THRESHOLD_C.get(site, 37.3) * 100), "rulebook"
    own = in_force(worn.fever, worn.fever_before, at).get(site)
    if own is not None and (own.expires_at is None or at < own.expires_at):
        limit, origin = own.value_cc, own.origin
    elif site_class is SiteClass.SKIN and at in usual and usual[at] + 100 < limit:
        limit, origin = usual[at] + 100, "own baseline"
    answer = "yes" if value >= limit else "no" if value <= limit - (1 if worn.spot else 30) else ""
    critical = site in THRESHOLD_C and value >= 3910
    severity = Severity.CRITICAL if critical else Severity.URGENT
    enough = worn.spot and value >= limit + 50
    return Said(at, answer, value, severity, limit, origin, site.word, enough, worse=value)


def site_of(worn: Any, reading: dict[str, Any]) -> Site:
    """The reading's word goes before the device's."""
    site = Site(reading["site"])
    return worn.site if site is Site.NOT_GIVEN else site


def pulse(worn: Any, reading: dict[str, Any]) -> Said | None:
    """NEWS2's points; for children under 12 what is beyond the range for their age.

    Above it counts as two, 20 above as three; 30 below it, where sleep takes nobody, as three.
    """
    value = resting_pulse(reading)
    if value is None:
        return None
    low, high, very_high = 40, 111, 131
    age = to_datetime(reading["measured_at"]).year - (worn.birth_year or 0)
    for below, from_, to in reversed(CHILDREN):
        if 0 <= age < below:
            low, high, very_high = from_ - 30, to + 1, to + 21
    points = 3 if value <= low or value >= very_high else 2 if value >= high else 0
    return Said(
        reading["measured_at"],
        answer="yes" if points else "no",
        value=value,
        severity=Severity.CRITICAL if points == 3 else Severity.URGENT,
        limit=low if value <= low else high,
        # Too slow is worse than too fast.
        worse=1000 - value if value <= low else value,
    )


def resting_pulse(reading: dict[str, Any]) -> int | None:
    """At rest there are no steps, or none are told. 0 is no contact."""
    if reading["steps"] > 0 or reading["pulse_bpm"] <= 0:
        return None
    return int(reading["pulse_bpm"])


def oxygen(reading: dict[str, Any]) -> Said | None:
    """Low at 93 and below, well again from 95 on."""
    value = reading["spo2_pct"]
    if value <= 0:
        return None
    return Said(
        reading["measured_at"],
        answer="yes" if value <= 93 else "no" if value >= 95 else "",
        value=value,
        severity=Severity.CRITICAL if value <= 91 else Severity.URGENT,
        limit=93,
        worse=-value,
    )
