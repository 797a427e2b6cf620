"""The newest vital signs of people in care, as stored: what an alert's partial NEWS2 rests on."""

from collections.abc import Mapping
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import dict_row

from alerts.vitals import WITHIN_US, Measured, Vitals
from domain.instant import from_datetime, to_datetime
from domain.reading import CORE_LIKE

_NEWEST: Final[LiteralString] = (
    " LEFT JOIN LATERAL (SELECT {value} AS value, r.measured_at AS at FROM reading r"
    " JOIN device d USING (device_no) WHERE r.episode_no = w.episode_no"
    " AND r.measured_at <= w.until_at AND r.measured_at > w.until_at - %(within)s"
    " AND r.worn IS NOT FALSE AND r.pulse_bpm IS DISTINCT FROM 0 AND {of}"
    " ORDER BY r.measured_at DESC LIMIT 1) {name} ON true"
)
_SIGNS: Final[dict[LiteralString, LiteralString]] = {
    "temperature_cc": (
        "r.temperature_cc IS NOT NULL AND (r.site = ANY(%(sites)s)"
        " OR (r.site IS NULL AND d.site = ANY(%(words)s)))"
    ),
    "pulse_bpm": "r.pulse_bpm > 0 AND coalesce(r.steps, 0) = 0",
    "spo2_pct": "r.spo2_pct IS NOT NULL",
}
_QUERY: Final[LiteralString] = (
    "SELECT w.episode_no, "
    + ", ".join(f"{name}.value AS {name}, {name}.at AS {name}_at" for name in _SIGNS)
    + " FROM unnest(%(episodes)s::int[], %(until)s::timestamptz[]) AS w(episode_no, until_at)"
    + "".join(_NEWEST.format(value=f"r.{name}", of=of, name=name) for name, of in _SIGNS.items())
)


def newest(connection: psycopg.Connection, until: Mapping[int, int]) -> dict[int, Vitals]:
    """By episode: the newest of each sign, not after the instant given for it, nor long before."""
    if not until:
        return {}
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            _QUERY,
            {
                "episodes": list(until),
                "until": [to_datetime(at) for at in until.values()],
                "within": to_datetime(WITHIN_US) - to_datetime(0),
                "sites": [int(site) for site in CORE_LIKE],
                "words": [site.word for site in CORE_LIKE],
            },
        )
        return {row["episode_no"]: _vitals(row) for row in cursor.fetchall()}


def _vitals(row: Mapping[str, Any]) -> Vitals:
    return Vitals(*(_measured(row, name) for name in _SIGNS))


def _measured(row: Mapping[str, Any], name: str) -> Measured | None:
    at = row[f"{name}_at"]
    return None if at is None else Measured(row[name], from_datetime(at))
