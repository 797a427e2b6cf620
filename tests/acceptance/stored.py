"""What the database holds, read with SQL of the tests' own."""

import time
from typing import Any

import psycopg


def rows(database_url: str, query: str) -> list[tuple[Any, ...]]:
    """The answer to a query."""
    with psycopg.connect(database_url) as connection:
        return connection.execute(query).fetchall()


def one(database_url: str, query: str) -> Any:
    """The single value a query answers with."""
    return rows(database_url, query)[0][0]


def wait_for(database_url: str, query: str, wanted: object, within_s: float = 60.0) -> None:
    """Returns when the query's single value is `wanted`; fails with what it is instead."""
    deadline = time.monotonic() + within_s
    value = one(database_url, query)
    while value != wanted:
        assert time.monotonic() < deadline, f"{query}: {value!r}, not {wanted!r}"
        time.sleep(0.1)
        value = one(database_url, query)
