"""`left_home`: fixes that are outside even when their error is held against us, for two minutes.

Theory of operation. A fix is outside when its whole error circle is: distance - accuracy > radius +
buffer. Accuracy is the radius that holds the true position in 68 of 100 cases, so that none is
trusted beyond 15 m; missing or zero is unknown, never perfect; worse than 500 m says nothing. A fix
is inside again when distance - accuracy <= radius, and one such fix ends the finding; in the buffer
between it is neither, so that nobody at the border goes in and out.

The home beacon (`near_home`) outweighs satellites: hearing it means inside at that instant, and
fixes within two minutes after it are inside, wherever they seem to be. Not hearing it is no
evidence. A fix outside during a leave window is neither. Without a home there is nothing to leave.

A home pin in another datum (`rules.datums`) makes everybody at home seem to be away, at one other
place. Fixes of a wearer never seen inside, that such a mix-up explains, are no leaving: they are
neither here, and are said to be what they are by a run of their own, `wrong_datum`, which is a
routine `device_fault` about the home. Once a fix was inside the home as it is told, that is over
for good, until the pin is corrected; a fix that no mix-up explains counts as ever.

A finding's value is the distance from the middle of the home's circle, or from its polygon's edge.
Offline is never "left home": nothing here looks at the absence of fixes.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from domain.batch import NO_POSITION
from domain.geo import columns_to_wgs84
from domain.instant import SECOND_US
from rules import datums
from rules.finding import Severity
from rules.marks import Batch, Column, Kind, Marks
from rules.touched import Touched
from rules.wearers import Wearers

_E7: Final = 10_000_000
_ALL_PCT: Final = 100


def marks(batch: Batch) -> list[Marks]:
    """What each fix and each sight of the beacon says. Remembers the beacon in `near_at`."""
    rows, figures = batch.rows, batch.rulebook.left_home
    near = rows["near_home"] == 1
    veto = _near_before(batch, near)
    accuracy_dm = rows["accuracy_dm"]
    fix = rows["lat_e7"] != NO_POSITION
    fix &= accuracy_dm <= figures.accuracy_limit_dm
    fix &= batch.wearers.homes.known(_homes(batch, batch.slots, rows["measured_at"]))
    which = np.flatnonzero(fix | near)
    column = batch.marks(which)
    column["kind"] = Kind.CLEARS
    # A reading that hears the beacon vetoes its own fix.
    measured = np.flatnonzero((fix & ~veto)[which])
    column["severity"] = Severity.URGENT
    if len(measured):
        column[measured] = _measure(batch, column[measured])
    _hold(column, batch)
    other = _in_another_datum(batch, column, measured)
    return [Marks("left_home", column), Marks("wrong_datum", other)]


def _in_another_datum(batch: Batch, column: Column, measured: npt.NDArray[np.intp]) -> Column:
    """Takes fixes that a mix-up of datums explains out of `column`, and says so of them.

    Only of wearers who were never seen at home; `measured` are the fixes among the marks.
    """
    inside = np.zeros(len(column), dtype=np.bool_)
    # Whose error alone reaches the home has not been seen there.
    there = column["value"][measured] <= column["limit"][measured]
    inside[measured] = (column["kind"][measured] == Kind.CLEARS) & there
    seen = _seen_inside(batch, column, inside)
    unseen = measured[(column["kind"][measured] == Kind.QUALIFIES) & ~seen[measured]]
    far = column["value"][unseen]
    unseen = unseen[(far >= datums.NEAREST_DM) & (far <= datums.FARTHEST_DM)]
    datum = np.zeros(len(column), dtype=np.uint8)
    if len(unseen):
        datum[unseen] = _explained(batch, column[unseen])
        column["kind"][datum != datums.NONE] = Kind.NEITHER
    awake = batch.states.going("wrong_datum")
    awake[column["group"][datum != datums.NONE]] = True
    which = np.flatnonzero(awake[column["group"]])
    other: Column = column[which]
    other["kind"] = np.where(
        datum[which] != datums.NONE,
        Kind.QUALIFIES,
        np.where(inside[which], Kind.CLEARS, Kind.NEITHER),
    )
    other["severity"], other["site"] = Severity.ROUTINE, datum[which]
    other["value"] = other["limit"] = _ALL_PCT
    return other


def _seen_inside(
    batch: Batch, column: Column, inside: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Whose fix was inside the home of each mark by then. Remembers it in `near_at`.

    What is remembered is of the home that was in force at the watermark: where the pin was
    corrected since, nobody was seen inside yet.
    """
    group, near_at = column["group"], batch.states["near_at"]
    slots = batch.slots[column["row"]]
    home = _homes(batch, slots, column["at"])
    place = np.maximum.accumulate(np.where(inside, np.arange(len(column)), -1))
    here = (place >= 0) & (group[place] == group) & (home[place] == home)
    known = near_at[group] & 1 != 0
    known &= _homes(batch, slots, batch.states["watermark_at"][group]) == home
    _remember(batch, group[inside], home[inside])
    seen: npt.NDArray[np.bool_] = here | known
    return seen


def _remember(batch: Batch, group: npt.NDArray[np.int64], home: npt.NDArray[np.int64]) -> None:
    """Who is seen inside as of the last row of each wearer; `group` was, in `home`."""
    near_at = batch.states["near_at"]
    last = _last_rows(batch)
    mine, slots = batch.group[last], batch.slots[last]
    now = np.empty(len(near_at), dtype=np.int64)
    now[mine] = _homes(batch, slots, batch.rows["measured_at"][last])
    before = _homes(batch, slots, batch.states["watermark_at"][mine])
    near_at[mine[before != now[mine]]] &= ~1
    near_at[group[home == now[group]]] |= 1


def move_on(states: Touched, nth: int, slot: int, at: int, wearers: Wearers) -> None:
    """To be told before the watermark moves to `at` by itself: the pin may have been corrected."""
    then = wearers.homes_then
    if then.place(slot, int(states["watermark_at"][nth])) != then.place(slot, at):
        states["near_at"][nth] &= ~1


def _last_rows(batch: Batch) -> npt.NDArray[np.intp]:
    group = batch.group
    return np.flatnonzero(np.append(group[1:] != group[:-1], [True] * bool(len(group))))


def _explained(batch: Batch, column: Column) -> npt.NDArray[np.uint8]:
    """The datum in which each of these fixes would be at home, 0 none."""
    figures, homes = batch.rulebook.left_home, batch.wearers.homes
    rows = batch.rows[column["row"]]
    lat, lon = columns_to_wgs84(rows["lat_e7"] / _E7, rows["lon_e7"] / _E7, rows["datum"])
    places = _homes(batch, batch.slots[column["row"]], column["at"])
    given_dm = rows["accuracy_dm"]
    accuracy_dm = np.where(given_dm <= 0, figures.accuracy_unknown_dm, given_dm)
    error_dm = np.maximum(accuracy_dm, figures.accuracy_floor_dm)
    within_dm = column["limit"].astype(np.int64) + error_dm
    return datums.explains(homes, places, lat, lon, within_dm)


def _homes(
    batch: Batch, slots: npt.NDArray[np.int64], at: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Which home was in force for each fix: a corrected one holds from its effective time."""
    return batch.wearers.homes_then.places(slots, at)


def _near_before(batch: Batch, near: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Whether the beacon was heard so shortly before each row that a fix there is inside."""
    at, group = batch.rows["measured_at"], batch.group
    place = np.maximum.accumulate(np.where(near, np.arange(len(at)), -1))
    # A row of another wearer says nothing: then it is what the state remembers.
    here = (place >= 0) & (group[place] == group)
    known = batch.states["near_at"]
    near_at = np.where(here, at[place], known[group] >> 1)
    last = _last_rows(batch)
    known[group[last]] = (near_at[last] << 1) | (known[group[last]] & 1)
    close: npt.NDArray[np.bool_] = at - near_at <= batch.rulebook.left_home.near_home_s * SECOND_US
    return close


def _measure(batch: Batch, column: Column) -> Column:
    """The marks of fixes: where they are, and what follows."""
    figures, wearers = batch.rulebook.left_home, batch.wearers
    rows, slots = batch.rows[column["row"]], batch.slots[column["row"]]
    lat, lon = columns_to_wgs84(rows["lat_e7"] / _E7, rows["lon_e7"] / _E7, rows["datum"])
    homes = _homes(batch, slots, column["at"])
    distance_dm = wearers.homes.distance_dm(homes, lat, lon)
    given_dm = rows["accuracy_dm"]
    accuracy_dm = np.where(given_dm <= 0, figures.accuracy_unknown_dm, given_dm)
    at_least_dm = distance_dm - np.maximum(accuracy_dm, figures.accuracy_floor_dm)
    radius_dm = wearers.homes.radius_dm[homes]
    outside = at_least_dm > radius_dm + figures.buffer_dm
    outside[outside] = ~wearers.leave.covers(slots[outside], column["at"][outside])
    column["kind"] = np.where(
        outside,
        Kind.QUALIFIES,
        np.where(at_least_dm <= radius_dm, Kind.CLEARS, Kind.NEITHER),
    )
    column["value"] = distance_dm
    column["limit"] = radius_dm + figures.buffer_dm
    return column


def _hold(column: Column, batch: Batch) -> None:
    figures, runs, wearers = batch.rulebook.left_home, batch.rulebook.runs, batch.wearers
    slots = batch.slots[column["row"]]
    sparse = wearers.sparse[slots]
    column["gap_us"] = wearers.gap_us[slots]
    column["hold_us"] = np.where(sparse, 0, figures.hold_s * SECOND_US)
    column["need"] = np.where(sparse, runs.sparse_readings, figures.fixes)
    column["clear_need"] = 1
