"""What is stored about where people are, for `alerts.presence`: no position leaves here."""

from collections.abc import Sequence
from typing import Final, LiteralString

import psycopg
from psycopg.rows import dict_row

from alerts.presence import Sight
from domain.instant import DAY_US, from_datetime, to_datetime
from store.roster import leave_of

_USABLE: Final = "(r.near_home OR (r.lat_e7 IS NOT NULL AND coalesce(r.accuracy_dm, 0) <= 5000))"
"""A fix worse than 500 m says nothing (contract section 5)."""
_STANDS: Final = "f.episode_no = e.episode_no AND f.ended_at IS NULL AND f.withdrawn_at IS NULL"
_STOOD: Final = (
    "f.episode_no = e.episode_no AND f.withdrawn_at IS NULL AND f.onset_at <= %(at)s"
    " AND (f.ended_at IS NULL OR f.ended_at > %(at)s)"
)
_SIGHTS: Final = (
    "SELECT e.episode_no, e.home IS NOT NULL AS has_home, e.leave, fix.at AS fix_at,"
    " (SELECT min(f.onset_at) FROM finding f WHERE {0} AND f.rule = 'left_home') AS away_since,"
    " EXISTS (SELECT FROM finding f WHERE {0} AND f.rule = 'silent') AS silent,"
    " coalesce((SELECT max(d.interval_s) FROM assignment a JOIN device d USING (device_no)"
    "  WHERE a.episode_no = e.episode_no), 0) AS interval_s"
    " FROM episode e LEFT JOIN LATERAL (SELECT r.measured_at AS at FROM reading r"
    "  WHERE r.episode_no = e.episode_no AND r.measured_at > %(since)s"
    f"  AND {_USABLE} {{1}} ORDER BY r.measured_at DESC LIMIT 1) fix ON true"
    " WHERE e.episode_no = ANY(%(episodes)s)"
)
_NOW: Final = _SIGHTS.format(_STANDS, "")
_THEN: Final = _SIGHTS.format(_STOOD, "AND r.measured_at <= %(at)s")


def of_episodes(
    connection: psycopg.Connection, episode_nos: Sequence[int], now: int
) -> dict[int, Sight]:
    """By episode, now. Fixes of the last day are looked at."""
    return _seen(connection, _NOW, episode_nos, now)


def as_of(connection: psycopg.Connection, episode_nos: Sequence[int], at: int) -> dict[int, Sight]:
    """By episode, as it was at an instant, by all that has been measured since."""
    return _seen(connection, _THEN, episode_nos, at)


def _seen(
    connection: psycopg.Connection, statement: LiteralString, episode_nos: Sequence[int], at: int
) -> dict[int, Sight]:
    if not episode_nos:
        return {}
    arguments = {
        "episodes": list(episode_nos),
        "since": to_datetime(at - DAY_US),
        "at": to_datetime(at),
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(statement, arguments)
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
