"""Rows of `subscriber`: who is to be handed alert events.

What is handed to them, and when, is `store.outbox`'s; a subscriber begins with the events after the
moment it is made.
"""

from collections.abc import Mapping
from typing import Any, Final, LiteralString

import psycopg
from psycopg.types.json import Jsonb

from alerts.delivery import Consumer
from alerts.subscription import Subscription
from domain.instant import to_datetime

CONSUMER: Final[LiteralString] = (
    "SELECT s.subscriber_no, s.id, s.kind, s.config, s.grid_nos IS NULL AS all_grids,"
    " (SELECT array_agg(g.id ORDER BY g.id) FROM grid g WHERE g.grid_no = ANY(s.grid_nos))"
    "  AS grids, (SELECT array_agg(k.secret ORDER BY k.made_at DESC) FROM subscriber_secret k"
    "   WHERE k.subscriber_no = s.subscriber_no AND (k.until IS NULL OR k.until > %(now)s))"
    "  AS secrets FROM subscriber s"
)
"""What `consumer` reads; a WHERE follows."""
_ADD: Final = (
    "INSERT INTO subscriber (id, kind, name, grid_nos, config, created_by, created_at, cursor)"
    " SELECT %s, %s, %s, %s, %s, %s, %s, last_event_id FROM event_counter"
)
_KEEP: Final = (
    f"{_ADD} ON CONFLICT (id) DO UPDATE SET"
    " name = excluded.name, grid_nos = excluded.grid_nos, config = excluded.config"
    " WHERE subscriber.kind = excluded.kind"
)


def consumer(row: Mapping[str, Any]) -> Consumer:
    """A subscriber as a sender gets it."""
    return Consumer(
        no=row["subscriber_no"],
        id=row["id"],
        kind=row["kind"],
        grids=None if row["all_grids"] else tuple(row["grids"] or ()),
        config=row["config"],
        secrets=tuple(row["secrets"] or ()),
    )


def add(cursor: psycopg.Cursor, wanted: Subscription, now: int) -> int:
    """Makes one, and says its number."""
    row = cursor.execute(f"{_ADD} RETURNING subscriber_no", _row(wanted, now)).fetchone()
    assert row is not None
    return int(row[0])


def keep(connection: psycopg.Connection, wanted: Subscription, now: int) -> None:
    """Makes one of the service's own feeds, or brings it to what is wanted. It goes on."""
    connection.execute(_KEEP, _row(wanted, now))


def drop(connection: psycopg.Connection, id_: str) -> None:
    """Takes one of the service's own feeds away, with all that waits for it."""
    connection.execute("DELETE FROM subscriber WHERE id = %s AND created_by IS NULL", [id_])


def _row(wanted: Subscription, now: int) -> tuple[object, ...]:
    return (
        wanted.id,
        wanted.kind,
        wanted.name,
        None if wanted.grid_nos is None else list(wanted.grid_nos),
        Jsonb(dict(wanted.config)),
        wanted.created_by,
        to_datetime(now),
    )
