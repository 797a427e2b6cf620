"""From what happened in the machines to what the ledger is told: `FindingChange`s.

A finding that is merely seen again is told once per evaluation, with its newest support, and not at
all when something else about it is told later in the same evaluation.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.reading import Datum, Site
from rules.columns import RUNS
from rules.finding import (
    Change,
    Finding,
    FindingChange,
    FindingKey,
    Origin,
    Rule,
    Severity,
    SiteClass,
)
from rules.hold import Events
from rules.pulse import LOW_SIDE
from rules.run import Cells, Run, Step
from rules.touched import Touched
from rules.wearers import Wearers

_NAMES: Final = {
    "fever_core": (Rule.FEVER, SiteClass.CORE),
    "fever_skin": (Rule.FEVER, SiteClass.SKIN),
    "left_home": (Rule.LEFT_HOME, SiteClass.NONE),
    "not_worn": (Rule.NOT_WORN, SiteClass.NONE),
    "pulse": (Rule.PULSE, SiteClass.NONE),
    "oxygen": (Rule.OXYGEN, SiteClass.NONE),
    "battery_low": (Rule.BATTERY_LOW, SiteClass.NONE),
    "wrong_datum": (Rule.DEVICE_FAULT, SiteClass.HOME),
}
"""What each machine's findings are called."""

_CHANGES: Final = {
    Step.BEGAN: Change.BEGAN,
    Step.SEEN: Change.SEEN,
    Step.WORSENED: Change.WORSENED,
    Step.ENDED: Change.ENDED,
}

RULEBOOK_ORIGIN: Final = "rulebook"
BASELINE_ORIGIN: Final = "own baseline"

Place = tuple[int, int, int]
"""Where a change belongs among the others: (slot, row, order of the rules)."""

Placed = tuple[Place, FindingChange]


def in_order(placed: Iterable[Placed]) -> list[FindingChange]:
    """The changes by wearer, then by reading, then in the order of the rules."""
    return [change for _, change in sorted(placed, key=lambda each: each[0])]


def told(
    events: Events, before: Touched, slots: npt.NDArray[np.int64], wearers: Wearers
) -> Iterator[Placed]:
    """What one machine's events come to; `before` is the state they began from, by group."""
    keep = np.flatnonzero((events.step != Step.SEEN) | _last_of_group(events.group))
    known: dict[int, Finding] = {}
    for row, group, step, cells in zip(
        events.row[keep].tolist(),
        events.group[keep].tolist(),
        events.step[keep].tolist(),
        events.runs[keep].tolist(),
        strict=True,
    ):
        slot = int(slots[group])
        finding = finding_of(events.run, cells, slot, wearers)
        previous = known.get(group)
        if previous is None and step != Step.BEGAN:
            previous = finding_of(events.run, before[events.run][group].item(), slot, wearers)
        if step == Step.ENDED:
            finding = replace(finding, ended_at=Run(*cells).clear_at)
            known.pop(group, None)
        else:
            known[group] = finding
        place = (slot, row, RUNS.index(events.run))
        yield place, FindingChange(_CHANGES[Step(step)], finding, previous)


def _last_of_group(group: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    last = np.ones(len(group), dtype=np.bool_)
    last[:-1] = group[1:] != group[:-1]
    return last


def finding_of(run: str, cells: Cells, slot: int, wearers: Wearers) -> Finding:
    """The finding an active run stands for, not ended.

    Rules for which less is worse keep their figures so that the worst is the largest.
    """
    rule, site_class = _NAMES[run]
    it = Run(*cells)
    return Finding(
        key=FindingKey(
            int(wearers.episode_no[slot]), int(wearers.device_no[slot]), rule, site_class
        ),
        onset_at=it.first_at,
        ended_at=None,
        severity=Severity(it.severity),
        last_at=it.last_at,
        value=_figure(run, it.value),
        peak=_figure(run, it.peak),
        limit=_figure(run, it.limit),
        origin=_origin(it, slot, wearers),
        site=Site(it.site).word if it.site and rule is Rule.FEVER else "",
        detail=_datum(it) if run == "wrong_datum" else _detail(it, slot, wearers),
    )


def _figure(run: str, kept: int) -> int:
    """A figure of a run as it was measured: see `rules.pulse` and those that keep it negative."""
    if run == "pulse" and kept > LOW_SIDE // 2:
        return LOW_SIDE - kept
    return abs(kept)


def _datum(run: Run) -> str:
    """The run keeps the datum where others keep the site."""
    return f'{{"cause":"wrong datum","datum":"{Datum(run.site).word}"}}'


def _detail(run: Run, slot: int, wearers: Wearers) -> str:
    own = run.own == Origin.PERSON
    return wearers.threshold_detail(slot, run.site, run.first_at) if own else ""


def _origin(run: Run, slot: int, wearers: Wearers) -> str:
    if run.own == Origin.PERSON:
        return wearers.origin(slot, run.site, run.first_at)
    return BASELINE_ORIGIN if run.own == Origin.BASELINE else RULEBOOK_ORIGIN
