"""`fever`: a temperature at or above its threshold, held.

Theory of operation. A reading's site is its own word, else its device's; anything but the five
core-like sites is skin, also what we do not know. Core and skin are two runs with two findings:
skin is colder by one degree to five (Chen 2020; 31 degrees is common) and is never taken for core.
Several core-like sites share the run, each reading against its own site's threshold. A finding is
urgent, and critical once a reading at a core-like site reaches 39.1.

A skin site is judged by the lower of the rulebook's figure and one degree above the person's own
baseline for the hour (`rules.baseline`), once there is one. A threshold the roster has for the
person goes before both.

Clearing is 0.3 degrees below the threshold; between the two a reading is neither. Spot thermometers
(`spot`) measure now and then: one reading half a degree above the threshold is enough, or two at it
within 12 hours, and one reading below it ends the finding.

Limits are compared in the centi-degrees the reading was rounded to, never rounded further.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from domain.batch import MISSING
from domain.instant import SECOND_US
from domain.reading import CORE_LIKE, Site
from rules import baseline
from rules.finding import Origin, Severity
from rules.marks import Batch, Column, Kind, Marks
from rules.rulebook import Fever

_CORE: Final = np.isin(np.arange(max(Site) + 1), CORE_LIKE)
"""By site."""


def marks(batch: Batch) -> list[Marks]:
    """What each temperature says to the core run and to the skin run."""
    says = batch.rows["temperature_cc"] != MISSING["temperature_cc"]
    which = np.flatnonzero(says & ~batch.muted)
    slots = batch.slots[which]
    figures = batch.rulebook.fever
    column = batch.marks(which)
    column["value"] = batch.rows["temperature_cc"][which]
    column["site"] = _sites(batch, which, slots)
    spot = batch.wearers.spot[slots]
    core = _CORE[column["site"]]
    _judge(column, _limits(batch, column, slots), spot, core, figures)
    _hold(column, batch, slots, spot)
    return [Marks("fever_core", column[core]), Marks("fever_skin", column[~core])]


def _sites(
    batch: Batch, which: npt.NDArray[np.intp], slots: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint8]:
    given = batch.rows["site"][which]
    return np.where(given == Site.NOT_GIVEN, batch.wearers.site[slots], given)


def _limits(batch: Batch, column: Column, slots: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Each reading's threshold: the rulebook's for the site, or the person's own at that time.

    At skin sites the lower of the rulebook's and what the person's baseline gives. `own` says where
    it comes from: `rules.finding.Origin`.
    """
    by_site = np.full(max(Site) + 1, batch.rulebook.fever.skin_cc, dtype=np.int32)
    for site, threshold_cc in batch.rulebook.fever.threshold_cc.items():
        by_site[site] = threshold_cc
    limits = by_site[column["site"]]
    skin = np.flatnonzero(~_CORE[column["site"]])
    usual = baseline.known(batch, column["row"][skin])
    above = (usual + batch.rulebook.fever.skin_above_cc).astype(np.int32)
    lower = (usual != baseline.UNKNOWN) & (above < limits[skin])
    limits[skin[lower]] = above[lower]
    column["own"][skin[lower]] = Origin.BASELINE
    wearers = batch.wearers
    places = wearers.thresholds_then.places(slots, column["at"])
    limits, own = wearers.thresholds.over(limits, places, column["site"], column["at"])
    column["own"][own] = Origin.PERSON
    return limits


def _judge(
    column: Column,
    limits: npt.NDArray[np.int32],
    spot: npt.NDArray[np.bool_],
    core: npt.NDArray[np.bool_],
    figures: Fever,
) -> None:
    value = column["value"]
    below = np.where(spot, value < limits, value <= limits - figures.clear_below_cc)
    column["limit"] = limits
    column["kind"] = np.where(
        value >= limits, Kind.QUALIFIES, np.where(below, Kind.CLEARS, Kind.NEITHER)
    )
    critical = core & (value >= figures.critical_cc)
    column["severity"] = np.where(critical, Severity.CRITICAL, Severity.URGENT)
    column["at_once"] = spot & (value >= limits + figures.spot_above_cc)


def _hold(
    column: Column,
    batch: Batch,
    slots: npt.NDArray[np.int64],
    spot: npt.NDArray[np.bool_],
) -> None:
    figures, runs = batch.rulebook.fever, batch.rulebook.runs
    sparse = batch.wearers.sparse[slots]
    at_once = spot | sparse
    column["gap_us"] = np.where(
        spot, figures.spot_within_s * SECOND_US, batch.wearers.gap_us[slots]
    )
    column["hold_us"] = np.where(at_once, 0, figures.hold_s * SECOND_US)
    column["need"] = np.where(
        spot, figures.spot_readings, np.where(sparse, runs.sparse_readings, figures.readings)
    )
    column["clear_us"] = np.where(at_once, 0, figures.clear_s * SECOND_US)
    column["clear_need"] = np.where(sparse & ~spot, runs.sparse_readings, 1)
