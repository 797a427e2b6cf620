"""What can go wrong with the database, as Doorstep sees it.

StoreError
+-- StoreUnreachable      no connection, or it broke: wait and try again, acknowledge nothing
|   +-- OutcomeUnknown    it broke while COMMIT was under way: ask the journal
+-- StoreBusy             deadlock, lock or statement time-out, disk full: the same, soon
+-- Fenced                another worker has the shard: stop
+-- StoreMismatch         the schema is not the one this version needs: tell the operator
+-- RowRefused            the database will not have this data, whatever we do: reject the row
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg


class StoreError(Exception):
    """Any trouble with the database."""


class StoreUnreachable(StoreError):
    """The database cannot be reached, or the connection broke."""


class OutcomeUnknown(StoreUnreachable):
    """The connection broke while a COMMIT was under way: it may have happened."""


class StoreBusy(StoreError):
    """A passing refusal: deadlock, time-out, out of disk or memory. The same again may succeed."""


class Fenced(StoreError):
    """Another worker has taken the shard; nothing of ours may be committed."""


class StoreMismatch(StoreError):
    """The database's schema is not what this version of Doorstep needs."""


class RowRefused(StoreError):
    """The data itself is refused (SQLSTATE 22xxx, 23xxx): trying again cannot help."""


QUERY_CANCELED = "57014"


@contextmanager
def translated() -> Iterator[None]:
    """Turns psycopg's errors into ours, by SQLSTATE class (PostgreSQL manual, appendix A)."""
    try:
        yield
    except psycopg.Error as error:
        raise _ours(error) from error


def _ours(error: psycopg.Error) -> StoreError:
    line = str(error).strip().split("\n")[0]
    state = error.sqlstate or ""
    if state == QUERY_CANCELED or state[:2] in ("40", "53", "55"):
        return StoreBusy(line)
    if state[:2] in ("22", "23"):
        return RowRefused(line)
    if state[:2] in ("", "08", "28", "3D", "57", "58", "XX"):
        return StoreUnreachable(line or type(error).__name__)
    hint = " (run `doorstep migrate`?)" if state[:2] == "42" else ""
    return StoreMismatch(f"{line}{hint}")
