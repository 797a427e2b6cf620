"""The roster in the database, as ingestion needs it: numbers, homes, thresholds, assignments.

Reads no names, phones or addresses. Writing is in `store.roster_import`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, LiteralString

import psycopg

from domain.instant import DAY_US, parse_rfc3339, to_datetime
from domain.people import Assignment, Device, Episode, Home, LeaveWindow, Roster, Threshold
from domain.reading import DATUM_BY_WORD, Site, centi
from domain.tables import AssignmentTable, DeviceTable, EpisodeTable, Tables
from domain.texts import PAGE

KEPT_AFTER_END_US: Final = 31 * DAY_US
"""Episodes stay in memory so long after their end: a reading may be 30 days late."""


_ZONES: Final = "SELECT g.grid_no, c.timezone FROM grid g JOIN community c USING (community_no)"
_BEFORE: Final = (
    "SELECT b.episode_no, b.what, (extract(epoch FROM b.until_at) * 1000000)::bigint, b.value"
    " FROM episode_before b JOIN episode e USING (episode_no) WHERE e.ends_at > %s"
    " ORDER BY b.episode_no, b.what, b.until_at"
)
_NOTHING: Final[Mapping[Site, Threshold]] = MappingProxyType({})
_ALL_DEVICES: Final = "FROM device"
_ALL_EPISODES: Final = "FROM episode e JOIN person p USING (person_no) WHERE e.ends_at > %s"
_ALL_ASSIGNMENTS: Final = "FROM assignment a JOIN episode e USING (episode_no) WHERE e.ends_at > %s"


def version(connection: psycopg.Connection) -> int:
    """The newest roster version; 0 before the first import."""
    row = connection.execute("SELECT coalesce(max(version), 0) FROM roster_version").fetchone()
    assert row is not None
    return int(row[0])


def load(connection: psycopg.Connection, now: int) -> Roster:
    """The roster at its newest version, without episodes that ended long ago. One snapshot.

    It is read a page at a time into tables, so that a million people never are a million objects.
    """
    since = to_datetime(now - KEPT_AFTER_END_US)
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        # Every row is fetched, so plan for the last one and not for the first.
        connection.execute("SET LOCAL cursor_tuple_fraction = 1")
        connection.execute("SET LOCAL work_mem = '64MB'")
        tables = Tables(
            devices=DeviceTable(_devices(connection), _count(connection, _ALL_DEVICES)),
            episodes=EpisodeTable(
                _episodes(connection, since), _count(connection, _ALL_EPISODES, since)
            ),
            assignments=AssignmentTable(
                _assignments(connection, since), _count(connection, _ALL_ASSIGNMENTS, since)
            ),
        )
        return tables.roster(version(connection))


def _count(connection: psycopg.Connection, of: LiteralString, *values: object) -> int:
    row = connection.execute("SELECT count(*) " + of, values).fetchone()
    assert row is not None
    return int(row[0])


def _rows(
    connection: psycopg.Connection, query: LiteralString, *values: object
) -> Iterator[tuple[Any, ...]]:
    """A page at a time from the server: a whole result would be in memory at once."""
    with connection.cursor("roster", binary=True) as cursor:
        cursor.execute(query, values)
        while rows := cursor.fetchmany(PAGE):
            yield from rows


def _devices(connection: psycopg.Connection) -> Iterator[Device]:
    query: LiteralString = (
        "SELECT device_no, id, model, site, interval_s, spot " + _ALL_DEVICES + " ORDER BY 1"
    )
    sites: dict[str | None, Site] = {None: Site.NOT_GIVEN, "": Site.NOT_GIVEN}
    for no, id_, model, site, interval_s, spot in _rows(connection, query):
        if site not in sites:
            sites[site] = Site.of(site)
        yield Device(no, id_, model, sites[site], interval_s, spot)


def _episodes(connection: psycopg.Connection, since: datetime) -> Iterator[Episode]:
    # What most people have not, or all alike, comes as NULL or as a column: JSON is dear to read.
    query: LiteralString = (
        "SELECT e.episode_no, e.id, round(date_part('epoch', e.starts_at) * 1000000)::bigint,"
        " round(date_part('epoch', e.ends_at) * 1000000)::bigint,"
        " CASE WHEN e.home ? 'polygon' THEN e.home END, e.home->>'datum',"
        " (e.home->'lat')::float8, (e.home->'lon')::float8, (e.home->'radius_m')::float8,"
        " p.birth_year, nullif(p.flags, '{}'), nullif(e.thresholds, '{}'), nullif(e.leave, '[]'),"
        " e.grid_no " + _ALL_EPISODES + " ORDER BY 1"
    )
    homes, fevers = _before(connection, since)
    zones: dict[int, str] = dict(connection.execute(_ZONES).fetchall())
    for no, id_, starts_at, ends_at, fenced, datum, *place, born, flags, own, leave, grid in _rows(
        connection, query, since
    ):
        circle = None if datum is None else Home(DATUM_BY_WORD[datum], *place)
        yield Episode(
            no=no,
            id=id_,
            starts_at=starts_at,
            ends_at=ends_at,
            home=circle if fenced is None else home_of(fenced),
            birth_year=born,
            flags=tuple(flags or ()),
            fever=fever_of(own) if own else _NOTHING,
            leave=leave_of(leave) if leave else (),
            homes_before=tuple(homes[no]) if no in homes else (),
            fever_before=tuple(fevers[no]) if no in fevers else (),
            timezone=zones[grid],
        )


def _before(
    connection: psycopg.Connection, since: datetime
) -> tuple[
    dict[int, list[tuple[int, Home | None]]], dict[int, list[tuple[int, Mapping[Site, Threshold]]]]
]:
    """What homes and thresholds were before they were corrected, by episode. Few were."""
    homes: dict[int, list[tuple[int, Home | None]]] = {}
    fevers: dict[int, list[tuple[int, Mapping[Site, Threshold]]]] = {}
    for no, what, until_at, value in connection.execute(_BEFORE, [since]):
        if what == "home":
            homes.setdefault(no, []).append((until_at, home_of(value)))
        else:
            fevers.setdefault(no, []).append((until_at, fever_of(value)))
    return homes, fevers


def _assignments(connection: psycopg.Connection, since: datetime) -> Iterator[Assignment]:
    query: LiteralString = (
        "SELECT a.device_no, a.episode_no, round(date_part('epoch', a.from_at) * 1000000)::bigint,"
        " round(date_part('epoch', a.to_at) * 1000000)::bigint "
        + _ALL_ASSIGNMENTS
        + " ORDER BY a.device_no, a.from_at"
    )
    return (Assignment(*row) for row in _rows(connection, query, since))


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


def leave_of(stored: Sequence[Mapping[str, str]]) -> tuple[LeaveWindow, ...]:
    """The times a person may be away."""
    return tuple(
        LeaveWindow(parse_rfc3339(each["from"]), parse_rfc3339(each["to"]), each["why"])
        for each in stored
    )


def _threshold(entry: float | Mapping[str, Any]) -> Threshold:
    if not isinstance(entry, Mapping):
        return Threshold(centi(entry), "person")
    expires_at = entry.get("expires_at")
    return Threshold(
        centi(entry["value_c"]),
        entry.get("origin") or "person",
        None if expires_at is None else parse_rfc3339(expires_at),
    )
