"""Deadlines that have passed: each fires once, in order, whoever was down meanwhile.

Any number of processes may do this at once: what one has locked the others leave alone, and after
its commit the deadline is another.
"""

from typing import Final

import psycopg

from alerts.escalation import Figures, overdue
from alerts.lifecycle import Refused, Step, moved
from domain.instant import to_datetime
from store import findings
from store.alertrows import Place, fetch, write_alerts, write_events
from store.duty import Duty

AT_ONCE: Final = 100
"""Alerts a transaction: the event counter is locked for no longer."""

_OVERDUE: Final = (
    "WHERE a.response <> 'closed' AND a.deadline_at <= %s"
    " ORDER BY a.deadline_at, a.id LIMIT %s FOR UPDATE OF a SKIP LOCKED"
)

_HOW_MANY: Final = "SELECT count(*) FROM alert WHERE response <> 'closed' AND deadline_at <= %s"


def overdue_since(connection: psycopg.Connection, until: int) -> int:
    """How many alerts have a deadline that passed by then and has not fired."""
    row = connection.execute(_HOW_MANY, [to_datetime(until)]).fetchone()
    assert row is not None
    return int(row[0])


def fire(connection: psycopg.Connection, now: int, figures: Figures) -> int:
    """Has the next ones told of what is overdue; the number of alerts, at most `AT_ONCE`."""
    with connection.transaction(), connection.cursor() as cursor:
        due = fetch(connection, _OVERDUE, [to_datetime(now), AT_ONCE])
        if not due:
            return 0
        standing = findings.of_alerts(connection, [stored.alert.id for stored in due])
        duty = Duty(connection, [stored.place.grid_no for stored in due], figures)
        steps: list[tuple[Step, Place]] = []
        for stored in due:
            alert = stored.refreshed(standing.get(stored.alert.id, ()))
            event = overdue(alert, now)
            assert event is not None
            made = moved(alert, event, duty.route(stored.place))
            assert not isinstance(made, Refused)
            duty.counted(made)
            steps += [(step, stored.place) for step in made]
        write_alerts(cursor, steps)
        write_events(cursor, steps)
        return len(due)
