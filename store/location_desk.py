"""What the HTTP side may ask about positions. Implements `alerts.api.location.LocationDesk`."""

from alerts import location
from alerts.audit import What
from alerts.location import Answer, Shown
from alerts.staff import Staff
from store import alertread, audit, rulebooks, sights
from store.pool import Pool


class LocationDesk:
    """The question. Threads may share it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def where(self, staff: Staff, alert_id: str, now: int) -> Answer | None:
        """Where the person of an alert was last; None: there is no such alert in their grids.

        Every look, also one that is refused, is in the audit log.
        """
        with self._pool.of(staff) as connection:
            found = alertread.one(connection, alert_id, staff.grid_nos(None))
            if found is None:
                return None
            alert = found[0].alert
            answer: Answer | None = location.withheld(alert, staff)
            if answer is None:
                figures = rulebooks.in_force(connection, now).left_home
                seen = sights.of_episodes(connection, [alert.episode_no], figures, now)
                sight = seen[alert.episode_no]
                fix = sight.fix
                answer = Shown(None if fix is None else location.document(fix, sight.home))
            what = What.VIEWED_LOCATION if isinstance(answer, Shown) else What.REFUSED_LOCATION
            audit.record(connection, staff.id, what, alert.episode, [staff.grids[alert.grid]])
            return answer
