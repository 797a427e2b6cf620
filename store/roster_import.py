"""Imports and exports the roster file: all or nothing, merged by id, each import a new version.

An object that is already there keeps what the file does not mention; nothing ends by omission, only
by `ends_at` and `to`. Numbers (`device_no`, ...) are given once and never change.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from domain.instant import DAY_US, from_datetime, to_datetime
from store import corrections, notified
from store.errors import translated
from store.roster_document import (
    SECTIONS,
    Document,
    RosterRefused,
    dangling,
    parse,
    told_twice,
)

_LOCK: Final = 0x526F7374  # "Rost"

EFFECTIVE_WITHIN_US: Final = 31 * DAY_US
"""No reading that is older is accepted (contract section 3), so that nothing could be judged."""

_IN_ORDER: Final = " ORDER BY 1, 2, 3"
"""By id, or by device, episode and time: two exports of one roster are the same text."""

_SELECT: Final[dict[str, LiteralString]] = {
    "communities": "SELECT id, name, timezone FROM community",
    "grids": "SELECT g.id, c.id AS community, g.name, g.escalate_to"
    " FROM grid g JOIN community c USING (community_no)",
    "staff": "SELECT id, name, role, languages, contacts, shifts, digest,"
    " ARRAY(SELECT g.id FROM staff_grid sg JOIN grid g USING (grid_no)"
    "  WHERE sg.staff_no = s.staff_no ORDER BY g.id) AS grids,"
    " ARRAY(SELECT c.id FROM staff_community sc JOIN community c USING (community_no)"
    "  WHERE sc.staff_no = s.staff_no ORDER BY c.id) AS communities FROM staff s",
    "people": "SELECT id, name, birth_year, phone, address, flags FROM person",
    "devices": "SELECT id, model, site, interval_s, spot FROM device",
    "episodes": "SELECT e.id, p.id AS person, g.id AS grid, building, starts_at, ends_at, home,"
    " thresholds, leave FROM episode e JOIN person p USING (person_no) JOIN grid g USING (grid_no)",
    "assignments": 'SELECT d.id AS device, e.id AS episode, from_at AS "from", to_at AS "to"'
    " FROM assignment a JOIN device d USING (device_no) JOIN episode e USING (episode_no)",
}


def import_document(connection: psycopg.Connection, document: Any, now: int) -> int:
    """Writes a roster file's content and returns the new version.

    Raises `RosterRefused`, having changed nothing.
    """
    if not isinstance(document, Mapping):
        raise RosterRefused([("", "a roster is a JSON object")])
    if contradictions := list(told_twice(document)):
        raise RosterRefused(contradictions)
    with translated(), connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        whole = {key: _merged(cursor, key, items) for key, items in document.items()}
        roster = parse(whole)
        _add_default_community(roster)
        problems = list(dangling(roster, _known(cursor)))
        if problems:
            raise RosterRefused(problems)
        effective_at = _effective_at(roster, now)
        corrections.remember(
            cursor,
            [episode.id for episode in roster.episodes],
            [assignment.device for assignment in roster.assignments],
        )
        _write(cursor, roster)
        corrections.keep(cursor, effective_at)
        version = _new_version(cursor, roster, effective_at)
        corrections.ask(cursor, effective_at, version)
        notified.keep(cursor, now)
        return version


def _effective_at(roster: Document, now: int) -> int:
    """From when homes and thresholds hold."""
    if roster.effective_at is None:
        return now
    effective_at = from_datetime(roster.effective_at)
    if not now - EFFECTIVE_WITHIN_US <= effective_at <= now:
        raise RosterRefused([("/effective_at", "must be in the past 31 days")])
    return effective_at


def export_document(connection: psycopg.Connection) -> dict[str, list[dict[str, Any]]]:
    """The whole roster as a file's content, JSON values only."""
    with translated(), connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        return {
            section: [_plain(row) for row in cursor.execute(query + _IN_ORDER).fetchall()]
            for section, query in _SELECT.items()
        }


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        if isinstance(value, datetime)
        else value
        for key, value in row.items()
    }


def _merged(cursor: psycopg.Cursor[dict[str, Any]], section: str, items: Any) -> Any:
    """The file's objects laid over what the database has of them."""
    if section not in SECTIONS or section == "assignments" or not isinstance(items, list):
        return items
    ids = [
        item["id"]
        for item in items
        if isinstance(item, Mapping) and isinstance(item.get("id"), str)
    ]
    query = sql.SQL("SELECT * FROM ({}) AS whole WHERE id = ANY(%s)").format(
        sql.SQL(_SELECT[section])
    )
    have = {row["id"]: _plain(row) for row in cursor.execute(query, [ids]).fetchall()}
    return [
        {**have.get(item.get("id"), {}), **item} if isinstance(item, Mapping) else item
        for item in items
    ]


def _add_default_community(roster: Document) -> None:
    if any(grid.community == "default" for grid in roster.grids) and not any(
        community.id == "default" for community in roster.communities
    ):
        roster.communities.extend(parse({"communities": [{"id": "default"}]}).communities)


def _known(cursor: psycopg.Cursor[dict[str, Any]]) -> dict[str, set[str]]:
    tables = {
        "communities": "community",
        "grids": "grid",
        "staff": "staff",
        "people": "person",
        "devices": "device",
        "episodes": "episode",
    }
    return {
        section: {
            row["id"]
            for row in cursor.execute(sql.SQL("SELECT id FROM {}").format(sql.Identifier(table)))
        }
        for section, table in tables.items()
    }


_UPSERT: Final[dict[str, LiteralString]] = {
    "communities": "INSERT INTO community (id, name, timezone)"
    " VALUES (%(id)s, %(name)s, %(timezone)s)"
    " ON CONFLICT (id) DO UPDATE SET name = excluded.name, timezone = excluded.timezone",
    "grids": "INSERT INTO grid (id, community_no, name, escalate_to)"
    " VALUES (%(id)s, (SELECT community_no FROM community WHERE id = %(community)s),"
    "  %(name)s, %(escalate_to)s)"
    " ON CONFLICT (id) DO UPDATE SET community_no = excluded.community_no,"
    "  name = excluded.name, escalate_to = excluded.escalate_to",
    "staff": "INSERT INTO staff (id, name, role, languages, contacts, shifts, digest)"
    " VALUES (%(id)s, %(name)s, %(role)s, %(languages)s, %(contacts)s, %(shifts)s, %(digest)s)"
    " ON CONFLICT (id) DO UPDATE SET name = excluded.name, role = excluded.role,"
    "  languages = excluded.languages, contacts = excluded.contacts, shifts = excluded.shifts,"
    "  digest = excluded.digest",
    "people": "INSERT INTO person (id, name, birth_year, phone, address, flags)"
    " VALUES (%(id)s, %(name)s, %(birth_year)s, %(phone)s, %(address)s, %(flags)s)"
    " ON CONFLICT (id) DO UPDATE SET name = excluded.name, birth_year = excluded.birth_year,"
    "  phone = excluded.phone, address = excluded.address, flags = excluded.flags",
    "devices": "INSERT INTO device (id, model, site, interval_s, spot)"
    " VALUES (%(id)s, %(model)s, %(site)s, %(interval_s)s, %(spot)s)"
    " ON CONFLICT (id) DO UPDATE SET model = excluded.model, site = excluded.site,"
    "  interval_s = excluded.interval_s, spot = excluded.spot",
    "episodes": "INSERT INTO episode (id, person_no, grid_no, building, starts_at, ends_at, home,"
    "  thresholds, leave)"
    " VALUES (%(id)s, (SELECT person_no FROM person WHERE id = %(person)s),"
    "  (SELECT grid_no FROM grid WHERE id = %(grid)s), %(building)s, %(starts_at)s, %(ends_at)s,"
    "  %(home)s, %(thresholds)s, %(leave)s)"
    " ON CONFLICT (id) DO UPDATE SET person_no = excluded.person_no, grid_no = excluded.grid_no,"
    "  building = excluded.building, starts_at = excluded.starts_at, ends_at = excluded.ends_at,"
    "  home = excluded.home, thresholds = excluded.thresholds, leave = excluded.leave",
    "assignments": "INSERT INTO assignment (device_no, episode_no, from_at, to_at)"
    " VALUES ((SELECT device_no FROM device WHERE id = %(device)s),"
    "  (SELECT episode_no FROM episode WHERE id = %(episode)s), %(from)s, %(to)s)"
    " ON CONFLICT (device_no, episode_no, from_at) DO UPDATE SET to_at = excluded.to_at",
}

_JSON: Final = {
    "staff": ("contacts", "shifts"),
    "episodes": ("home", "thresholds", "leave"),
}


def _write(cursor: psycopg.Cursor[dict[str, Any]], roster: Document) -> None:
    for section, statement in _UPSERT.items():
        rows = [_row(section, item) for item in getattr(roster, section)]
        if section == "assignments":
            # Ends first, so that a device handed over in one file is never worn twice on the way.
            rows.sort(key=lambda row: (row["to"] is None, row["from"]))
        try:
            cursor.executemany(statement, rows)
        except psycopg.errors.ExclusionViolation as error:
            detail = error.diag.message_detail or ""
            raise RosterRefused([(f"/{section}", f"a device is worn twice: {detail}")]) from error
    _link_staff(cursor, roster)


def _row(section: str, item: Any) -> dict[str, Any]:
    row: dict[str, Any] = item.model_dump(by_alias=True)
    stored = item.model_dump(mode="json", by_alias=True, exclude_none=True)
    for key in _JSON.get(section, ()):
        row[key] = Jsonb(stored[key]) if key in stored else None
    return row


def _link_staff(cursor: psycopg.Cursor[dict[str, Any]], roster: Document) -> None:
    for staff in roster.staff:
        for table, column, section, ids in (
            ("staff_grid", "grid_no", "grid", staff.grids),
            ("staff_community", "community_no", "community", staff.communities),
        ):
            who = sql.SQL("(SELECT staff_no FROM staff WHERE id = {})").format(staff.id)
            cursor.execute(
                sql.SQL("DELETE FROM {} WHERE staff_no = {}").format(sql.Identifier(table), who)
            )
            cursor.execute(
                sql.SQL("INSERT INTO {} SELECT {}, {} FROM {} WHERE id = ANY({})").format(
                    sql.Identifier(table), who, sql.Identifier(column), sql.Identifier(section), ids
                )
            )


def _new_version(
    cursor: psycopg.Cursor[dict[str, Any]], roster: Document, effective_at: int
) -> int:
    """Names, phones and addresses stay out of the version's document."""
    kept = json.loads(roster.model_dump_json(by_alias=True, exclude={"people", "staff"}))
    cursor.execute(
        "INSERT INTO roster_version (version, effective_at, document)"
        " SELECT coalesce(max(version), 0) + 1, %s, %s FROM roster_version RETURNING version",
        [to_datetime(effective_at), Jsonb(kept)],
    )
    row = cursor.fetchone()
    assert row is not None
    return int(row["version"])
