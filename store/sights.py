"""What is stored about where people are, for `alerts.presence`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from alerts.presence import Fix, Sight
from domain.instant import DAY_US, SECOND_US, from_datetime, to_datetime
from domain.reading import Datum
from rules.rulebook import LeftHome
from store.roster import home_of, leave_of

_E7: Final = 10_000_000
_USABLE: Final = (
    "(r.near_home OR (r.lat_e7 IS NOT NULL AND coalesce(r.accuracy_dm, 0) <= %(limit_dm)s))"
)
"""A fix worse than the rulebook's limit says nothing (contract section 5)."""
_STANDS: Final = "f.episode_no = e.episode_no AND f.ended_at IS NULL AND f.withdrawn_at IS NULL"
_SIGHTS: Final = (
    "SELECT e.episode_no, e.home, e.leave, fix.*,"
    f" (SELECT min(f.onset_at) FROM finding f WHERE {_STANDS} AND f.rule = 'left_home')"
    "  AS away_since,"
    f" EXISTS (SELECT FROM finding f WHERE {_STANDS} AND f.rule = 'device_fault'"
    "  AND f.site_class = 'home') AS wrong_datum,"
    f" EXISTS (SELECT FROM finding f WHERE {_STANDS} AND f.rule = 'silent') AS silent,"
    " EXISTS (SELECT FROM reading n WHERE n.episode_no = e.episode_no AND n.near_home"
    "  AND n.measured_at <= fix.at AND n.measured_at >= fix.at - %(near)s) AS near,"
    " coalesce((SELECT max(d.interval_s) FROM assignment a JOIN device d USING (device_no)"
    "  WHERE a.episode_no = e.episode_no), 0) AS interval_s"
    " FROM episode e LEFT JOIN LATERAL (SELECT r.measured_at AS at, r.lat_e7, r.lon_e7, r.datum,"
    "  r.accuracy_dm FROM reading r WHERE r.episode_no = e.episode_no"
    f"  AND r.measured_at > %(since)s AND {_USABLE}"
    "  ORDER BY r.measured_at DESC, r.digest DESC LIMIT 1) fix ON true"
    " WHERE e.episode_no = ANY(%(episodes)s)"
)


def of_episodes(
    connection: psycopg.Connection, episode_nos: Sequence[int], figures: LeftHome, now: int
) -> dict[int, Sight]:
    """By episode. Fixes of the last day are looked at."""
    if not episode_nos:
        return {}
    near_us = figures.near_home_s * SECOND_US
    asked = {
        "episodes": list(episode_nos),
        "since": to_datetime(now - DAY_US),
        "limit_dm": figures.accuracy_limit_dm,
        "near": to_datetime(near_us) - to_datetime(0),
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(_SIGHTS, asked)
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
