"""A roster of any size, put into the tables directly: the import is not what is measured."""

from typing import Final

import psycopg

from bench.load import HOME
from domain.instant import DAY_US, to_datetime

STAFF: Final = "dr-bench"
PROBES: Final = "probe-{:06d}"

_STATEMENTS: Final = (
    "INSERT INTO community (id, name, timezone) VALUES ('c-01', 'bench', 'Asia/Shanghai')",
    (
        "INSERT INTO grid (id, community_no, name)"
        " SELECT 'grid-' || n, community_no, 'bench' FROM community, generate_series(1, 100) n"
    ),
    "INSERT INTO staff (id, name, role) VALUES (%(staff)s, %(staff)s, 'supervisor')",
    "INSERT INTO staff_grid SELECT staff_no, grid_no FROM staff, grid",
    (
        "INSERT INTO person (id, name, birth_year)"
        " SELECT 'p-' || n, 'p-' || n, 1950 + n %% 50 FROM generate_series(0, %(last)s) n"
    ),
    (
        "INSERT INTO device (id, model, site, interval_s, spot)"
        " SELECT 'w-' || lpad(n::text, 7, '0'), 'band-a', 'wrist', 60, false"
        " FROM generate_series(0, %(last_band)s) n"
    ),
    (
        "INSERT INTO device (id, model, site, interval_s, spot)"
        " SELECT 'probe-' || lpad(n::text, 6, '0'), 'spot-a', 'axillary', 86400, true"
        " FROM generate_series(0, %(last_probe)s) n"
    ),
    (
        "INSERT INTO episode (id, person_no, grid_no, building, starts_at, ends_at, home)"
        " SELECT 'e' || substr(id, 2), person_no, 1 + person_no %% 100, (person_no %% 40)::text,"
        " %(starts_at)s, %(ends_at)s, jsonb_build_object('lat', %(lat)s::float8, 'lon',"
        " %(lon)s::float8, 'radius_m', 50, 'datum', 'wgs84') FROM person"
    ),
    # Numbers are given in order: person, episode and device of one wearer have the same.
    (
        "INSERT INTO assignment (device_no, episode_no, from_at)"
        " SELECT device_no, device_no, %(starts_at)s FROM device"
    ),
    "INSERT INTO roster_version VALUES (1, %(starts_at)s, '{}')",
    "ANALYZE",
)
MANY: Final = 100_000
"""From so many on, the index that keeps a device from being worn twice is left out: it takes
minutes to fill and is not used by what is measured; nor are foreign keys looked up."""


def fill(database_url: str, now: int, bands: int, probes: int = 0) -> None:
    """`bands` wearers of bands, and `probes` more with spot thermometers."""
    values = {
        "staff": STAFF,
        "last": bands + probes - 1,
        "last_band": bands - 1,
        "last_probe": probes - 1,
        "starts_at": to_datetime(now - 7 * DAY_US),
        "ends_at": to_datetime(now + 7 * DAY_US),
        "lat": HOME[0],
        "lon": HOME[1],
    }
    with psycopg.connect(database_url) as connection:
        if bands >= MANY:
            connection.execute("ALTER TABLE assignment DROP CONSTRAINT device_worn_once")
            connection.execute("SET LOCAL session_replication_role = replica")
        for statement in _STATEMENTS:
            connection.execute(statement, values)
