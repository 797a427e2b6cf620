"""What can happen to a wearer, as intervals: what wearers, bands, scenarios and truth share.

An incident is a cause (an illness course, a walk, a failing band), not what a service should make
of it: `truth` says when it was really so; whether anybody notices is for the service to show.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from domain.instant import SECOND_US


class Kind(StrEnum):
    """The causes."""

    FEVER = "fever"  # an illness course: rises, stays, falls
    OUT = "out"  # walks out and comes back
    DEAD = "dead"  # the band stops without a word
    FLAT = "flat"  # nobody charges the band: it warns, then dies, then is charged
    OFF = "off"  # the band lies on the table
    OFFLINE = "offline"  # no network: measures on, uploads when it is back


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident of one wearer. A wearer has at most one at a time."""

    kind: Kind
    from_at: int
    to_at: int | None
    """When it is over; None: never."""
    size: float = 0.0
    """`fever`: degrees above the person's own at its height; `out`: metres to the far end."""
    onset_s: float = 0.0
    """`fever`: how long it rises; `flat`: how long the battery takes to run down."""
    fall_s: float = 0.0
    """`fever`: how long it takes to fall before `to_at`."""
    bearing_deg: float = 0.0
    """`out`: which way."""

    @property
    def blank_at(self) -> int:
        """`dead` and `flat`: from when on nothing is measured."""
        onset_s = self.onset_s if self.kind is Kind.FLAT else 0.0
        return self.from_at + int(onset_s * SECOND_US)


def current(incidents: Iterable[Incident], at: int) -> Incident | None:
    """The incident that covers the instant."""
    for incident in incidents:
        if incident.from_at <= at and (incident.to_at is None or at < incident.to_at):
            return incident
    return None
