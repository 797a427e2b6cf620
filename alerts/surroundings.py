"""What has to be known of an episode to speak of its findings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from alerts.vitals import Vitals
from rules.finding import Finding


@dataclass(frozen=True, slots=True)
class Worn:
    """A device of the episode."""

    id: str
    interval_s: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What has to be known of an episode to speak of its findings."""

    episode: str
    person: str
    grid: str
    building: str
    timezone: str
    fence_m: float | None
    """Radius of the home; None where it is a polygon or not known."""
    devices: Mapping[int, Worn]
    """By device number: at least those of the findings."""
    birth_year: int | None = None
    flags: tuple[str, ...] = ()
    """Of the person, as in the roster."""
    vitals: Vitals | None = None
    """None where nobody asked."""
    faults: Mapping[int, Finding] = field(default_factory=dict)
    """By device number: the `device_fault` that stands."""
