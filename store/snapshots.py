"""The rows of `snapshot`: pages of the rules' state, written in the ledger's transactions.

A page is the state of its wearers after some step of the journal. Each worker writes pages of its
own; once it has written every one of them, what earlier workers wrote is deleted. Wearers whose
whole history is judged anew in a step are written down with that step, since nothing else in the
journal says what became of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import psycopg

from ingest.snapshots import Page

_KEEP: Final = (
    "INSERT INTO snapshot (shard, epoch, page, batch, rules, sequences)"
    " VALUES (%s, %s, %s, %s, %b, %b) ON CONFLICT (shard, epoch, page) DO UPDATE SET"
    " batch = excluded.batch, rules = excluded.rules, sequences = excluded.sequences"
)
_SUPERSEDED: Final = (
    "DELETE FROM snapshot WHERE shard = %(shard)s AND (epoch < %(epoch)s OR (page < 0 AND batch <="
    " (SELECT min(batch) FROM snapshot"
    "  WHERE shard = %(shard)s AND epoch = %(epoch)s AND page >= 0)))"
)
_ALL: Final = (
    "SELECT batch, rules, sequences FROM snapshot WHERE shard = %s ORDER BY batch, epoch, page"
)
_AT_A_TIME: Final = 4


@dataclass(frozen=True, slots=True)
class Stored:
    """One row."""

    batch: int
    rules: bytes
    sequences: bytes | None


def keep(cursor: psycopg.Cursor, shard: int, epoch: int, batch: int, page: Page) -> None:
    """Writes a page: the state after step `batch`."""
    cursor.execute(_KEEP, [shard, epoch, page.number, batch, page.rules, page.sequences])
    if page.completes:
        cursor.execute(_SUPERSEDED, {"shard": shard, "epoch": epoch})


def keep_judged_anew(
    cursor: psycopg.Cursor, shard: int, epoch: int, batch: int, rules: bytes
) -> None:
    """Writes what became of wearers whose whole history step `batch` judged."""
    cursor.execute(_KEEP, [shard, epoch, -batch, batch, rules, None])


def stored(connection: psycopg.Connection, shard: int) -> Iterator[Stored]:
    """All of it, older before newer. Inside a transaction."""
    with connection.cursor("snapshots", binary=True) as cursor:
        cursor.execute(_ALL, [shard])
        while rows := cursor.fetchmany(_AT_A_TIME):
            for batch, rules, sequences in rows:
                yield Stored(batch, bytes(rules), None if sequences is None else bytes(sequences))
