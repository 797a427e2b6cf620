"""Readings of one episode for people to look at: as they came, or in buckets for a chart.

Positions are not handed out: what is shown is how far from home a fix was. A quantity that was not
measured is absent. Rules never read from here.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, LiteralString

import numpy as np
import psycopg
from psycopg.rows import dict_row

from alerts.casework import BadCursor, Page, Window
from domain.geo import columns_to_wgs84
from domain.instant import format_rfc3339, from_datetime, to_datetime
from domain.people import Home
from domain.reading import Site
from rules.homes import Homes

COLUMNS: Final[LiteralString] = (
    "r.measured_at AS at, r.received_at, r.device_no, r.digest, d.id AS device,"
    " d.site AS device_site, r.site, r.temperature_cc, r.pulse_bpm, r.spo2_pct, r.steps, r.lat_e7,"
    " r.lon_e7, r.accuracy_dm, r.datum, r.near_home, r.battery_pct, r.charging, r.worn"
)
"""What `items` shows of a reading,"""
SOURCE: Final[LiteralString] = "FROM staff_reading r JOIN device d USING (device_no)"
"""and where it is."""
_RAW: Final = (
    f"SELECT {COLUMNS} {SOURCE} WHERE r.episode_no = %(episode_no)s"
    " AND r.measured_at >= %(from_at)s AND r.measured_at < %(to_at)s"
)
_PAGE: Final = (
    f"{_RAW} AND (%(after_at)s::timestamptz IS NULL OR (r.measured_at, r.device_no, r.digest)"
    " > (%(after_at)s::timestamptz, %(after_device)s::int, %(after_digest)s::bigint))"
    " ORDER BY r.measured_at, r.device_no, r.digest LIMIT %(limit)s"
)
_LAST_FIX: Final = "(array_agg({0} ORDER BY raw.at DESC) FILTER (WHERE lat_e7 IS NOT NULL))[1]"
_BUCKETS: Final = (
    "SELECT date_bin(make_interval(secs => %(step_s)s), raw.at, to_timestamp(0)) AS at,"
    " device_no, site AS digest, device, device_site, site, max(temperature_cc) AS temperature_cc,"
    " round(avg(pulse_bpm) FILTER (WHERE pulse_bpm > 0))::int AS pulse_bpm,"
    " min(spo2_pct) AS spo2_pct, sum(steps) AS steps, bool_or(near_home) AS near_home,"
    f" {_LAST_FIX.format('lat_e7')} AS lat_e7, {_LAST_FIX.format('lon_e7')} AS lon_e7,"
    f" {_LAST_FIX.format('accuracy_dm')} AS accuracy_dm, {_LAST_FIX.format('datum')} AS datum,"
    " min(battery_pct) AS battery_pct, count(*) AS count"
    f" FROM ({_RAW}) AS raw GROUP BY 1, device_no, site, device, device_site"
)
_BUCKET_PAGE: Final = (
    f"SELECT * FROM ({_BUCKETS}) AS bucket WHERE %(after_at)s::timestamptz IS NULL"
    " OR (at, device_no, coalesce(digest, 0))"
    " > (%(after_at)s::timestamptz, %(after_device)s::int, %(after_digest)s::bigint)"
    " ORDER BY at, device_no, coalesce(digest, 0) LIMIT %(limit)s"
)


def readings(
    connection: psycopg.Connection, episode_no: int, home: Home | None, window: Window
) -> Page:
    """Readings in order of time, or buckets of `step_s`. Raises `BadCursor`.

    A bucket holds the highest temperature, the mean pulse, the lowest oxygen and the last fix of
    one device and site.
    """
    arguments = _arguments(episode_no, window) | _opened(window.cursor)
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(_BUCKET_PAGE if window.step_s else _PAGE, arguments)
        rows = cursor.fetchall()
    page = rows[: window.limit]
    return Page(items(page, home), _cursor(page[-1]) if len(rows) > window.limit else None)


def items(rows: Sequence[Mapping[str, Any]], home: Home | None) -> list[dict[str, Any]]:
    """Rows with the columns above as JSON values; what was not measured is absent."""
    return [
        {name: value for name, value in item.items() if value is not None}
        for item in map(_item, rows, distances(rows, home))
    ]


def distances(rows: Sequence[Mapping[str, Any]], home: Home | None) -> list[float | None]:
    """Metres from home of each row with a fix."""
    found: list[float | None] = [None] * len(rows)
    fixes = [index for index, row in enumerate(rows) if row["lat_e7"] is not None]
    if home is None or not fixes:
        return found
    columns = np.array(
        [[rows[index][name] or 0 for name in ("lat_e7", "lon_e7", "datum")] for index in fixes]
    )
    lat, lon = columns_to_wgs84(
        columns[:, 0] / 1e7, columns[:, 1] / 1e7, columns[:, 2].astype(np.uint8)
    )
    slots = np.zeros(len(fixes), dtype=np.int64)
    for index, distance_dm in zip(
        fixes, Homes.of([home], 1).distance_dm(slots, lat, lon).tolist(), strict=True
    ):
        found[index] = distance_dm / 10
    return found


def _arguments(episode_no: int, window: Window) -> dict[str, Any]:
    return {
        "episode_no": episode_no,
        "from_at": to_datetime(window.from_at),
        "to_at": to_datetime(window.to_at),
        "step_s": window.step_s,
        "limit": window.limit + 1,
    }


def _item(row: Mapping[str, Any], distance_m: float | None) -> dict[str, Any]:
    measured = row["temperature_cc"] is not None
    received_at = row.get("received_at")
    return {
        "at": format_rfc3339(from_datetime(row["at"])),
        "received_at": None if received_at is None else format_rfc3339(from_datetime(received_at)),
        "device": row["device"],
        "temperature_c": row["temperature_cc"] / 100 if measured else None,
        "site": _site(row) if measured else None,
        "pulse_bpm": row["pulse_bpm"],
        "spo2_pct": row["spo2_pct"],
        "steps": row["steps"],
        "distance_m": distance_m,
        "accuracy_m": None if row["accuracy_dm"] is None else row["accuracy_dm"] / 10,
        "near_home": row["near_home"],
        "battery_pct": row["battery_pct"],
        "charging": row.get("charging"),
        "worn": row.get("worn"),
        "count": row.get("count"),
    }


def _site(row: Mapping[str, Any]) -> str:
    if row["site"]:
        return Site(row["site"]).word
    return Site.of(row["device_site"]).word if row["device_site"] else Site.UNKNOWN.word


def _cursor(row: Mapping[str, Any]) -> str:
    words = [from_datetime(row["at"]), row["device_no"], str(row["digest"] or 0)]
    return base64.urlsafe_b64encode(json.dumps(words).encode()).decode().rstrip("=")


def _opened(cursor: str | None) -> dict[str, Any]:
    if cursor is None:
        return {"after_at": None, "after_device": None, "after_digest": None}
    try:
        at, device_no, digest = json.loads(
            base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        )
        after_at, after_device, after_digest = to_datetime(int(at)), int(device_no), int(digest)
    except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError) as error:
        raise BadCursor("this cursor was not given out by this service") from error
    if not (0 <= after_device < 2**31 and -(2**63) <= after_digest < 2**63):
        raise BadCursor("this cursor was not given out by this service")
    return {"after_at": after_at, "after_device": after_device, "after_digest": after_digest}
