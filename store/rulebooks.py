"""Every rulebook ingestion was ever run with, and from when each was in force.

The newest is in force. A reading is judged by the one that was when it was measured, so that new
figures change nothing of the past and lose nothing that is pending.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from domain.instant import from_datetime, to_datetime
from rules.rulebook import DEFAULT, Rulebook, RulebookError, load
from store.errors import StoreMismatch, translated

_ALL: Final = "SELECT effective_at, document FROM rulebook ORDER BY effective_at"
_AT: Final = (
    "SELECT document FROM rulebook"
    " ORDER BY (effective_at <= %(at)s) DESC,"
    " CASE WHEN effective_at <= %(at)s THEN effective_at END DESC, effective_at LIMIT 1"
)
"""The newest that had begun, else the first."""
_NEW: Final = "INSERT INTO rulebook (effective_at, version, document) VALUES (%s, %s, %s)"
_AHEAD: Final = (
    "SELECT max(ahead.measured_at) FROM device d CROSS JOIN LATERAL"
    " (SELECT r.measured_at FROM reading r WHERE r.device_no = d.device_no AND r.measured_at >= %s"
    " ORDER BY r.measured_at DESC LIMIT 1) ahead"
)
"""The newest reading of a device whose clock is ahead of ours; device by device, as the key is."""


def take_up(connection: psycopg.Connection, document: Mapping[str, Any], now: int) -> Rulebook:
    """The rulebook of this document, in force from now on unless it is already, with the earlier.

    From now on: after every reading that is stored, for one from a clock that is ahead of ours may
    have been judged by the rulebook before.
    `document` holds every figure (`doorstep.settings`), so that a later default changes nothing of
    it. Raises `StoreMismatch` when its version was in force with other figures. The first rulebook
    counts for all the time before it as well.
    """
    mine = load(document)
    with translated(), connection.transaction():
        known = [
            (from_datetime(effective_at), _stored(stored))
            for effective_at, stored in connection.execute(_ALL).fetchall()
        ]
        if any(book.version == mine.version and book != mine for _, book in known):
            raise StoreMismatch(
                f"rulebook {mine.version} was in force with other figures: give these a new version"
            )
        if not known or known[-1][1] != mine:
            # Should the clock have gone back, the newest still comes last.
            after = [at + 1 for at, _ in known[-1:]] + (_ahead(connection, now) if known else [])
            effective_at = max([now, *after])
            connection.execute(
                _NEW, [to_datetime(effective_at), mine.version, Jsonb(dict(document))]
            )
            known.append((effective_at, mine))
    begins = [effective_at for effective_at, _ in known[1:]]
    books = [book for _, book in known[:-1]]
    return replace(mine, earlier=tuple(zip(begins, books, strict=True)))


def _ahead(connection: psycopg.Connection, now: int) -> list[int]:
    """The first instant that is newer than everything stored, if that is not past."""
    row = connection.execute(_AHEAD, [to_datetime(now)]).fetchone()
    return [from_datetime(row[0]) + 1] if row is not None and row[0] is not None else []


def in_force(connection: psycopg.Connection, at: int) -> Rulebook:
    """The rulebook of that instant; ours where none was ever recorded. Raises `StoreMismatch`."""
    row = connection.execute(_AT, {"at": to_datetime(at)}).fetchone()
    return DEFAULT if row is None else _stored(row[0])


def by_version(connection: psycopg.Connection) -> dict[str, Rulebook]:
    """Every rulebook that was in force. Raises `StoreMismatch`."""
    stored = (_stored(document) for _, document in connection.execute(_ALL).fetchall())
    return {book.version: book for book in stored}


@lru_cache(maxsize=16)
def read(text: str) -> Rulebook:
    """A stored rulebook from the text of its document. Raises `StoreMismatch`."""
    return _stored(json.loads(text))


def _stored(document: Mapping[str, Any]) -> Rulebook:
    """A figure that came later is as its default, which changed nothing then."""
    try:
        return load(document)
    except RulebookError as error:
        raise StoreMismatch(f"a stored rulebook cannot be read: {error}") from error
