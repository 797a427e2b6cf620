"""What is asked about canaries beside their way: who has them, who is told, and their signals."""

from collections.abc import Collection, Sequence
from typing import Final

import psycopg

from alerts.canary_watch import Cut, Grid, Hop
from alerts.technical import Keeper
from domain.instant import to_datetime
from store.pool import Pool

_GRIDS: Final = (
    "SELECT g.grid_no, g.id FROM grid g WHERE EXISTS (SELECT FROM episode e"
    " WHERE e.grid_no = g.grid_no AND e.starts_at <= %(now)s AND e.ends_at > %(now)s)"
    " ORDER BY g.grid_no"
)
_KEEPERS: Final = """
SELECT s.id, s.contacts, s.languages,
       ARRAY(SELECT g.grid_no FROM grid g WHERE g.escalate_to = s.id
                OR g.grid_no IN (SELECT grid_no FROM staff_grid WHERE staff_no = s.staff_no)
                OR g.community_no IN (
                    SELECT community_no FROM staff_community WHERE staff_no = s.staff_no))
  FROM staff s WHERE s.role IN ('supervisor', 'admin') AND s.contacts <> '[]' ORDER BY s.id"""
_BEGIN: Final = (
    "INSERT INTO signal (kind, began_at, detail, subject, grid_nos) VALUES (%s, %s, %s, %s, %s)"
    " ON CONFLICT (kind, subject) WHERE ended_at IS NULL DO UPDATE"
    " SET detail = excluded.detail, grid_nos = excluded.grid_nos"
    " WHERE (signal.detail, signal.grid_nos) IS DISTINCT FROM (excluded.detail, excluded.grid_nos)"
)
_END: Final = "UPDATE signal SET ended_at = %s WHERE ended_at IS NULL AND subject = ANY(%s)"
_END_ALL: Final = (
    "UPDATE signal SET ended_at = %s WHERE ended_at IS NULL AND subject LIKE 'canary:%%'"
)


class CanaryDesk:
    """Implements the port of `alerts.feeds.canaries`. Threads may share it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def grids(self, now: int) -> list[Grid]:
        """Those in which somebody is under care now."""
        with self._pool.of_service() as connection:
            rows = connection.execute(_GRIDS, {"now": to_datetime(now)}).fetchall()
        return [Grid(no, id_) for no, id_ in rows]

    def keepers(self) -> list[Keeper]:
        """Supervisors and admins with contacts, and the grids they answer for."""
        with self._pool.of_service() as connection:
            rows = connection.execute(_KEEPERS).fetchall()
        return [
            Keeper(id_, tuple(contacts), tuple(languages), frozenset(grid_nos))
            for id_, contacts, languages, grid_nos in rows
        ]

    def keep(self, cuts: Sequence[Cut], opened: Collection[Hop], now: int) -> None:
        """Has a signal stand for each of these cuts, and none for hops that are open."""
        at = to_datetime(now)
        with self._pool.of_service() as connection, connection.transaction():
            for cut in cuts:
                grid_nos = None if cut.everybody else [grid.no for grid in cut.grids]
                row = [cut.kind.value, at, cut.detail, cut.subject, grid_nos]
                connection.execute(_BEGIN, row)
            connection.execute(_END, [at, [hop.subject for hop in opened]])


def end_signals(connection: psycopg.Connection, now: int) -> None:
    """Nothing is said of canaries any more: they are switched off."""
    connection.execute(_END_ALL, [to_datetime(now)])
