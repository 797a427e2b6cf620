"""Local time as data: the UTC offsets of the communities' time zones, for many instants at once.

A zone is its name in the IANA database; its offsets from 2000 to 2100 are read once from `tzdata`
and then are columns. Before and after that the first and the last of them hold. Refuses to know
what an hour or a day is for: that is the rules' business.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Final, Self
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from domain.instant import DAY_US, HOUR_US, SECOND_US, from_datetime

Instants = npt.NDArray[np.int64]
ZoneNumbers = npt.NDArray[np.uint16]

_FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2100, 1, 1, tzinfo=UTC)
_INSTANTS: Final = 2**53
"""More than there are microseconds until 2100: a key is zone x 2^53 + instant."""
_EPOCH_DAY: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Zones:
    """Some time zones, numbered from 0."""

    names: tuple[str, ...]
    key: Instants
    """Of every change of an offset, ascending; the first of a zone is at instant 0."""
    offset_us: Instants
    """From there on."""

    @classmethod
    def of(cls, names: Iterable[str]) -> Self:
        """The zones of these names. Raises `ZoneInfoNotFoundError` for one that there is not."""
        given = tuple(names)
        changes = [
            (number * _INSTANTS + at, offset_us)
            for number, name in enumerate(given)
            for at, offset_us in changes_of(name)
        ]
        table = np.array(changes, dtype=np.int64).reshape(-1, 2)
        return cls(given, table[:, 0].copy(), table[:, 1].copy())

    def grown(self, names: Iterable[str]) -> "Zones":
        """With these as well; the zones that are here keep their numbers."""
        new = [name for name in dict.fromkeys(names) if name not in self.names]
        return Zones.of((*self.names, *new)) if new else self

    def local(self, zone: ZoneNumbers, at: Instants) -> Instants:
        """Local time as microseconds since 1970 by the local clock. Shapes (n,)."""
        if len(self.key) == 1:
            return at + int(self.offset_us[0])
        within = np.clip(at, 0, _INSTANTS - 1)
        place = np.searchsorted(self.key, zone * np.int64(_INSTANTS) + within, "right") - 1
        local: Instants = at + self.offset_us[place]
        return local

    def hours(self, zone: ZoneNumbers, at: Instants) -> Instants:
        """Hours since 1970 by the local clock: the day is that // 24, the hour % 24. Shape (n,)."""
        local: Instants = self.local(zone, at) // HOUR_US
        return local

    def instants(self, zone: ZoneNumbers, day: Instants, hour: int) -> Instants:
        """When it is this full hour of these days since 1970 there. Shape (n,).

        If it never is, as the clocks pass over it, some instant close by.
        """
        wanted = day * DAY_US + hour * HOUR_US
        at = wanted
        for _ in range(2):
            at = wanted - (self.local(zone, at) - at)
        return at


NO_ZONES: Final = Zones.of(())


def date_of(day: int) -> str:
    """`2026-02-03` of a day counted since 1970."""
    return (_EPOCH_DAY + timedelta(days=day)).isoformat()


@cache
def changes_of(name: str) -> tuple[tuple[int, int], ...]:
    """(instant, offset from then on), both microseconds, of one zone; the first is at instant 0.

    Looks once a day, then finds the second: no place changed its clocks twice in a day.
    """
    zone = ZoneInfo(name)
    found = [(0, _offset_us(zone, _FIRST))]
    moment = _FIRST
    while moment < _LAST:
        following = moment + timedelta(days=1)
        offset_us = _offset_us(zone, following)
        if offset_us != found[-1][1]:
            found.append((_change(zone, moment, following), offset_us))
        moment = following
    return tuple(found)


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> int:
    """The first second of the offset that holds at `after`."""
    wanted = _offset_us(zone, after)
    low, high = 0, int((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_us(zone, before + timedelta(seconds=middle)) == wanted:
            high = middle
        else:
            low = middle
    return from_datetime(before) + high * SECOND_US


def _offset_us(zone: ZoneInfo, moment: datetime) -> int:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return offset // timedelta(microseconds=1)
