"""What is stored about where people are, for `alerts.presence`: no position leaves here."""

from collections.abc import Sequence
from typing import Final

import psycopg
from psycopg.rows import dict_row

from alerts.presence import Sight
from domain.instant import DAY_US, from_datetime, to_datetime
from store.roster import leave_of

_WORST_FIX_DM: Final = 5_000
"""A fix worse than 500 m says nothing (contract section 5)."""
_STANDS: Final = "f.episode_no = e.episode_no AND f.ended_at IS NULL AND f.withdrawn_at IS NULL"
_SIGHTS: Final = (
    "SELECT e.episode_no, e.home IS NOT NULL AS has_home, e.leave,"
    " staff_fix_at(e.episode_no, %(since)s, %(worst_dm)s) AS fix_at,"
    f" (SELECT min(f.onset_at) FROM finding f WHERE {_STANDS} AND f.rule = 'left_home')"
    "  AS away_since,"
    f" EXISTS (SELECT FROM finding f WHERE {_STANDS} AND f.rule = 'silent') AS silent,"
    " coalesce((SELECT max(d.interval_s) FROM assignment a JOIN device d USING (device_no)"
    "  WHERE a.episode_no = e.episode_no), 0) AS interval_s"
    " FROM episode e WHERE e.episode_no = ANY(%(episodes)s)"
)


def of_episodes(
    connection: psycopg.Connection, episode_nos: Sequence[int], now: int
) -> dict[int, Sight]:
    """By episode. Fixes of the last day are looked at."""
    if not episode_nos:
        return {}
    with connection.cursor(row_factory=dict_row) as cursor:
        since = to_datetime(now - DAY_US)
        cursor.execute(
            _SIGHTS, {"episodes": list(episode_nos), "since": since, "worst_dm": _WORST_FIX_DM}
        )
        return {
            row["episode_no"]: Sight(
                has_home=row["has_home"],
                fix_at=None if row["fix_at"] is None else from_datetime(row["fix_at"]),
                away_since=None if row["away_since"] is None else from_datetime(row["away_since"]),
                silent=row["silent"],
                interval_s=row["interval_s"],
                leave=leave_of(row["leave"] or ()),
            )
            for row in cursor.fetchall()
        }
