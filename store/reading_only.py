"""A connection that cannot write, for commands that look at a database and go."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from store.errors import translated
from store.migrate import check_schema


@contextmanager
def reading_only(database_url: str) -> Iterator[psycopg.Connection]:
    """Raises `StoreUnreachable`, and `StoreMismatch` for a schema that is not this version's."""
    with (
        translated(),
        psycopg.connect(
            database_url,
            connect_timeout=10,
            autocommit=True,
            options="-c default_transaction_read_only=on -c timezone=UTC",
        ) as connection,
    ):
        check_schema(connection)
        yield connection
