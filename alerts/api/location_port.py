"""What the route about positions needs from the database."""

from typing import Protocol

from alerts.location import Answer
from alerts.staff import Staff


class LocationDesk(Protocol):
    """`store.location_desk.LocationDesk` is one. May raise what is in `Ports.unavailable`."""

    def where(self, staff: Staff, alert_id: str, now: int) -> Answer | None:
        """Where the person of an alert was last; None: no such alert in their grids."""
        ...
