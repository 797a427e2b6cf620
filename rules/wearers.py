"""What the roster says of each wearer, as columns by slot.

A wearer is a (episode, device) pair; its slot is its row here and in the rule state. Slots are only
ever added, so that a newer roster fits an older state. A wearer the roster no longer names keeps
its row (its findings may still have to be closed) but loses home, thresholds and leave windows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from domain.instant import SECOND_US, to_datetime
from domain.people import Roster
from domain.reading import Site
from domain.tables import NO_HOME, EpisodeTable, Tables
from rules.eras import Eras
from rules.homes import Homes
from rules.local_time import NO_ZONES, Zones
from rules.own_limits import LeaveWindows, OwnThresholds
from rules.rulebook import Rulebook, Runs
from rules.slots import NO_SLOTS, Numbers, Slots, packed

Particular = TypeVar("Particular")
Places = npt.NDArray[np.intp]

Spell = tuple[int, int]
"""(from, until) of one time a device was worn in an episode; `until` is not part of it."""

Spans = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""The same in columns, one spell of each wearer."""


@dataclass(frozen=True, slots=True, eq=False)
class Wearers:
    """Columns of shape (len,). Times are microseconds."""

    slots: Slots
    """(episode_no, device_no) -> slot."""
    episode_no: npt.NDArray[np.int32]
    device_no: npt.NDArray[np.int32]
    site: npt.NDArray[np.uint8]
    """Where the device measures when a reading does not say; never `NOT_GIVEN`."""
    spot: npt.NDArray[np.bool_]
    interval_s: npt.NDArray[np.int32]
    sparse: npt.NDArray[np.bool_]
    """Two consecutive readings fulfil a hold."""
    gap_us: npt.NDArray[np.int64]
    """A longer gap breaks a run."""
    silence_us: npt.NDArray[np.int64]
    """A longer silence is a finding,"""
    fragile_us: npt.NDArray[np.int64]
    """and this for people who live alone or are old."""
    lives_alone: npt.NDArray[np.bool_]
    birth_year: npt.NDArray[np.int16]
    """0 unknown."""
    zone: npt.NDArray[np.uint16]
    """Which of `zones` is the community's time zone."""
    from_at: npt.NDArray[np.int64]
    """When the device was first worn in the running episode,"""
    until_at: npt.NDArray[np.int64]
    """and when that ends."""
    spells: Mapping[int, tuple[Spell, ...]]
    """Of the few wearers whose device was away in between: every spell, in order."""
    zones: Zones
    homes: Homes
    """By the places of `homes_then`,"""
    thresholds: OwnThresholds
    """and by those of `thresholds_then`."""
    leave: LeaveWindows
    homes_then: Eras
    thresholds_then: Eras
    runs: Runs
    """The figures `sparse` and `gap_us` follow from."""

    def __len__(self) -> int:
        return len(self.episode_no)

    @classmethod
    def of(cls, roster: Roster, rulebook: Rulebook, previous: Self | None = None) -> Self:
        """The columns of a roster. Slots of `previous` stay; new ones follow by number."""
        tables = Tables.of(roster)
        worn = _Worn.of(tables)
        slots = (NO_SLOTS if previous is None else previous.slots).grown(worn.keys)
        named = slots.at(worn.keys)
        episodes = tables.episodes
        zones = (NO_ZONES if previous is None else previous.zones).grown(episodes.zones)
        # One after the other: most columns are what they were, and then there is one of them.
        filled = {
            name: _fill(values, named, len(slots), getattr(previous, name, None))
            for name, values in _columns(tables, worn, rulebook, zones)
        }
        episodes = tables.episodes
        homes_before = _rare(episodes.homes_before, worn, named)
        fever_before = _rare(episodes.fever_before, worn, named)
        homes_then, thresholds_then = (
            _eras(before, len(slots)) for before in (homes_before, fever_before)
        )
        homes = _homes(episodes, worn, named, len(slots)).with_more(_in_rows(homes_before))
        fever = _rare(episodes.fever, worn, named)
        fever |= dict(enumerate(_in_rows(fever_before), len(slots)))
        return cls(
            slots=slots,
            spells={int(named[n]): spells for n, spells in worn.several.items()},
            zones=zones,
            homes=homes if previous is None else homes.or_the_same(previous.homes),
            thresholds=OwnThresholds.of(fever, len(slots) + len(thresholds_then.until_at)),
            leave=LeaveWindows.of(_rare(episodes.leave, worn, named), len(slots)),
            homes_then=homes_then,
            thresholds_then=thresholds_then,
            runs=rulebook.runs,
            **filled,
        )

    def under(self, rulebook: Rulebook) -> Self:
        """The same as an earlier rulebook has it, as far as readings are judged by it."""
        if rulebook.runs == self.runs:
            return self
        sparse, gap_us = _run_columns(self.interval_s, rulebook.runs)
        return replace(self, runs=rulebook.runs, sparse=sparse, gap_us=gap_us)

    def origin(self, slot: int, site: int, at: int) -> str:
        """Who set the person's own threshold that was in force at that instant."""
        return self.thresholds.origin(self.thresholds_then.place(slot, at), site)

    def threshold_detail(self, slot: int, site: int, at: int) -> str:
        """What else there is to say of it, see `OwnThresholds.detail`."""
        return self.thresholds.detail(self.thresholds_then.place(slot, at), site)

    def spells_at(self, now: int) -> Spans:
        """(from_at, until_at) of each wearer's newest spell begun by `now`; else the first."""
        if not self.spells:
            return self.from_at, self.until_at
        from_at, until_at = self.from_at.copy(), self.until_at.copy()
        for slot, spells in self.spells.items():
            begun = [spell for spell in spells if spell[0] <= now]
            from_at[slot], until_at[slot] = begun[-1] if begun else spells[0]
        return from_at, until_at

    def spells_of(self, slot: int) -> tuple[Spell, ...]:
        """Every spell of one wearer, in order."""
        return self.spells.get(slot) or ((int(self.from_at[slot]), int(self.until_at[slot])),)

    def fragile(self, slots: npt.NDArray[np.int64], now: int, age: int) -> npt.NDArray[np.bool_]:
        """Who lives alone or is `age` or older in the year of `now`. Shape of `slots`."""
        born = self.birth_year[slots]
        old = (born > 0) & (to_datetime(now).year - born.astype(np.int64) >= age)
        return self.lives_alone[slots] | old


@dataclass(frozen=True, slots=True, eq=False)
class _Worn:
    """Who wears what and when: a row for each pair, in order of (episode, device)."""

    keys: npt.NDArray[np.int64]
    """`rules.slots.packed`."""
    episode: Places
    """Places in the tables."""
    device: Places
    from_at: npt.NDArray[np.int64]
    until_at: npt.NDArray[np.int64]
    several: Mapping[int, tuple[Spell, ...]]
    """By row, the spells of those that have more than one."""

    @classmethod
    def of(cls, tables: Tables) -> Self:
        """Assignments to episodes that are not on the roster are nobody's."""
        given, episodes = tables.assignments, tables.episodes
        known = np.flatnonzero(np.isin(given.episode_no, episodes.no))
        keys = packed(given.episode_no[known], given.device_no[known])
        order = np.argsort(keys, kind="stable")
        keys, rows = keys[order], known[order]
        first = np.flatnonzero(np.diff(keys, prepend=-1))
        counts = np.diff(first, append=len(keys))
        episode = episodes.places(given.episode_no[rows[first]])
        starts_at, ends_at = episodes.starts_at[episode], episodes.ends_at[episode]
        from_at = np.maximum(given.from_at[rows[first]], starts_at)
        until_at = np.maximum(np.minimum(given.to_at[rows[first]], ends_at), from_at)
        several = {}
        for n in np.flatnonzero(counts > 1).tolist():
            own = rows[first[n] : first[n] + counts[n]]
            times = zip(given.from_at[own].tolist(), given.to_at[own].tolist(), strict=True)
            spells = _spells_in(int(starts_at[n]), int(ends_at[n]), times)
            from_at[n], until_at[n] = spells[0][0], spells[-1][1]
            if len(spells) > 1:
                several[n] = spells
        device = tables.devices.places(given.device_no[rows[first]])
        return cls(keys[first], episode, device, from_at, until_at, several)


def _spells_in(starts_at: int, ends_at: int, worn: Iterable[Spell]) -> tuple[Spell, ...]:
    """The spells that fall into the episode; those that touch are one. Never empty."""
    spells: list[Spell] = []
    from_at = starts_at
    for worn_from, worn_to in worn:
        from_at = max(worn_from, starts_at)
        until_at = min(worn_to, ends_at)
        if spells and spells[-1][1] == from_at:
            from_at = spells.pop()[0]
        if from_at < until_at:
            spells.append((from_at, until_at))
    return tuple(spells) or ((from_at, from_at),)


def _columns(
    tables: Tables, worn: _Worn, rulebook: Rulebook, zones: Zones
) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """The columns that need no look at other wearers, for the wearers the roster names."""
    silent = rulebook.silent
    devices, episodes = tables.devices, tables.episodes
    interval = devices.interval_s[worn.device].astype(np.int64)
    site = devices.site[worn.device]
    yield "episode_no", episodes.no[worn.episode]
    yield "device_no", devices.no[worn.device]
    yield "site", np.where(site == Site.NOT_GIVEN, np.uint8(Site.UNKNOWN), site)
    yield "spot", devices.spot[worn.device]
    yield "interval_s", devices.interval_s[worn.device]
    sparse, gap_us = _run_columns(interval, rulebook.runs)
    yield "sparse", sparse
    yield "gap_us", gap_us
    silence_us = np.maximum(silent.intervals * interval, silent.at_least_s) * SECOND_US
    yield "silence_us", silence_us
    least_us = (silent.fragile_intervals * interval + silent.fragile_grace_s) * SECOND_US
    yield "fragile_us", np.maximum(silence_us // silent.fragile_share, least_us)
    yield "lives_alone", episodes.flagged("lives_alone")[worn.episode]
    yield "birth_year", episodes.birth_year[worn.episode]
    numbers = np.array([zones.names.index(name) for name in episodes.zones], dtype=np.uint16)
    yield "zone", numbers[episodes.zone[worn.episode]]
    yield "from_at", worn.from_at
    yield "until_at", worn.until_at


def _run_columns(
    interval_s: npt.NDArray[np.integer], runs: Runs
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """(sparse, gap_us): what the figures of all holds make of the devices' intervals."""
    interval = interval_s.astype(np.int64)
    gap_us = np.maximum(runs.gap_intervals * interval, runs.gap_s) * SECOND_US
    return interval >= runs.sparse_interval_s, gap_us


def _eras(before: Mapping[int, Sequence[tuple[int, Any]]], count: int) -> Eras:
    ends = {slot: [until_at for until_at, _ in eras] for slot, eras in before.items()}
    return Eras.of(ends, count)


def _in_rows(before: Mapping[int, Sequence[tuple[int, Particular]]]) -> list[Particular]:
    """What held before, in the order of the rows of `Eras.of`."""
    return [what for slot in sorted(before) for _, what in before[slot]]


def _homes(episodes: EpisodeTable, worn: _Worn, named: Numbers, count: int) -> Homes:
    """Only those of whom the roster names now."""
    datum = np.full(count, NO_HOME, dtype=np.uint8)
    datum[named] = episodes.datum[worn.episode]
    lat, lon, radius_m = (np.zeros(count) for _ in range(3))
    lat[named] = episodes.lat[worn.episode]
    lon[named] = episodes.lon[worn.episode]
    radius_m[named] = episodes.radius_m[worn.episode]
    return Homes.at(datum, lat, lon, radius_m, _rare(episodes.polygons, worn, named))


def _rare(given: Mapping[int, Particular], worn: _Worn, named: Numbers) -> dict[int, Particular]:
    """What few episodes have, by slot instead of place."""
    rows = np.flatnonzero(np.isin(worn.episode, np.array(sorted(given), dtype=np.intp)))
    return {
        slot: given[place]
        for slot, place in zip(named[rows].tolist(), worn.episode[rows].tolist(), strict=True)
    }


def _fill(
    values: npt.NDArray[Any], slots: Numbers, count: int, previous: npt.NDArray[Any] | None
) -> npt.NDArray[Any]:
    column = np.zeros(count, dtype=values.dtype)
    if previous is not None:
        column[: len(previous)] = previous
    column[slots] = values
    return previous if previous is not None and np.array_equal(previous, column) else column
