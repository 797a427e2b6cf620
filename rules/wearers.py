"""What the roster says of each wearer, as columns by slot.

A wearer is a (episode, device) pair; its slot is its row here and in the rule state. Slots are only
ever added, so that a newer roster fits an older state. A wearer the roster no longer names keeps
its row (its findings may still have to be closed) but loses home, thresholds and leave windows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from domain.instant import SECOND_US, to_datetime
from domain.people import Assignment, Device, Episode, Roster
from domain.reading import Site
from rules.homes import Homes
from rules.own_limits import LeaveWindows, OwnThresholds
from rules.rulebook import Rulebook

_FOR_GOOD: Final = 2**62

Spell = tuple[int, int]
"""(from, until) of one time a device was worn in an episode; `until` is not part of it."""

Spans = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""The same in columns, one spell of each wearer."""


@dataclass(frozen=True, slots=True, eq=False)
class Wearers:
    """Columns of shape (len,). Times are microseconds."""

    slots: Mapping[tuple[int, int], int]
    """(episode_no, device_no) -> slot."""
    episode_no: npt.NDArray[np.int32]
    device_no: npt.NDArray[np.int32]
    site: npt.NDArray[np.uint8]
    """Where the device measures when a reading does not say; never `NOT_GIVEN`."""
    spot: npt.NDArray[np.bool_]
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
    from_at: npt.NDArray[np.int64]
    """When the device was first worn in the running episode,"""
    until_at: npt.NDArray[np.int64]
    """and when that ends."""
    spells: Mapping[int, tuple[Spell, ...]]
    """Of the few wearers whose device was away in between: every spell, in order."""
    homes: Homes
    thresholds: OwnThresholds
    leave: LeaveWindows

    def __len__(self) -> int:
        return len(self.episode_no)

    @classmethod
    def of(cls, roster: Roster, rulebook: Rulebook, previous: Self | None = None) -> Self:
        """The columns of a roster. Slots of `previous` stay; new ones follow by number."""
        worn = _worn(roster)
        slots = dict(previous.slots) if previous is not None else {}
        for pair in worn:
            slots.setdefault(pair, len(slots))
        count = len(slots)
        entries = sorted((slots[pair], *entry) for pair, entry in worn.items())
        columns = _columns(entries, rulebook)
        named = [entry[0] for entry in entries]
        filled = {
            name: _fill(values, named, count, getattr(previous, name, None))
            for name, values in columns.items()
        }
        episodes = {slot: episode for slot, episode, _, _ in entries}
        broken = {slot: spells for slot, _, _, spells in entries if len(spells) > 1}
        return cls(
            slots=slots,
            spells=broken,
            homes=Homes.of(
                (None if (e := episodes.get(n)) is None else e.home for n in range(count)), count
            ),
            thresholds=OwnThresholds.of(
                {n: e.fever for n, e in episodes.items() if e.fever}, count
            ),
            leave=LeaveWindows.of({n: e.leave for n, e in episodes.items() if e.leave}, count),
            **filled,
        )

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


def _worn(roster: Roster) -> dict[tuple[int, int], tuple[Episode, Device, tuple[Spell, ...]]]:
    """Who wears what and when, in order of (episode, device)."""
    devices = {device.no: device for device in roster.devices.values()}
    found: dict[tuple[int, int], list[Assignment]] = {}
    for device_no, assignments in roster.assignments.items():
        for assignment in assignments:
            found.setdefault((assignment.episode_no, device_no), []).append(assignment)
    return {
        pair: (episode, devices[pair[1]], _spells_in(episode, found[pair]))
        for pair in sorted(found)
        if (episode := roster.episodes.get(pair[0])) is not None
    }


def _spells_in(episode: Episode, assignments: Iterable[Assignment]) -> tuple[Spell, ...]:
    """The spells that fall into the episode; those that touch are one. Never empty."""
    spells: list[Spell] = []
    from_at = episode.starts_at
    for assignment in assignments:
        from_at = max(assignment.from_at, episode.starts_at)
        to_at = _FOR_GOOD if assignment.to_at is None else assignment.to_at
        until_at = min(to_at, episode.ends_at)
        if spells and spells[-1][1] == from_at:
            from_at = spells.pop()[0]
        if from_at < until_at:
            spells.append((from_at, until_at))
    return tuple(spells) or ((from_at, from_at),)


def _columns(
    entries: list[tuple[int, Episode, Device, tuple[Spell, ...]]], rulebook: Rulebook
) -> dict[str, npt.NDArray[Any]]:
    """The columns that need no look at other wearers, for the wearers the roster names."""
    runs, silent = rulebook.runs, rulebook.silent
    interval = np.array([device.interval_s for _, _, device, _ in entries], dtype=np.int64)
    silence_us = np.maximum(silent.intervals * interval, silent.at_least_s) * SECOND_US
    least_us = (silent.fragile_intervals * interval + silent.fragile_grace_s) * SECOND_US
    return {
        "episode_no": np.array([episode.no for _, episode, _, _ in entries], dtype=np.int32),
        "device_no": np.array([device.no for _, _, device, _ in entries], dtype=np.int32),
        "site": np.array(
            [device.site or Site.UNKNOWN for _, _, device, _ in entries], dtype=np.uint8
        ),
        "spot": np.array([device.spot for _, _, device, _ in entries], dtype=np.bool_),
        "sparse": interval >= runs.sparse_interval_s,
        "gap_us": np.maximum(runs.gap_intervals * interval, runs.gap_s) * SECOND_US,
        "silence_us": silence_us,
        "fragile_us": np.maximum(silence_us // silent.fragile_share, least_us),
        "lives_alone": np.array(
            ["lives_alone" in episode.flags for _, episode, _, _ in entries], dtype=np.bool_
        ),
        "birth_year": np.array(
            [episode.birth_year or 0 for _, episode, _, _ in entries], dtype=np.int16
        ),
        "from_at": np.array([spells[0][0] for _, _, _, spells in entries], dtype=np.int64),
        "until_at": np.array([spells[-1][1] for _, _, _, spells in entries], dtype=np.int64),
    }


def _fill(
    values: npt.NDArray[Any], slots: list[int], count: int, previous: npt.NDArray[Any] | None
) -> npt.NDArray[Any]:
    column = np.zeros(count, dtype=values.dtype)
    if previous is not None:
        column[: len(previous)] = previous
    column[slots] = values
    return column
