"""What the routes about outcomes need from the database. `store.truth_desk.TruthDesk` is one."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Protocol

from alerts.accuracy import Question
from alerts.casework import Page
from alerts.staff import Staff


class TruthDesk(Protocol):
    """The questions. Every answer is limited to the grids of the member of staff who asks.

    Every call may raise what is listed in `Ports.unavailable`. Threads share it.
    """

    def accuracy(self, staff: Staff, grid: str | None, question: Question) -> Page:
        """Verdicts per rule, device or model."""
        ...

    def report(
        self, staff: Staff, grid: str | None, on: date | None, now: int
    ) -> dict[str, Any] | None:
        """A day of one grid or all of the member's (None: today's); None: it has not begun."""
        ...

    def swaps(self, staff: Staff, devices: Sequence[str], now: int) -> list[str]:
        """Which of these devices are proposed for a swap."""
        ...

    def track_record(self, staff: Staff, alert_id: str, now: int) -> dict[str, Any] | None:
        """How the other alerts of this one's device and rule ended; None: no such alert."""
        ...
