"""What the HTTP side may ask about what came of alerts. Implements `alerts.api.truth_port`."""

from collections.abc import Sequence
from typing import Any

from alerts import accuracy
from alerts.accuracy import RECENT_US, Question
from alerts.casework import Page
from alerts.staff import Staff
from store import verdicts
from store.pool import Pool


class TruthDesk:
    """The questions. Threads may share it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def accuracy(self, staff: Staff, grid: str | None, question: Question) -> Page:
        """Verdicts per rule, device or model, of one grid or all of the member's."""
        with self._pool.of(staff) as connection:
            span = (question.from_at, question.to_at)
            counted = verdicts.counted(connection, staff.grid_nos(grid), span)
        return accuracy.answer(counted, question)

    def swaps(self, staff: Staff, devices: Sequence[str], now: int) -> list[str]:
        """Which of these devices are proposed for a swap."""
        with self._pool.of(staff) as connection:
            span = (now - RECENT_US, now + 1)
            counted = verdicts.of_devices(connection, staff.grid_nos(), span, devices)
        return accuracy.proposals(counted)

    def track_record(self, staff: Staff, alert_id: str, now: int) -> dict[str, Any] | None:
        """How the other alerts of this one's device and rule ended; None: no such alert."""
        since = now - RECENT_US
        with self._pool.of(staff) as connection:
            found = verdicts.of_others(connection, staff.grid_nos(), (since, now + 1), alert_id)
        if found is None:
            return None
        rule, of_device, of_rule = found
        return accuracy.track_record(of_device, of_rule, rule, since)
