"""The readings behind an alert: the rows among which `alerts.shown` chooses, and the chosen ones.

Theory of operation. Readings are looked for on both sides of the instants that decide, so that the
cost does not grow with the length of a finding; only its worst reading takes a pass over it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import dict_row

from alerts.shown import MOST, Candidate, Quantity, Telling, choose, late
from domain.instant import DAY_US, from_datetime, to_datetime
from domain.people import Home
from domain.reading import CORE_LIKE
from rules.finding import SiteClass
from store.vitals import COLUMNS, SOURCE, distances, items

_REACH_US: Final = DAY_US
"""How far from an instant that decides its neighbours may be."""
_FIXES: Final = 20_000
"""How many fixes of a finding are measured to find the farthest: two weeks at one a minute."""

_HEARD: Final = " AND r.worn IS NOT FALSE AND r.pulse_bpm IS DISTINCT FROM 0"
_CORE: Final = "(r.site = ANY(%(sites)s) OR (r.site IS NULL AND d.site = ANY(%(words)s)))"
_HAS: Final[Mapping[Quantity | None, LiteralString]] = {
    Quantity.TEMPERATURE: "r.temperature_cc IS NOT NULL AND (%(site_class)s = '' OR"
    f" coalesce({_CORE}, false) = (%(site_class)s = 'core')){_HEARD}",
    Quantity.PULSE: "r.pulse_bpm > 0 AND coalesce(r.steps, 0) = 0 AND r.worn IS NOT FALSE",
    Quantity.OXYGEN: f"r.spo2_pct IS NOT NULL{_HEARD}",
    Quantity.DISTANCE: "(r.lat_e7 IS NOT NULL OR r.near_home)",
    Quantity.BATTERY: "r.battery_pct IS NOT NULL",
    Quantity.WORN: "(r.worn IS NOT NULL OR r.pulse_bpm IS NOT NULL)",
    None: "true",
}
"""Which readings have the quantity a rule judges."""
_FIGURE: Final[Mapping[Quantity, tuple[LiteralString, int]]] = {
    Quantity.TEMPERATURE: ("r.temperature_cc", 100),
    Quantity.PULSE: ("r.pulse_bpm", 1),
    Quantity.OXYGEN: ("r.spo2_pct", 1),
    Quantity.BATTERY: ("r.battery_pct", 1),
}
"""Where it is, and how many of that make one of the unit it is shown in."""

_OF: Final[LiteralString] = "r.episode_no = %(episode_no)s AND d.id = %(device)s AND {has}"
_WITHIN: Final[LiteralString] = (
    " AND r.measured_at >= %(onset_at)s AND r.measured_at <= %(last_at)s"
)
_WORST: Final[LiteralString] = (
    f"SELECT r.measured_at {SOURCE} WHERE {_OF}{_WITHIN}"
    " ORDER BY abs({figure} - %(peak)s), r.measured_at, r.digest LIMIT 1"
)
_FARTHEST: Final[LiteralString] = (
    f"SELECT r.measured_at AS at, r.lat_e7, r.lon_e7, r.datum {SOURCE} WHERE {_OF}{_WITHIN}"
    " AND r.lat_e7 IS NOT NULL ORDER BY r.measured_at, r.digest LIMIT %(fixes)s"
)
_NEAR: Final[LiteralString] = (
    "SELECT DISTINCT ON (near.at, near.digest) near.*"
    " FROM unnest(%(anchors)s::timestamptz[]) AS anchor(at), LATERAL ("
    f"(SELECT {COLUMNS}, r.batch {SOURCE} WHERE {_OF} AND r.measured_at <= anchor.at"
    "  AND r.measured_at > anchor.at - %(reach)s"
    "  ORDER BY r.measured_at DESC, r.digest DESC LIMIT %(side)s)"
    " UNION ALL"
    f" (SELECT {COLUMNS}, r.batch {SOURCE} WHERE {_OF} AND r.measured_at > anchor.at"
    "  AND r.measured_at < anchor.at + %(reach)s"
    "  ORDER BY r.measured_at, r.digest LIMIT %(side)s)"
    ") AS near ORDER BY near.at, near.digest"
)
_LEAST: Final[LiteralString] = (
    "SELECT (SELECT min(o.batch) FROM staff_reading o WHERE o.device_no = %(device_no)s"
    "  AND o.episode_no = %(episode_no)s AND o.measured_at >= w.from_at"
    "  AND o.measured_at < w.until_at) FROM (SELECT u.nth, u.at AS from_at,"
    "  coalesce(lead(u.at) OVER (ORDER BY u.nth), 'infinity') AS until_at"
    "  FROM unnest(%(times)s::timestamptz[]) WITH ORDINALITY AS u(at, nth)) AS w ORDER BY w.nth"
)


def readings(
    connection: psycopg.Connection,
    episode: tuple[int, Home | None],
    device: str,
    said: Telling,
) -> list[dict[str, Any]]:
    """At most `MOST` readings of one device, in order of time, as JSON values.

    Each says which `quantity` the rule judged (none where all count), what it `decides`, and
    whether it came `late`. `episode` is its number and its home.
    """
    episode_no, home = episode
    arguments = _arguments(episode_no, device, said)
    worst_at = _worst_at(connection, home, said, arguments)
    anchors = [said.onset_at, said.last_at, *([] if worst_at is None else [worst_at])]
    arguments |= {"anchors": [to_datetime(at) for at in anchors], "side": MOST}
    rows = _fetch(connection, _NEAR.format(has=_HAS[said.quantity]), arguments)
    found = items(rows, home)
    named = said.quantity
    chosen = choose(
        [
            Candidate(from_datetime(row["at"]), None if named is None else item.get(named.value))
            for row, item in zip(rows, found, strict=True)
        ],
        said,
    )
    came_late = _late(connection, episode_no, [rows[place] for place in chosen])
    extra: dict[str, Any] = {} if named is None else {"quantity": named.value}
    return [
        found[place] | extra | {"decides": [mark.value for mark in why], "late": was_late}
        for (place, why), was_late in zip(chosen.items(), came_late, strict=True)
    ]


def _arguments(episode_no: int, device: str, said: Telling) -> dict[str, Any]:
    known = said.site_class in {SiteClass.CORE, SiteClass.SKIN}
    return {
        "episode_no": episode_no,
        "device": device,
        "onset_at": to_datetime(said.onset_at),
        "last_at": to_datetime(said.last_at),
        "reach": to_datetime(_REACH_US) - to_datetime(0),
        "site_class": said.site_class.value if known else "",
        "sites": [int(site) for site in CORE_LIKE],
        "words": [site.word for site in CORE_LIKE],
        "fixes": _FIXES,
    }


def _worst_at(
    connection: psycopg.Connection, home: Home | None, said: Telling, arguments: Mapping[str, Any]
) -> int | None:
    """When the worst was measured; None where no reading is the worst, or it is not stored."""
    quantity, peak = said.quantity, said.peak
    if quantity is None or peak is None:
        return None
    has = _HAS[quantity]
    if quantity is Quantity.DISTANCE:
        fixes = _fetch(connection, _FARTHEST.format(has=has), arguments)
        away = [
            (abs(distance - peak), row["at"])
            for row, distance in zip(fixes, distances(fixes, home), strict=True)
            if distance is not None
        ]
        return from_datetime(min(away)[1]) if away else None
    figure, per = _FIGURE[quantity]
    query = _WORST.format(has=has, figure=figure)
    found = _fetch(connection, query, {**arguments, "peak": round(peak * per)})
    return from_datetime(found[0]["measured_at"]) if found else None


def _late(
    connection: psycopg.Connection, episode_no: int, rows: Sequence[Mapping[str, Any]]
) -> list[bool]:
    """Of rows of one device, in order of time: whether each came late."""
    if not rows:
        return []
    told = {
        "device_no": rows[0]["device_no"],
        "episode_no": episode_no,
        "times": [row["at"] for row in rows],
    }
    least = [row[0] for row in connection.execute(_LEAST, told).fetchall()]
    batches = [row["batch"] for row in rows]
    # Of two at one instant, the span of the first is empty.
    return late(
        batches, [b if since is None else since for b, since in zip(batches, least, strict=True)]
    )


def _fetch(
    connection: psycopg.Connection, query: LiteralString, arguments: Mapping[str, Any]
) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(query, arguments)
        return cursor.fetchall()
