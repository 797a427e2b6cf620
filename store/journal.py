"""What the journal says about the past."""

import psycopg

from domain.instant import from_datetime
from store.errors import translated


def last_now_at(database_url: str) -> int | None:
    """The newest instant any step was committed for, on the service's clock; None when empty."""
    with translated(), psycopg.connect(database_url, connect_timeout=10) as connection:
        row = connection.execute("SELECT max(now_at) FROM journal").fetchone()
    return None if row is None or row[0] is None else from_datetime(row[0])
