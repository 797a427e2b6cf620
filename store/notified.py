"""Who is notified: a subscriber for each member of staff with contacts, and what is said of cases.

The contacts themselves stay in `staff` and are read at each sending. Names are read here to be made
initials of, and go no further.
"""

from collections.abc import Sequence
from typing import Any, Final

import psycopg

from alerts.notification import Member, Standing, initials
from domain.instant import to_datetime
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
SELECT a.id, a.response, p.name
  FROM alert a JOIN episode e USING (episode_no) JOIN person p USING (person_no)
 WHERE a.id = ANY(%s)"""


def keep(connection: psycopg.Connection | psycopg.Cursor[Any], now: int) -> None:
    """Brings the subscribers to the roster: new ones begin with the next event."""
    connection.execute(_DROP)
    connection.execute(_KEEP, [to_datetime(now)])


class Directory:
    """Implements the port of `alerts.feeds.notify`. Threads may share it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def member(self, staff: str, alerts: Sequence[str]) -> Member | None:
        """Somebody's contacts and languages now, and how cases stand."""
        with self._pool.of_service() as connection:
            row = connection.execute(_MEMBER, [staff]).fetchone()
            if row is None:
                return None
            cases = connection.execute(_CASES, [list(alerts)]).fetchall() if alerts else ()
        return Member(
            contacts=tuple(row[0]),
            languages=tuple(row[1]),
            standings={id_: Standing(response, initials(name)) for id_, response, name in cases},
        )
