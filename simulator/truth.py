"""What really happened, for `doorstep score`: the truth file of `doorstep simulate --truth`.

One JSON object:

    {"truth": 1, "scenario": "community", "seed": 7, "complete": true,
     "start": "...", "from": "...", "until": "...",
     "wearers": [
      {"person": "p-001", "episode": "e-001", "device": "w-000001", "grid": "grid-01",
       "site": "axillary", "incidents": [
         {"kind": "fever", "from": "...", "to": "...", "peak_c": 38.9}]}]}

`from .. until` is what was simulated; `complete` is false in the plan that is written before the
first reading and stays behind if the simulator is killed. Every wearer is listed, the healthy too:
they are the denominator. `to` is null for what lasts beyond `until`. Kinds, and when they are true:

- `fever`: core temperature >= 37.8 (contract section 5, oral); `peak_c` its highest.
- `out`: further from home than the fence's radius; `distance_m` the furthest.
- `silent`: the band measures nothing; `cause` `dead` or `flat`.
- `late`: the band is offline; it measures on and uploads at `to`.
- `battery_low`: charge <= 15 %, not charging.
- `not_worn`: the band lies on the table.

Instants are true to the second, and not what a sensor with its noise would see.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from domain.instant import MINUTE_US, SECOND_US
from simulator.band import Band, battery_pct
from simulator.city import RADIUS_M, Resident
from simulator.encoder import instant_text
from simulator.fleet import Schedule
from simulator.incident import Incident, Kind
from simulator.wearer import Wearer, core_c, whereabouts

FEBRILE_C: Final = 37.8
LOW_BATTERY_PCT: Final = 15.0
_FEVER_STEP_US: Final = 2 * MINUTE_US
_WALK_STEP_US: Final = 5 * SECOND_US

Measure = Callable[[Wearer, int], float]


@dataclass(frozen=True, slots=True)
class Spell:
    """An interval in which something was true, with what there is to say about it."""

    kind: str
    from_at: int
    to_at: int | None
    detail: tuple[tuple[str, object], ...] = ()


def spells(wearer: Wearer) -> tuple[Spell, ...]:
    """Everything that is ever true of the wearer, in order of incidents."""
    return tuple(spell for incident in wearer.incidents for spell in _of(wearer, incident))


def _of(wearer: Wearer, incident: Incident) -> Iterator[Spell]:
    match incident.kind:
        case Kind.FEVER:
            for from_at, to_at, peak in _above(wearer, incident, core_c, FEBRILE_C, _FEVER_STEP_US):
                yield Spell("fever", from_at, to_at, (("peak_c", round(peak, 1)),))
        case Kind.OUT:
            for from_at, to_at, peak in _above(wearer, incident, _away_m, RADIUS_M, _WALK_STEP_US):
                yield Spell("out", from_at, to_at, (("distance_m", round(peak)),))
        case Kind.DEAD:
            yield Spell("silent", incident.from_at, incident.to_at, (("cause", "dead"),))
        case Kind.FLAT:
            yield from _flat(wearer, incident)
        case Kind.OFFLINE:
            yield Spell("late", incident.from_at, incident.to_at)
        case Kind.OFF:
            yield Spell("not_worn", incident.from_at, incident.to_at)


def _away_m(wearer: Wearer, at: int) -> float:
    return whereabouts(wearer, at).distance_m


def _flat(wearer: Wearer, incident: Incident) -> Iterator[Spell]:
    full = battery_pct(wearer, incident.from_at)
    runs_us = incident.blank_at - incident.from_at
    low_at = incident.from_at + max(0, int(runs_us * (1.0 - LOW_BATTERY_PCT / full)))
    yield Spell("battery_low", low_at, incident.to_at)
    yield Spell("silent", incident.blank_at, incident.to_at, (("cause", "flat"),))


def _above(
    wearer: Wearer, incident: Incident, measure: Measure, limit: float, step_us: int
) -> Iterator[tuple[int, int | None, float]]:
    """The stretches of an incident in which the measure is at or above the limit, with their peaks.

    An incident without an end is looked at for a day: by then it is where it will stay.
    """
    end_at = incident.to_at or incident.from_at + 86_400 * SECOND_US
    from_at: int | None = None
    peak = 0.0
    for at in range(incident.from_at, end_at + step_us, step_us):
        value = measure(wearer, min(at, end_at))
        if value >= limit:
            if from_at is None:
                from_at, peak = _crossing(wearer, measure, limit, at - step_us, at), value
            peak = max(peak, value)
        elif from_at is not None:
            yield from_at, _crossing(wearer, measure, limit, at - step_us, at), peak
            from_at = None
    if from_at is not None:
        yield from_at, incident.to_at, peak


def _crossing(wearer: Wearer, measure: Measure, limit: float, left_at: int, right_at: int) -> int:
    """Where between the two the measure crosses the limit, to the second."""
    was = measure(wearer, left_at) >= limit
    while right_at - left_at > SECOND_US:
        middle_at = (left_at + right_at) // 2
        if (measure(wearer, middle_at) >= limit) == was:
            left_at = middle_at
        else:
            right_at = middle_at
    return right_at


def render(
    head: dict[str, Any],
    schedule: Schedule,
    worn: Sequence[tuple[Resident, Band]],
    until_at: int,
) -> str:
    """The truth file's text, a wearer a line; `head` carries `scenario`, `seed` and `complete`."""
    opening = {
        "truth": 1,
        **head,
        "start": instant_text(schedule.start_at),
        "from": instant_text(schedule.from_at),
        "until": instant_text(until_at),
    }
    wearers = ",\n  ".join(
        json.dumps(_wearer(resident, band, schedule.from_at, until_at), ensure_ascii=False)
        for resident, band in worn
    )
    return f'{json.dumps(opening, ensure_ascii=False)[:-1]},\n "wearers": [\n  {wearers}\n ]}}\n'


def _wearer(resident: Resident, band: Band, from_at: int, until_at: int) -> dict[str, Any]:
    return {
        "person": resident.person,
        "episode": resident.episode,
        "device": resident.device,
        "grid": resident.grid,
        "site": resident.site.word,
        "incidents": [
            _spell(spell, until_at)
            for spell in spells(band.wearer)
            if spell.from_at < until_at and (spell.to_at is None or spell.to_at > from_at)
        ],
    }


def _spell(spell: Spell, until_at: int) -> dict[str, Any]:
    over = spell.to_at is not None and spell.to_at <= until_at
    return {
        "kind": spell.kind,
        "from": instant_text(spell.from_at),
        "to": instant_text(spell.to_at) if over and spell.to_at is not None else None,
        **dict(spell.detail),
    }
