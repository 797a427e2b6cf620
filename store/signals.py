"""What we noticed that we do not have, read for those who ask: gaps of devices, and signals.

A device belongs to the grid of the episode it is worn in, or was worn in last; one that nobody has
worn yet is in no grid. Ingestion writes what is read here; nothing is decided here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from alerts.casework import BadCursor, Page
from alerts.signals import Heartbeat, Horizon, Kind, Missing, Query, Recorded
from domain.instant import format_rfc3339, from_datetime, to_datetime

_IN_GRIDS: Final = "device_grid(d.device_no, %(now)s) = ANY(%(grids)s)"
_MAY_SEE: Final = f"SELECT 1 AS seen FROM device d WHERE d.id = %(device)s AND {_IN_GRIDS}"
_GAPS: Final = (
    "SELECT d.device_no, d.id AS device, g.boot_key, b.boot, g.from_seq, g.to_seq, g.noticed_at"
    " FROM gap g JOIN device d USING (device_no) LEFT JOIN boot b USING (device_no, boot_key)"
    " WHERE (%(device)s::text IS NULL OR d.id = %(device)s) AND (%(device_no)s::int IS NULL"
    "  OR (g.device_no, g.boot_key, g.from_seq)"
    "  > (%(device_no)s::int, %(boot_key)s::bigint, %(from_seq)s::bigint))"
    f" AND {_IN_GRIDS} ORDER BY g.device_no, g.boot_key, g.from_seq LIMIT %(limit)s"
)
_MISSING: Final = (
    "SELECT d.id AS device, m.since, m.ranges, m.first FROM"
    " (SELECT g.device_no, min(g.noticed_at) AS since, count(*) AS ranges,"
    "  (array_agg(ARRAY[g.from_seq, g.to_seq]"
    "   ORDER BY g.noticed_at, g.boot_key, g.from_seq))[1:1] AS first"
    "  FROM gap g WHERE g.noticed_at > %(gaps_from)s AND g.noticed_at <= %(gaps_to)s"
    "  GROUP BY g.device_no) AS m JOIN device d USING (device_no)"
    f" WHERE {_IN_GRIDS} AND (%(after_at)s::timestamptz IS NULL"
    "  OR (m.since, 'g' || d.id COLLATE \"C\")"
    "   < (%(after_at)s::timestamptz, %(after_word)s::text))"
    ' ORDER BY m.since DESC, d.id COLLATE "C" DESC LIMIT %(limit)s'
)
_RECORDED: Final = (
    "SELECT signal_no, kind, began_at, ended_at, detail, subject, grid_nos FROM signal"
    " WHERE (%(grids)s::int[] IS NULL OR grid_nos IS NULL OR grid_nos && %(grids)s::int[])"
    " AND (%(active)s::boolean IS NULL"
    "  OR (ended_at IS NULL OR ended_at > %(now)s) = %(active)s::boolean)"
    " AND (%(after_at)s::timestamptz IS NULL"
    "  OR (began_at, 's' || lpad(signal_no::text, 20, '0') COLLATE \"C\")"
    "  < (%(after_at)s::timestamptz, %(after_word)s::text))"
    " ORDER BY began_at DESC, signal_no DESC LIMIT %(limit)s"
)
_HEARTBEAT: Final = "SELECT heartbeat_at FROM shard ORDER BY heartbeat_at NULLS FIRST LIMIT 1"
_ANY_ACTIVE: Final = (
    "SELECT EXISTS (SELECT FROM signal WHERE kind = %s AND (ended_at IS NULL OR ended_at > %s))"
)
_ANY_GAP: Final = (
    "SELECT EXISTS (SELECT FROM gap WHERE noticed_at > %(gaps_from)s AND noticed_at <= %(gaps_to)s)"
)


def gaps(
    connection: psycopg.Connection,
    grid_nos: Sequence[int],
    device: str | None,
    page: tuple[str | None, int],
    now: int,
) -> Page | None:
    """Open gaps of devices in these grids, after a cursor and so many; None: not their device.

    Raises `BadCursor`.
    """
    after, limit = page
    arguments = {
        "grids": list(grid_nos),
        "device": device,
        "limit": limit + 1,
        "now": to_datetime(now),
        **_opened(after),
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        if device is not None and cursor.execute(_MAY_SEE, arguments).fetchone() is None:
            return None
        rows = cursor.execute(_GAPS, arguments).fetchall()
    shown = rows[:limit]
    return Page([_gap(row) for row in shown], _cursor(shown[-1]) if len(rows) > limit else None)


def missing(
    connection: psycopg.Connection, grid_nos: Sequence[int], horizon: Horizon, query: Query
) -> list[Missing]:
    """Devices of these grids with gaps to speak of, the newest first, one more than asked for."""
    if query.active is False:
        return []
    arguments = {
        **_bounds(horizon),
        **_after(query),
        "grids": list(grid_nos),
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_MISSING, arguments).fetchall()
    return [
        Missing(row["device"], from_datetime(row["since"]), tuple(row["first"][0]), row["ranges"])
        for row in rows
    ]


def recorded(
    connection: psycopg.Connection, grid_nos: Sequence[int] | None, horizon: Horizon, query: Query
) -> list[Recorded]:
    """What was written of these grids (None: of all), the newest first, one more than asked for."""
    arguments = {
        **_bounds(horizon),
        **_after(query),
        "active": query.active,
        "grids": None if grid_nos is None else list(grid_nos),
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_RECORDED, arguments).fetchall()
    return [
        Recorded(
            no=row["signal_no"],
            kind=Kind(row["kind"]),
            began_at=from_datetime(row["began_at"]),
            ended_at=None if row["ended_at"] is None else from_datetime(row["ended_at"]),
            detail=row["detail"],
            subject=row["subject"],
            grid_nos=None if row["grid_nos"] is None else frozenset(row["grid_nos"]),
        )
        for row in rows
    ]


def heartbeat(connection: psycopg.Connection) -> Heartbeat:
    """The last sign of life of the worker that has been quiet the longest."""
    row = connection.execute(_HEARTBEAT).fetchone()
    return Heartbeat(None if row is None or row[0] is None else from_datetime(row[0]))


def any_active(connection: psycopg.Connection, kind: Kind, now: int) -> bool:
    """Whether a signal of this kind that has rows is active, of whatever grid."""
    row = connection.execute(_ANY_ACTIVE, [kind.value, to_datetime(now)]).fetchone()
    assert row is not None
    return bool(row[0])


def any_gap(connection: psycopg.Connection, horizon: Horizon) -> bool:
    """Whether any device, of whatever grid, has gaps to speak of."""
    row = connection.execute(_ANY_GAP, _bounds(horizon)).fetchone()
    assert row is not None
    return bool(row[0])


def _bounds(horizon: Horizon) -> dict[str, Any]:
    return {
        "now": to_datetime(horizon.now),
        "gaps_from": to_datetime(horizon.gaps_from),
        "gaps_to": to_datetime(horizon.gaps_to),
    }


def _after(query: Query) -> dict[str, Any]:
    after = query.after
    return {
        "after_at": None if after is None else to_datetime(after.since),
        "after_word": None if after is None else after.word,
        "limit": query.limit + 1,
    }


def _gap(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "device": row["device"],
        "boot": row["boot"],
        "from": row["from_seq"],
        "to": row["to_seq"],
        "noticed_at": format_rfc3339(from_datetime(row["noticed_at"])),
    }


def _cursor(row: Mapping[str, Any]) -> str:
    return f"{row['device_no']}.{row['boot_key']}.{row['from_seq']}"


def _opened(cursor: str | None) -> dict[str, int | None]:
    if cursor is None:
        return {"device_no": None, "boot_key": None, "from_seq": None}
    try:
        device_no, boot_key, from_seq = (int(word) for word in cursor.split("."))
    except ValueError as error:
        raise BadCursor("this cursor was not given out by this service") from error
    if not (0 <= device_no < 2**31 and abs(boot_key) < 2**63 and 0 <= from_seq < 2**63):
        raise BadCursor("this cursor was not given out by this service")
    return {"device_no": device_no, "boot_key": boot_key, "from_seq": from_seq}
