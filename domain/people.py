"""The people under care and what is known of them: episodes, devices, assignments, grids, staff.

The ingestion side sees no names, phones or addresses: they are not in these types. `no` is the
number the database gave a thing, `id` the word outsiders use for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from domain.reading import Datum, Site

DEFAULT_TIMEZONE: Final = "Asia/Shanghai"
"""Of a community that names none (contract section 4)."""


@dataclass(frozen=True, slots=True)
class Device:
    """A wearable or a spot thermometer."""

    no: int
    id: str
    model: str
    site: Site
    """Where it measures temperature when a reading does not say."""
    interval_s: int
    """The longest planned time between uploads."""
    spot: bool


@dataclass(frozen=True, slots=True)
class Home:
    """Where an episode is spent: a circle about a point, or a polygon (then `radius_m` is 0)."""

    datum: Datum
    lat: float
    """Degrees in `datum`; of a polygon, its first corner."""
    lon: float
    radius_m: float
    polygon: tuple[tuple[float, float], ...] = ()
    """(lat, lon) corners in `datum`; empty for a circle."""


@dataclass(frozen=True, slots=True)
class LeaveWindow:
    """A time the person may be away, for example for a swab test."""

    from_at: int
    to_at: int
    why: str


@dataclass(frozen=True, slots=True)
class Threshold:
    """A person's own fever threshold at one site."""

    value_cc: int
    origin: str
    """Who set it, shown in the evidence."""
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """One quarantine of one person."""

    no: int
    id: str
    starts_at: int
    ends_at: int
    home: Home | None
    birth_year: int | None
    flags: tuple[str, ...] = ()
    """`lives_alone`, `disabled`, `chronic`."""
    fever: Mapping[Site, Threshold] = field(default_factory=dict)
    leave: tuple[LeaveWindow, ...] = ()
    homes_before: tuple[tuple[int, Home | None], ...] = ()
    """(until_at, home) in order: what `home` was before it was corrected,"""
    fever_before: tuple[tuple[int, Mapping[Site, Threshold]], ...] = ()
    """and the same of `fever`."""
    timezone: str = DEFAULT_TIMEZONE
    """Of its community, a name of the IANA database: what is night there, and which day."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A device worn in an episode, from an instant until another or for good."""

    device_no: int
    episode_no: int
    from_at: int
    to_at: int | None


@dataclass(frozen=True, slots=True)
class Roster:
    """Everything ingestion needs to know about people, at one version."""

    version: int
    devices: Mapping[str, Device]
    """By device id."""
    episodes: Mapping[int, Episode]
    """By episode number."""
    assignments: Mapping[int, tuple[Assignment, ...]]
    """By device number, in order of `from_at`."""

    def assigned(self, device_no: int, at: int) -> Assignment | None:
        """Who wore the device at `at`: the assignment that covers it in a running episode."""
        for assignment in self.assignments.get(device_no, ()):
            if assignment.from_at <= at and (assignment.to_at is None or at < assignment.to_at):
                episode = self.episodes[assignment.episode_no]
                if episode.starts_at <= at < episode.ends_at:
                    return assignment
        return None


EMPTY_ROSTER = Roster(version=0, devices={}, episodes={}, assignments={})
