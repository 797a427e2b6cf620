"""What is stored about where people are, for `alerts.presence`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import dict_row

from alerts.presence import Fix, Sight
from domain.instant import DAY_US, SECOND_US, from_datetime, to_datetime
from domain.reading import Datum
from rules.rulebook import LeftHome
from store.roster import home_of, leave_of

_E7: Final = 10_000_000
_STANDS: Final = "f.episode_no = e.episode_no AND f.ended_at IS NULL AND f.withdrawn_at IS NULL"
_STOOD: Final = (
    "f.episode_no = e.episode_no AND f.withdrawn_at IS NULL AND f.onset_at <= %(at)s"
    " AND (f.ended_at IS NULL OR f.ended_at > %(at)s)"
)
_SIGHTS: Final = (
    "SELECT e.episode_no, e.home, e.leave, fix.*,"
    " (SELECT min(f.onset_at) FROM finding f WHERE {0} AND f.rule = 'left_home')"
    "  AS away_since,"
    " EXISTS (SELECT FROM finding f WHERE {0} AND f.rule = 'device_fault'"
    "  AND f.site_class = 'home') AS wrong_datum,"
    " EXISTS (SELECT FROM finding f WHERE {0} AND f.rule = 'silent') AS silent,"
    " EXISTS (SELECT FROM staff_reading n WHERE n.episode_no = e.episode_no AND n.near_home"
    "  AND n.measured_at <= fix.at AND n.measured_at >= fix.at - %(near)s) AS near,"
    " coalesce((SELECT max(d.interval_s) FROM assignment a JOIN device d USING (device_no)"
    "  WHERE a.episode_no = e.episode_no), 0) AS interval_s"
    " FROM episode e LEFT JOIN LATERAL (SELECT r.measured_at AS at, r.lat_e7, r.lon_e7, r.datum,"
    "  r.accuracy_dm"
    "  FROM staff_last_fix(e.episode_no, %(since)s, {1}, %(limit_dm)s) r) fix ON true"
    " WHERE e.episode_no = ANY(%(episodes)s)"
)
_NOW: Final = _SIGHTS.format(_STANDS, "NULL")
_THEN: Final = _SIGHTS.format(_STOOD, "%(at)s")


def of_episodes(
    connection: psycopg.Connection, episode_nos: Sequence[int], figures: LeftHome, now: int
) -> dict[int, Sight]:
    """By episode, now. Fixes of the last day are looked at."""
    return _seen(connection, _NOW, episode_nos, figures, now)


def as_of(
    connection: psycopg.Connection, episode_nos: Sequence[int], figures: LeftHome, at: int
) -> dict[int, Sight]:
    """By episode, as it was at an instant, by all that has been measured since."""
    return _seen(connection, _THEN, episode_nos, figures, at)


def _seen(
    connection: psycopg.Connection,
    statement: LiteralString,
    episode_nos: Sequence[int],
    figures: LeftHome,
    at: int,
) -> dict[int, Sight]:
    if not episode_nos:
        return {}
    near_us = figures.near_home_s * SECOND_US
    asked = {
        "episodes": list(episode_nos),
        "since": to_datetime(at - DAY_US),
        # A fix worse than that says nothing (contract section 5).
        "limit_dm": figures.accuracy_limit_dm,
        "at": to_datetime(at),
        "near": to_datetime(near_us) - to_datetime(0),
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(statement, asked)
        return {row["episode_no"]: _sight(row) for row in cursor.fetchall()}


def _sight(row: Mapping[str, Any]) -> Sight:
    return Sight(
        home=home_of(row["home"]),
        fix=None if row["at"] is None else _fix(row),
        away_since=None if row["away_since"] is None else from_datetime(row["away_since"]),
        wrong_datum=row["wrong_datum"],
        silent=row["silent"],
        interval_s=row["interval_s"],
        leave=leave_of(row["leave"] or ()),
    )


def _fix(row: Mapping[str, Any]) -> Fix:
    known = row["lat_e7"] is not None
    return Fix(
        at=from_datetime(row["at"]),
        near_home=row["near"],
        lat=row["lat_e7"] / _E7 if known else None,
        lon=row["lon_e7"] / _E7 if known else None,
        datum=Datum(row["datum"] or 0),
        accuracy_dm=row["accuracy_dm"],
    )
