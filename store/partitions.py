"""Daily partitions of `reading` on plain PostgreSQL, made ahead; nothing to do elsewhere.

A reading may be 30 days old (contract section 3) or 5 minutes ahead of us, so partitions cover
-31 .. +3 days around now, and a batch held back by a long outage asks for the days it needs.
"""

from collections.abc import Sequence
from typing import Final

import psycopg
from psycopg import sql

from domain.instant import DAY_US, to_datetime

DAYS_BACK: Final = 31
DAYS_AHEAD: Final = 3


def make_partitions(cursor: psycopg.Cursor, now: int, days: Sequence[int] = ()) -> set[int]:
    """Makes what is missing around `now` (microseconds) and for `days` (since 1970-01-01).

    Returns the days that are there now; on a hypertable, which makes its own chunks, all asked for.
    """
    today = now // DAY_US
    wanted = {*range(today - DAYS_BACK, today + DAYS_AHEAD + 1), *days}
    cursor.execute("SELECT relkind = 'p' FROM pg_class WHERE oid = 'reading'::regclass")
    row = cursor.fetchone()
    if row is None or not row[0]:
        return wanted
    cursor.execute("SELECT relid::regclass::text FROM pg_partition_tree('reading') WHERE isleaf")
    there = {name for (name,) in cursor.fetchall()}
    for day in sorted(wanted):
        if _name(day) not in there:
            cursor.execute(
                _MAKE.format(sql.Identifier(_name(day)), _midnight(day), _midnight(day + 1))
            )
    return wanted


_MAKE: Final = sql.SQL(
    "CREATE TABLE IF NOT EXISTS {} PARTITION OF reading FOR VALUES FROM ({}) TO ({})"
)


def _name(day: int) -> str:
    return f"reading_{to_datetime(day * DAY_US):%Y%m%d}"


def _midnight(day: int) -> sql.Literal:
    return sql.Literal(f"{to_datetime(day * DAY_US):%Y-%m-%d} 00:00:00+00")
