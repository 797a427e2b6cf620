"""The rules once more, as slowly and obviously as possible, from the prose of contract section 5.

Evidence about `rules`, with which it shares the types of findings and nothing else: one wearer, all
readings at once, every run looked for by walking backwards. The figures are those of the contract,
typed in again. Where its words leave a choice: docs/rules.md, decision records 0009, 0013 and 0014.

It knows the rules of event time, but no other rulebook, no home that is told in another datum, and
no history of more than 31 nights.
"""

from collections.abc import Sequence
from typing import Any

from domain.batch import MISSING
from rules.finding import Finding, FindingKey, Rule, SiteClass
from tests.unit.rules.oracle.baseline import usual_skin
from tests.unit.rules.oracle.nights import watched
from tests.unit.rules.oracle.places import haversine_m, place
from tests.unit.rules.oracle.runs import Said, Terms, intervals, terms
from tests.unit.rules.oracle.vitals import oxygen, pulse, temperature
from tests.unit.rules.oracle.wear import battery, muted, wear

__all__ = ["findings", "haversine_m", "muted"]

Readings = Sequence[dict[str, Any]]


def findings(worn: Any, readings: Readings, number: int = 1, now: int = 0) -> list[Finding]:
    """All findings of event time, in order; readings in order of time and content.

    What a reading does not say may be absent from it, or have its `MISSING` value. `now` is the
    latest the clock has struck: nights, and spells of a device, end by it as well.
    """
    readings = [MISSING | each for each in readings]
    spells = [
        (max(a, worn.starts_at), worn.ends_at if b is None else min(b, worn.ends_at))
        for a, b in worn.spells
    ]
    parts = [[each for each in readings if a <= each["measured_at"] < b] for a, b in spells]
    on_body = [
        [each for each, off in zip(part, muted(worn, part), strict=True) if not off]
        for part in parts
    ]
    usual = usual_skin(worn, [each for vitals in on_body for each in vitals])
    until = max([now, *(each["measured_at"] for each in readings)])
    found = []
    for (_, end), part, vitals in zip(spells, parts, on_body, strict=True):
        over_at = end if end <= until else None
        for rule, site_class, term, said in heard(worn, part, vitals, usual):
            key = FindingKey(number, number, rule, site_class)
            found += [each.finding(key, over_at) for each in intervals(said, term)]
    watch = FindingKey(number, number, Rule.WATCH, SiteClass.NONE)
    everything = [each for part in parts for each in part]
    pulses = [each for vitals in on_body for each in vitals]
    found += watched(watch, everything, pulses, worn.timezone, now)
    return sorted(found, key=lambda each: (each.onset_at, each.key.rule, each.key.site_class))


def heard(
    worn: Any, part: Readings, vitals: Readings, usual: dict[int, int]
) -> list[tuple[Rule, SiteClass, Terms, list[Said]]]:
    """What each rule with a hold hears in one spell; `vitals` is what was not muted of it."""
    none = SiteClass.NONE
    fever, rest = terms(worn, 10, 3, 30), terms(worn, 10, 3, 15)
    if worn.spot:
        fever = Terms(hold=0, need=2, clear=0, clear_need=1, gap=12 * 3600 * 1_000_000)
    away = terms(worn, 2, 2, 0)
    warm = {
        site_class: [temperature(worn, each, site_class, usual) for each in vitals]
        for site_class in (SiteClass.CORE, SiteClass.SKIN)
    }
    said: list[tuple[Rule, SiteClass, Terms, list[Said | None]]] = [
        (Rule.FEVER, SiteClass.CORE, fever, warm[SiteClass.CORE]),
        (Rule.FEVER, SiteClass.SKIN, fever, warm[SiteClass.SKIN]),
        (Rule.PULSE, none, rest, [pulse(worn, each) for each in vitals]),
        (Rule.OXYGEN, none, terms(worn, 5, 3, 15), [oxygen(each) for each in vitals]),
        (Rule.LEFT_HOME, none, away, [place(worn, part, n) for n in range(len(part))]),
        (Rule.NOT_WORN, none, terms(worn, 15, 2, 5), [wear(part, n) for n in range(len(part))]),
        (Rule.BATTERY_LOW, none, terms(worn, 0, 1, 0), [battery(each) for each in part]),
    ]
    return [
        (rule, site_class, term, [each for each in words if each is not None])
        for rule, site_class, term, words in said
    ]
