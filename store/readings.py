"""Readings into the database, each at most once, and back out as columns.

Rows newer than anything seen of their device go straight in by COPY. The rest, and everything of a
device not seen since the start, goes through a staging table that drops what is already there. If a
direct COPY meets a row that is there after all (a redelivery to a process that has just started),
the transaction is done again with everything staged: what is remembered here only chooses the
road.
"""

from typing import Final, LiteralString

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg import sql

from domain.batch import Rows
from store.copy_format import COLUMNS, decode, decode_batches, encode, select_columns

_NAMES: Final = ", ".join(COLUMNS)
_COPY_DIRECT: Final = f"COPY reading ({_NAMES}) FROM STDIN BINARY"
_COPY_STAGING: Final = f"COPY staging ({_NAMES}) FROM STDIN BINARY"
_MAKE_STAGING: Final = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS staging (LIKE reading) ON COMMIT DELETE ROWS"
)
_FROM_STAGING: Final = (
    f"INSERT INTO reading ({_NAMES}) SELECT {_NAMES} FROM staging"
    " ORDER BY device_no, measured_at, digest ON CONFLICT DO NOTHING"
    " RETURNING device_no, (extract(epoch FROM measured_at) * 1000000)::bigint, digest"
)
_SELECT: Final = f"SELECT {select_columns()} FROM reading"

Mask = npt.NDArray[np.bool_]


class NewestSeen:
    """The newest instant seen of each device in this process; grows with the device numbers."""

    def __init__(self) -> None:
        self._newest = np.full(1024, np.iinfo(np.int64).max, dtype=np.int64)

    def newer(self, rows: Rows) -> Mask:
        """Which rows are newer than all that was seen of their device; never for unseen devices."""
        self._grow(rows)
        return np.asarray(rows["measured_at"] > self._newest[rows["device_no"]])

    def saw(self, rows: Rows) -> None:
        """Remembers rows that are committed."""
        self._grow(rows)
        unseen = self._newest[rows["device_no"]] == np.iinfo(np.int64).max
        self._newest[rows["device_no"][unseen]] = np.iinfo(np.int64).min
        np.maximum.at(self._newest, rows["device_no"], rows["measured_at"])

    def _grow(self, rows: Rows) -> None:
        needed = int(rows["device_no"].max(initial=0)) + 1
        if needed > len(self._newest):
            more = np.full(max(needed, 2 * len(self._newest)), np.iinfo(np.int64).max)
            more[: len(self._newest)] = self._newest
            self._newest = more


def first_of_each(rows: Rows) -> Mask:
    """Which rows do not repeat the row before.

    The rows are in order, so that repetitions meet: a slot is of one device, and at one instant a
    device is worn in one episode.
    """
    mask = np.ones(len(rows), dtype=bool)
    same = rows["measured_at"][1:] == rows["measured_at"][:-1]
    same &= rows["device_no"][1:] == rows["device_no"][:-1]
    same &= rows["digest"][1:] == rows["digest"][:-1]
    mask[1:] = ~same
    return mask


def prepare(connection: psycopg.Connection) -> None:
    """What `insert` needs, once a connection."""
    connection.execute(_MAKE_STAGING)


def insert(cursor: psycopg.Cursor, rows: Rows, batch: int, newest: NewestSeen | None) -> Mask:
    """Stores the rows and says which of them were new. `newest=None` stages everything.

    Raises psycopg's errors; `UniqueViolation` means: again, with everything staged.
    """
    fresh = first_of_each(rows)
    direct = fresh & newest.newer(rows) if newest is not None else np.zeros(len(rows), dtype=bool)
    staged = fresh & ~direct
    if direct.any():
        _copy(cursor, _COPY_DIRECT, _by_key(rows[direct]), batch)
    if staged.any():
        fresh[staged] = _insert_staged(cursor, rows[staged], batch)
    return fresh


def _insert_staged(cursor: psycopg.Cursor, rows: Rows, batch: int) -> Mask:
    _copy(cursor, _COPY_STAGING, _by_key(rows), batch)
    cursor.execute(_FROM_STAGING)
    inserted = set(cursor.fetchall())
    keys = zip(
        rows["device_no"].tolist(),
        rows["measured_at"].tolist(),
        rows["digest"].tolist(),
        strict=True,
    )
    return np.fromiter((key in inserted for key in keys), dtype=bool, count=len(rows))


def _by_key(rows: Rows) -> Rows:
    """In key order, so that two writers meet rows in one order and cannot deadlock."""
    devices, slots = rows["device_no"], rows["slot"]
    if ((devices[1:] > devices[:-1]) | (slots[1:] == slots[:-1])).all():
        return rows  # they come in order of slot, instant and content
    return rows[np.lexsort((rows["digest"], rows["measured_at"], rows["device_no"]))]


def _copy(cursor: psycopg.Cursor, statement: LiteralString, rows: Rows, batch: int) -> None:
    with cursor.copy(statement) as copy:
        copy.write(encode(rows, batch))


def fetch(cursor: psycopg.Cursor, condition: LiteralString, values: list[object]) -> Rows:
    """Stored rows as columns.

    `condition` follows the FROM clause; COPY takes no parameters, so its `{}` are filled with
    literals that psycopg quotes.
    """
    return decode(_copied(cursor, condition, values))


def fetch_with_batches(
    cursor: psycopg.Cursor, after: int, until: int
) -> tuple[Rows, npt.NDArray[np.int64]]:
    """What the steps after one and up to another stored, and which step each row. Shapes (n,)."""
    buffer = _copied(cursor, "WHERE batch > {} AND batch <= {}", [after, until])
    return decode(buffer), decode_batches(buffer)


def _copied(cursor: psycopg.Cursor, condition: LiteralString, values: list[object]) -> bytes:
    query = sql.SQL("COPY ({} {}) TO STDOUT BINARY").format(
        sql.SQL(_SELECT), sql.SQL(condition).format(*(sql.Literal(value) for value in values))
    )
    with cursor.copy(query) as copy:
        return b"".join(bytes(chunk) for chunk in copy)
