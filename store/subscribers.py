"""Rows of `subscriber`: who is to be handed alert events.

What is handed to them, and when, is `store.outbox`'s; a subscriber begins with the events after the
moment it is made.
"""

from typing import Final

import psycopg
from psycopg.types.json import Jsonb

from alerts.subscription import Subscription
from domain.instant import to_datetime

_ADD: Final = (
    "INSERT INTO subscriber (id, kind, name, grid_nos, config, created_by, created_at, cursor)"
    " SELECT %s, %s, %s, %s, %s, %s, %s, last_event_id FROM event_counter"
)
_KEEP: Final = (
    f"{_ADD} ON CONFLICT (id) DO UPDATE SET"
    " name = excluded.name, grid_nos = excluded.grid_nos, config = excluded.config"
    " WHERE subscriber.kind = excluded.kind"
)


def keep(connection: psycopg.Connection, wanted: Subscription, now: int) -> None:
    """Makes one of the service's own feeds, or brings it to what is wanted. It goes on."""
    connection.execute(_KEEP, _row(wanted, now))


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
