"""What the HTTP side may ask about what came of alerts. Implements `alerts.api.truth_port`."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from alerts import accuracy, report
from alerts.accuracy import RECENT_US, Question
from alerts.audit import What
from alerts.casework import Page
from alerts.day import date_at
from alerts.staff import Staff
from domain.people import DEFAULT_TIMEZONE
from store import audit, reports, verdicts
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

    def report(
        self, staff: Staff, grid: str | None, on: date | None, now: int
    ) -> dict[str, Any] | None:
        """A day of one grid or all of the member's; None: it has begun nowhere.

        Today is where the first of the grids is. The look is in the audit log.
        """
        with self._pool.of(staff) as connection:
            grid_nos = staff.grid_nos(grid)
            if on is None:
                zones = reports.timezones(connection, grid_nos)
                on = date_at(now, zones[0] if zones else DEFAULT_TIMEZONE)
            days = reports.days(connection, grid_nos, on, now)
            if not days:
                return None
            facts = reports.facts(connection, days, on)
            about = f"{on.isoformat()} {grid or ''}"
            audit.record(connection, staff.id, What.VIEWED_REPORT, about, grid_nos)
        return report.document(on, days, facts)

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
