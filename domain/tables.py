"""The roster in columns: what a million people need in memory, and a way to go over all at once.

Each table is also the mapping that `domain.people.Roster` asks for, and makes a `Device`, an
`Episode` or an `Assignment` anew each time it is asked for one: for the few who are asked for by
name. Whoever means everybody takes the columns. Nothing changes a table once it is made.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Self, TypeVar

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from domain.people import Assignment, Device, Episode, Home, LeaveWindow, Roster, Threshold
from domain.reading import Datum, Site
from domain.texts import NOWHERE, PAGE, Index, Texts

FOR_GOOD: Final = 2**62
"""The end of an assignment that has none."""
NO_HOME: Final = 255
"""Where there is no datum."""

Row = TypeVar("Row")
Numbers = npt.NDArray[np.int32]
Instants = npt.NDArray[np.int64]
Degrees = npt.NDArray[np.float64]


class DeviceTable(Mapping[str, Device]):
    """Every device, in order of number."""

    __slots__ = ("_index", "_model", "_models", "ids", "interval_s", "no", "site", "spot")

    def __init__(self, devices: Iterable[Device], count: int) -> None:
        """Takes in `count` devices, which come in order of number."""
        self.no: Numbers = np.empty(count, dtype=np.int32)
        self.site = np.empty(count, dtype=np.uint8)
        self.interval_s: Numbers = np.empty(count, dtype=np.int32)
        self.spot = np.empty(count, dtype=np.bool_)
        self._model: Numbers = np.empty(count, dtype=np.int32)
        models: dict[str, int] = {}

        def ids() -> Iterator[str]:
            for place, page in _pages(devices):
                self.no[place] = [device.no for device in page]
                self.site[place] = _codes(device.site for device in page)
                self.interval_s[place] = [device.interval_s for device in page]
                self.spot[place] = [device.spot for device in page]
                self._model[place] = [models.setdefault(d.model, len(models)) for d in page]
                yield from (device.id for device in page)

        self.ids = Texts.of(ids(), count)
        self._models = tuple(models)
        self._index = Index(self.ids)

    def numbers(self, ids: Sequence[str]) -> Numbers:
        """The number of each of these devices, -1 for one that is not here. Shape (n,)."""
        places = self._index.places(ids)
        if not len(self.no):
            return places
        return np.where(places == NOWHERE, NOWHERE, self.no[places])

    def places(self, numbers: Numbers) -> npt.NDArray[np.intp]:
        """Where the devices with these numbers are. All have to be here. Shape (n,)."""
        return _places(self.no, numbers)

    @override
    def __getitem__(self, device_id: str) -> Device:
        n = self._index.place(device_id)
        if n == NOWHERE:
            raise KeyError(device_id)
        return Device(
            int(self.no[n]),
            device_id,
            self._models[self._model[n]],
            Site(int(self.site[n])),
            int(self.interval_s[n]),
            bool(self.spot[n]),
        )

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    @override
    def __len__(self) -> int:
        return len(self.no)


class EpisodeTable(Mapping[int, Episode]):
    """Every episode, in order of number. What few people have is in mappings by place."""

    __slots__ = (
        "_flags",
        "_ids",
        "_kinds",
        "birth_year",
        "datum",
        "ends_at",
        "fever",
        "fever_before",
        "homes_before",
        "lat",
        "leave",
        "lon",
        "no",
        "polygons",
        "radius_m",
        "starts_at",
        "zone",
        "zones",
    )

    def __init__(self, episodes: Iterable[Episode], count: int) -> None:
        """Takes in `count` episodes, which come in order of number."""
        self.no: Numbers = np.empty(count, dtype=np.int32)
        self.starts_at: Instants = np.empty(count, dtype=np.int64)
        self.ends_at: Instants = np.empty(count, dtype=np.int64)
        self.datum = np.full(count, NO_HOME, dtype=np.uint8)
        self.lat: Degrees = np.zeros(count)
        self.lon: Degrees = np.zeros(count)
        self.radius_m: Degrees = np.zeros(count)
        self.birth_year = np.zeros(count, dtype=np.int16)
        """0 unknown."""
        self.polygons: dict[int, Home] = {}
        self.fever: dict[int, Mapping[Site, Threshold]] = {}
        self.leave: dict[int, tuple[LeaveWindow, ...]] = {}
        self.homes_before: dict[int, tuple[tuple[int, Home | None], ...]] = {}
        self.fever_before: dict[int, tuple[tuple[int, Mapping[Site, Threshold]], ...]] = {}
        self.zone = np.zeros(count, dtype=np.uint16)
        """Which of `zones` is its time zone."""
        self._flags: Numbers = np.empty(count, dtype=np.int32)
        kinds: dict[tuple[str, ...], int] = {}
        zones: dict[str, int] = {}

        def ids() -> Iterator[str]:
            for place, page in _pages(episodes):
                self.no[place] = [episode.no for episode in page]
                self.starts_at[place] = [episode.starts_at for episode in page]
                self.ends_at[place] = [episode.ends_at for episode in page]
                self.birth_year[place] = [episode.birth_year or 0 for episode in page]
                self._flags[place] = [kinds.setdefault(e.flags, len(kinds)) for e in page]
                self.zone[place] = [zones.setdefault(e.timezone, len(zones)) for e in page]
                self._take_homes(place, page)
                self._take_rarities(place.start, page)
                yield from (episode.id for episode in page)

        self._ids = Texts.of(ids(), count)
        self._kinds = tuple(kinds)
        self.zones = tuple(zones)

    def _take_homes(self, place: slice, page: Sequence[Episode]) -> None:
        homes = [episode.home for episode in page]
        self.datum[place] = _codes(NO_HOME if home is None else home.datum for home in homes)
        self.lat[place] = [0.0 if home is None else home.lat for home in homes]
        self.lon[place] = [0.0 if home is None else home.lon for home in homes]
        self.radius_m[place] = [0.0 if home is None else home.radius_m for home in homes]
        self.polygons |= {n: h for n, h in enumerate(homes, place.start) if h and h.polygon}

    def _take_rarities(self, first: int, page: Sequence[Episode]) -> None:
        self.fever |= {n: e.fever for n, e in enumerate(page, first) if e.fever}
        self.leave |= {n: e.leave for n, e in enumerate(page, first) if e.leave}
        self.homes_before |= {
            n: e.homes_before for n, e in enumerate(page, first) if e.homes_before
        }
        self.fever_before |= {
            n: e.fever_before for n, e in enumerate(page, first) if e.fever_before
        }

    def flagged(self, flag: str) -> npt.NDArray[np.bool_]:
        """Whose flags have this one. Shape (len,)."""
        has_it = np.array([flag in kind for kind in self._kinds], dtype=np.bool_)
        return has_it[self._flags]

    def places(self, numbers: Numbers) -> npt.NDArray[np.intp]:
        """Where the episodes with these numbers are. All have to be here. Shape (n,)."""
        return _places(self.no, numbers)

    @override
    def __getitem__(self, episode_no: int) -> Episode:
        n = _place(self.no, episode_no)
        return Episode(
            no=episode_no,
            id=self._ids[n],
            starts_at=int(self.starts_at[n]),
            ends_at=int(self.ends_at[n]),
            home=self._home(n),
            birth_year=int(self.birth_year[n]) or None,
            flags=self._kinds[self._flags[n]],
            fever=self.fever.get(n, {}),
            leave=self.leave.get(n, ()),
            homes_before=self.homes_before.get(n, ()),
            fever_before=self.fever_before.get(n, ()),
            timezone=self.zones[self.zone[n]],
        )

    def _home(self, n: int) -> Home | None:
        if self.datum[n] == NO_HOME:
            return None
        place = float(self.lat[n]), float(self.lon[n])
        datum = Datum(int(self.datum[n]))
        return self.polygons.get(n) or Home(datum, *place, float(self.radius_m[n]))

    @override
    def __iter__(self) -> Iterator[int]:
        return iter(self.no.tolist())

    @override
    def __len__(self) -> int:
        return len(self.no)


class AssignmentTable(Mapping[int, tuple[Assignment, ...]]):
    """Every assignment, in order of device and `from_at`."""

    __slots__ = ("device_no", "episode_no", "from_at", "to_at")

    def __init__(self, assignments: Iterable[Assignment], count: int) -> None:
        """Takes in `count` assignments, which come in order of device and `from_at`."""
        self.device_no: Numbers = np.empty(count, dtype=np.int32)
        self.episode_no: Numbers = np.empty(count, dtype=np.int32)
        self.from_at: Instants = np.empty(count, dtype=np.int64)
        self.to_at: Instants = np.empty(count, dtype=np.int64)
        """`FOR_GOOD` where there is none."""
        for place, page in _pages(assignments):
            self.device_no[place] = [each.device_no for each in page]
            self.episode_no[place] = [each.episode_no for each in page]
            self.from_at[place] = [each.from_at for each in page]
            self.to_at[place] = [FOR_GOOD if e.to_at is None else e.to_at for e in page]

    @override
    def __getitem__(self, device_no: int) -> tuple[Assignment, ...]:
        begin = _place(self.device_no, device_no)
        end = int(self.device_no.searchsorted(np.int32(device_no), "right"))
        return tuple(
            Assignment(
                device_no,
                int(self.episode_no[n]),
                int(self.from_at[n]),
                None if self.to_at[n] == FOR_GOOD else int(self.to_at[n]),
            )
            for n in range(begin, end)
        )

    @override
    def __iter__(self) -> Iterator[int]:
        return iter(np.unique(self.device_no).tolist())

    @override
    def __len__(self) -> int:
        return len(np.unique(self.device_no))


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """The tables of one roster."""

    devices: DeviceTable
    episodes: EpisodeTable
    assignments: AssignmentTable

    @classmethod
    def of(cls, roster: Roster) -> Self:
        """What is in tables already is taken as it is."""
        devices, episodes, assignments = roster.devices, roster.episodes, roster.assignments
        if not isinstance(devices, DeviceTable):
            by_no = sorted(devices.values(), key=lambda device: device.no)
            devices = DeviceTable(by_no, len(by_no))
        if not isinstance(episodes, EpisodeTable):
            episodes = EpisodeTable((episodes[no] for no in sorted(episodes)), len(episodes))
        if not isinstance(assignments, AssignmentTable):
            flat = [each for no in sorted(assignments) for each in assignments[no]]
            assignments = AssignmentTable(flat, len(flat))
        return cls(devices, episodes, assignments)

    def roster(self, version: int) -> Roster:
        """The roster these are the tables of."""
        return Roster(version, self.devices, self.episodes, self.assignments)


def _pages(rows: Iterable[Row]) -> Iterator[tuple[slice, list[Row]]]:
    """The rows a page at a time, and where they belong."""
    rows = iter(rows)
    done = 0
    while page := list(islice(rows, PAGE)):
        yield slice(done, done + len(page)), page
        done += len(page)


def _codes(small: Iterable[int]) -> npt.NDArray[np.uint8]:
    """A column of members of enumerations, which numpy would be slow to read."""
    return np.frombuffer(bytes(small), dtype=np.uint8)


def _place(ascending: Numbers, number: int) -> int:
    # As an int32, or the whole column would be cast to what it is compared with.
    place = int(ascending.searchsorted(np.int32(number)))
    if place == len(ascending) or ascending[place] != number:
        raise KeyError(number)
    return place


def _places(ascending: Numbers, numbers: Numbers) -> npt.NDArray[np.intp]:
    places = np.searchsorted(ascending, numbers)
    assert not len(places) or places.max() < len(ascending)
    assert (ascending[places] == numbers).all()
    return places
