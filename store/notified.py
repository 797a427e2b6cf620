"""Who is notified: a subscriber for each member of staff with contacts, and what is said of cases.

The contacts themselves stay in `staff` and are read at each sending. Names are read here to be made
initials of, and go no further.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import psycopg

from alerts.lifecycle import Kind
from alerts.notification import Member, Standing, initials
from domain.instant import from_datetime, to_datetime
from store.pool import Pool

_THEIRS: Final = """
SELECT 'notify:' || s.id AS id, s.id AS staff,
       ARRAY(SELECT g.grid_no FROM grid g WHERE g.escalate_to = s.id
                OR g.grid_no IN (SELECT grid_no FROM staff_grid WHERE staff_no = s.staff_no)
                OR g.community_no IN (
                    SELECT community_no FROM staff_community WHERE staff_no = s.staff_no)
              ORDER BY 1) AS grid_nos
  FROM staff s WHERE s.contacts <> '[]'"""
_KEEP: Final = f"""
INSERT INTO subscriber (id, kind, grid_nos, config, created_at, cursor)
SELECT t.id, 'notify', t.grid_nos, jsonb_build_object('staff', t.staff), %s, c.last_event_id
  FROM ({_THEIRS}) t CROSS JOIN event_counter c
    ON CONFLICT (id) DO UPDATE SET grid_nos = excluded.grid_nos
 WHERE subscriber.grid_nos IS DISTINCT FROM excluded.grid_nos"""
_DROP: Final = f"""
DELETE FROM subscriber WHERE kind = 'notify' AND id NOT IN (SELECT t.id FROM ({_THEIRS}) t)"""
_MEMBER: Final = "SELECT contacts, languages FROM staff WHERE id = %s"
_CASES: Final = """
SELECT v.event_id, a.response, p.name, s.name AS asked,
       CASE v.kind WHEN 'escalated' THEN (
           SELECT max(w.at) FROM alert_event w
            WHERE w.alert_id = v.alert_id AND w.event_id < v.event_id AND w.kind = ANY(%s)) END
  FROM alert_event v JOIN alert a ON a.id = v.alert_id
  JOIN episode e USING (episode_no) JOIN person p USING (person_no)
  LEFT JOIN staff s ON v.kind = 'escalated' AND s.id = v.before #>> '{told,-1}'
 WHERE v.event_id = ANY(%s)"""
_ASKING: Final = (
    Kind.RAISED,
    Kind.ESCALATED,
    Kind.ACKNOWLEDGED,
    Kind.VISITED,
    Kind.ASSIGNED,
)
"""Events from which somebody is asked for the next thing."""


def keep(connection: psycopg.Connection | psycopg.Cursor[Any], now: int) -> None:
    """Brings the subscribers to the roster: new ones begin with the next event."""
    connection.execute(_DROP)
    connection.execute(_KEEP, [to_datetime(now)])


class Directory:
    """Implements the port of `alerts.feeds.notify`. Threads may share it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def member(self, staff: str, events: Sequence[int]) -> Member | None:
        """Somebody's contacts and languages now, and how cases stand."""
        with self._pool.of_service() as connection:
            row = connection.execute(_MEMBER, [staff]).fetchone()
            if row is None:
                return None
            kinds = [each.value for each in _ASKING]
            cases = connection.execute(_CASES, [kinds, [*events]]).fetchall() if events else ()
        return Member(
            contacts=tuple(row[0]),
            languages=tuple(row[1]),
            standings={row[0]: _standing(*row[1:]) for row in cases},
        )


def _standing(response: str, name: str, asked: str | None, asked_at: datetime | None) -> Standing:
    return Standing(
        response=response,
        initials=initials(name),
        asked="" if asked is None else initials(asked),
        asked_at=None if asked_at is None else from_datetime(asked_at),
    )
