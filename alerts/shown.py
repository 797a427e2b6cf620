"""Which readings an alert shows: those that decide, and the ones around them.

Pure. A finding begins at its first qualifying reading, is as bad as its worst and stands on its
newest. Those three are marked; the rest of the room goes to their neighbours, the nearest first, on
both sides: what came before it began, and what came after. Only readings of the rule's own quantity
are candidates. Which rows those are is asked in `store.shown`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from domain.instant import parse_rfc3339
from rules.finding import Rule, SiteClass

MOST: Final = 50
"""How many readings an alert shows: two screens of a phone, and a minute's band for most of an
hour."""


class Mark(StrEnum):
    """Why a reading decides."""

    FIRST = "first"
    WORST = "worst"
    NEWEST = "newest"


class Quantity(StrEnum):
    """What a rule judges, by the name it has in a reading."""

    TEMPERATURE = "temperature_c"
    PULSE = "pulse_bpm"
    OXYGEN = "spo2_pct"
    DISTANCE = "distance_m"
    BATTERY = "battery_pct"
    WORN = "worn"


_QUANTITIES: Final[Mapping[Rule, Quantity]] = {
    Rule.FEVER: Quantity.TEMPERATURE,
    Rule.PULSE: Quantity.PULSE,
    Rule.OXYGEN: Quantity.OXYGEN,
    Rule.LEFT_HOME: Quantity.DISTANCE,
    Rule.BATTERY_LOW: Quantity.BATTERY,
    Rule.NOT_WORN: Quantity.WORN,
    Rule.WATCH: Quantity.PULSE,
}
_FAULTY: Final[Mapping[str, Quantity]] = {
    "frozen temperature": Quantity.TEMPERATURE,
    "frozen pulse": Quantity.PULSE,
    "wrong datum": Quantity.DISTANCE,
}
"""Of `device_fault`, by its cause."""

_MEASURED: Final = (Rule.FEVER, Rule.PULSE, Rule.OXYGEN, Rule.LEFT_HOME, Rule.BATTERY_LOW)
"""The rules whose worst value is that of one reading."""


@dataclass(frozen=True, slots=True)
class Telling:
    """What the finding behind an alert says of its readings. Instants in microseconds."""

    quantity: Quantity | None
    """None where every reading counts, as of a silence."""
    site_class: SiteClass
    """Of a fever: which temperatures it heard."""
    onset_at: int
    last_at: int
    peak: float | None
    """The worst value, in the unit of the reading; None where no single reading is the worst."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A reading that has the quantity."""

    at: int
    figure: float | None
    """Of the quantity, in the unit of the reading; None where it has none to compare."""


def telling(rule: Rule, evidence: Mapping[str, Any], onset_at: int, last_at: int) -> Telling:
    """What an alert's evidence says. The instants are the alert's, for evidence without any."""
    quantity = _QUANTITIES.get(rule) or _FAULTY.get(str(evidence.get("cause", "")))
    return Telling(
        quantity=quantity,
        site_class=SiteClass(evidence.get("site_class", SiteClass.NONE)),
        onset_at=_instant(evidence.get("onset_at"), onset_at),
        last_at=_instant(evidence.get("last_at"), last_at),
        peak=evidence.get("peak") if rule in _MEASURED else None,
    )


def _instant(told: str | None, otherwise: int) -> int:
    return otherwise if told is None else parse_rfc3339(told)


def choose(
    candidates: Sequence[Candidate], said: Telling, most: int = MOST
) -> dict[int, tuple[Mark, ...]]:
    """Which of the candidates are shown, by place, and what each decides. At most `most`.

    `candidates` are in order of time. Of two as far from what decides the earlier one is shown.
    """
    marked = marks(candidates, said)
    centres = sorted(marked) or [len(candidates) - 1]
    nearest = sorted(
        range(len(candidates)),
        key=lambda place: (min(abs(place - centre) for centre in centres), place),
    )
    return {place: marked.get(place, ()) for place in sorted(nearest[:most])}


def marks(candidates: Sequence[Candidate], said: Telling) -> dict[int, tuple[Mark, ...]]:
    """The candidates that decide, by place. One that is not stored any more is not there."""
    supporting = [n for n, it in enumerate(candidates) if said.onset_at <= it.at <= said.last_at]
    by_then = [n for n, it in enumerate(candidates) if it.at <= said.last_at]
    found: dict[int, list[Mark]] = {}
    if supporting and candidates[supporting[0]].at == said.onset_at:
        found.setdefault(supporting[0], []).append(Mark.FIRST)
    worst = _worst(candidates, supporting, said.peak)
    if worst is not None:
        found.setdefault(worst, []).append(Mark.WORST)
    if by_then:
        found.setdefault(by_then[-1], []).append(Mark.NEWEST)
    return {place: tuple(why) for place, why in found.items()}


def _worst(
    candidates: Sequence[Candidate], places: Sequence[int], peak: float | None
) -> int | None:
    """The first of those as near to the worst value as any: a home that moved changes distances."""
    compared = [
        (abs(figure - peak), place)
        for place in places
        if peak is not None and (figure := candidates[place].figure) is not None
    ]
    return min(compared)[1] if compared else None


def late(batches: Sequence[int], least_since: Sequence[int]) -> list[bool]:
    """Whether each reading came after one that was measured then or later had been judged.

    `batches` are those that stored the readings, in order of time; `least_since` is, for each, the
    lowest batch of all readings measured from then up to the next one's instant. Glossary: *late*.
    """
    found: list[bool] = []
    least = None
    for batch, since in zip(reversed(batches), reversed(least_since), strict=True):
        least = since if least is None else min(least, since)
        found.append(least < batch)
    return found[::-1]
