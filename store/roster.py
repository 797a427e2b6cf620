"""The roster in the database, as ingestion needs it: numbers, homes, thresholds, assignments.

Reads no names, phones or addresses. Writing is in `store.roster_import`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from domain.instant import DAY_US, from_datetime, parse_rfc3339, to_datetime
from domain.people import Assignment, Device, Episode, Home, LeaveWindow, Roster, Threshold
from domain.reading import DATUM_BY_WORD, Site, centi

KEPT_AFTER_END_US: Final = 31 * DAY_US
"""Episodes stay in memory so long after their end: a reading may be 30 days late."""


def version(connection: psycopg.Connection) -> int:
    """The newest roster version; 0 before the first import."""
    row = connection.execute("SELECT coalesce(max(version), 0) FROM roster_version").fetchone()
    assert row is not None
    return int(row[0])


def load(connection: psycopg.Connection, now: int) -> Roster:
    """The roster at its newest version, without episodes that ended long ago. One snapshot."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        episodes = _episodes(connection, now)
        return Roster(
            version=version(connection),
            devices=_devices(connection),
            episodes=episodes,
            assignments=_assignments(connection, episodes),
        )


def _devices(connection: psycopg.Connection) -> dict[str, Device]:
    rows = connection.execute("SELECT device_no, id, model, site, interval_s, spot FROM device")
    return {
        id_: Device(no, id_, model, Site.of(site) if site else Site.NOT_GIVEN, interval_s, spot)
        for no, id_, model, site, interval_s, spot in rows
    }


def _episodes(connection: psycopg.Connection, now: int) -> dict[int, Episode]:
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            "SELECT e.episode_no, e.id, p.id AS person, g.id AS grid, c.id AS community,"
            " e.building,"
            " e.starts_at, e.ends_at, e.home, e.thresholds, e.leave, p.birth_year, p.flags"
            " FROM episode e JOIN person p USING (person_no) JOIN grid g USING (grid_no)"
            " JOIN community c USING (community_no) WHERE e.ends_at > %s",
            [to_datetime(now - KEPT_AFTER_END_US)],
        )
        return {row["episode_no"]: _episode(row) for row in cursor}


def _episode(row: Mapping[str, Any]) -> Episode:
    return Episode(
        no=row["episode_no"],
        id=row["id"],
        person=row["person"],
        grid=row["grid"],
        community=row["community"],
        building=row["building"],
        starts_at=from_datetime(row["starts_at"]),
        ends_at=from_datetime(row["ends_at"]),
        home=home_of(row["home"]),
        birth_year=row["birth_year"],
        flags=tuple(row["flags"]),
        fever=fever_of(row["thresholds"]),
        leave=tuple(
            LeaveWindow(parse_rfc3339(leave["from"]), parse_rfc3339(leave["to"]), leave["why"])
            for leave in row["leave"]
        ),
    )


def home_of(stored: Mapping[str, Any] | None) -> Home | None:
    """The home an `episode.home` column holds."""
    if stored is None:
        return None
    datum = DATUM_BY_WORD[stored["datum"]]
    if "polygon" in stored:
        corners = tuple((lat, lon) for lat, lon in stored["polygon"])
        return Home(datum, corners[0][0], corners[0][1], 0.0, corners)
    return Home(datum, stored["lat"], stored["lon"], stored["radius_m"])


def fever_of(stored: Mapping[str, Any]) -> dict[Site, Threshold]:
    """A person's own thresholds; a bare number is for axillary and forehead (contract 4)."""
    given = stored.get("fever_c")
    if given is None:
        return {}
    if not isinstance(given, Mapping) or "value_c" in given:
        given = {"axillary": given, "forehead": given}
    return {Site.of(word): _threshold(entry) for word, entry in given.items()}


def _threshold(entry: float | Mapping[str, Any]) -> Threshold:
    if not isinstance(entry, Mapping):
        return Threshold(centi(entry), "person")
    expires_at = entry.get("expires_at")
    return Threshold(
        centi(entry["value_c"]),
        entry.get("origin") or "person",
        None if expires_at is None else parse_rfc3339(expires_at),
    )


def _assignments(
    connection: psycopg.Connection, episodes: Mapping[int, Episode]
) -> dict[int, tuple[Assignment, ...]]:
    found: dict[int, list[Assignment]] = {}
    rows = connection.execute(
        "SELECT device_no, episode_no, from_at, to_at FROM assignment ORDER BY device_no, from_at"
    )
    for device_no, episode_no, from_at, to_at in rows:
        if episode_no in episodes:
            found.setdefault(device_no, []).append(
                Assignment(device_no, episode_no, from_datetime(from_at), _instant(to_at))
            )
    return {device_no: tuple(worn) for device_no, worn in found.items()}


def _instant(moment: datetime | None) -> int | None:
    return None if moment is None else from_datetime(moment)
