"""A connection for commands that write a little and go."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from store.errors import translated
from store.migrate import check_schema


@contextmanager
def writing(database_url: str) -> Iterator[psycopg.Connection]:
    """In autocommit. Raises `StoreUnreachable`; `StoreMismatch` for another version's schema."""
    with (
        translated(),
        psycopg.connect(
            database_url, connect_timeout=10, autocommit=True, options="-c timezone=UTC"
        ) as connection,
    ):
        check_schema(connection)
        yield connection
