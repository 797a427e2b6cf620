"""What ingestion noticed that it does not have: gaps in numbers, and times it was blind. Writes.

Part of the ledger's transactions, so that a gap is there exactly when the readings around it are.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import psycopg

from domain.instant import from_datetime, to_datetime
from ingest.sequences import Gap
from ingest.work import SignalChange

_FORGET: Final = (
    "DELETE FROM gap g USING unnest(%s::int[], %s::bigint[]) AS t(device_no, boot_key)"
    " WHERE g.device_no = t.device_no AND g.boot_key = t.boot_key"
)
_NOTE: Final = (
    "INSERT INTO gap (device_no, boot_key, from_seq, to_seq, noticed_at)"
    " SELECT * FROM unnest(%s::int[], %s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[])"
)
_KNOWN: Final = (
    "SELECT device_no, boot_key, from_seq, to_seq, noticed_at FROM gap ORDER BY device_no, boot_key"
)
_BEGINS: Final = (
    "INSERT INTO signal (kind, began_at, ended_at, detail) VALUES (%s, %s, %s, %s)"
    " ON CONFLICT (kind, subject) WHERE ended_at IS NULL DO NOTHING"
)
_ENDS: Final = (
    "UPDATE signal SET ended_at = %s WHERE kind = %s AND subject = '' AND ended_at IS NULL"
)


def keep_gaps(cursor: psycopg.Cursor, gaps: Sequence[Gap]) -> None:
    """Replaces what is missing of each (device, boot) that is named."""
    if not gaps:
        return
    cursor.execute(_FORGET, [[gap.device_no for gap in gaps], [gap.boot_key for gap in gaps]])
    ranges = [(gap.device_no, gap.boot_key, *missing) for gap in gaps for missing in gap.missing]
    if ranges:
        devices, boots, begins, ends, noticed = zip(*ranges, strict=True)
        moments = [to_datetime(at) for at in noticed]
        cursor.execute(_NOTE, [list(devices), list(boots), list(begins), list(ends), moments])


def known_gaps(cursor: psycopg.Cursor) -> Iterator[tuple[int, int, int, int, int]]:
    """(device_no, boot_key, from_seq, to_seq, noticed_at) of every gap, by device and boot."""
    for *key, noticed_at in cursor.execute(_KNOWN):
        device_no, boot_key, from_seq, to_seq = key
        yield device_no, boot_key, from_seq, to_seq, from_datetime(noticed_at)


def keep_signals(cursor: psycopg.Cursor, changes: Sequence[SignalChange]) -> None:
    """Notes where the service became blind, or sees again. One that stands is not begun again."""
    for change in changes:
        at = to_datetime(change.at)
        if change.until_at == change.at:
            cursor.execute(_ENDS, [at, change.kind])
        else:
            until = None if change.until_at is None else to_datetime(change.until_at)
            cursor.execute(_BEGINS, [change.kind, at, until, change.detail])
