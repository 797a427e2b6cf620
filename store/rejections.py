"""What did not become a reading: kept byte for byte, a message once, with every reason it met."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

import psycopg

from domain.batch import MISSING
from domain.instant import from_datetime, to_datetime
from ingest.sources.port import Envelope
from ingest.telling import counts_as_committed
from ingest.wire import Rejection, boot_key
from ingest.work import RejectedMessage

KEPT_PAYLOAD_BYTES: Final = 65_536
"""Contract section 3: of a too_large message the length, the SHA-256 and the first 64 KiB."""

_KEEP_MESSAGE: Final = (
    "INSERT INTO rejected_message (content_sha256, topic, device_id, payload, payload_bytes,"
    " payload_sha256, first_received_at, last_received_at, batch)"
    " VALUES (%(content)s, %(topic)s, %(device)s, %(payload)s, %(bytes)s, %(sha256)s, %(at)s,"
    " %(at)s, %(batch)s)"
    " ON CONFLICT (content_sha256) DO UPDATE SET times = rejected_message.times + %(again)s,"
    " last_received_at = greatest(rejected_message.last_received_at, excluded.last_received_at)"
)
_KEEP_REASON: Final = (
    "INSERT INTO rejection (content_sha256, item, reason, pointer, detail, rest_stored, batch,"
    " boot_key, seq) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)
_NUMBERS: Final = (
    "SELECT d.device_no, r.boot_key, r.seq FROM rejection r"
    " JOIN rejected_message m USING (content_sha256) JOIN device d ON d.id = m.device_id"
    " WHERE r.seq IS NOT NULL ORDER BY 1, 2, 3"
)

_NUMBERS_OF: Final = (
    "SELECT r.batch, d.device_no, r.boot_key, r.seq FROM rejection r"
    " JOIN rejected_message m USING (content_sha256) JOIN device d ON d.id = m.device_id"
    " WHERE r.seq IS NOT NULL AND r.batch > %s AND r.batch <= %s ORDER BY 1, 2, 3, 4"
)

_MESSAGES_OF: Final = (
    "SELECT m.batch, d.device_no, m.first_received_at FROM rejected_message m"
    " JOIN device d ON d.id = m.device_id WHERE m.batch > %s AND m.batch <= %s"
    " AND EXISTS (SELECT FROM rejection r WHERE r.content_sha256 = m.content_sha256"
    "  AND r.reason <> ALL(%s)) ORDER BY 1, 3, 2"
)

_FOR_WANT_OF_A_ROSTER: Final = ["unknown_device", "not_assigned"]
_NOT_ITS_FAULT: Final = [*_FOR_WANT_OF_A_ROSTER, "refused_by_store"]
_COVERED: Final = (
    "SELECT m.content_sha256, m.topic, m.payload, m.first_received_at FROM rejected_message m"
    " JOIN device d ON d.id = m.device_id WHERE m.content_sha256 > %s"
    " AND EXISTS (SELECT FROM assignment a WHERE a.device_no = d.device_no)"
    " AND EXISTS (SELECT FROM rejection r WHERE r.content_sha256 = m.content_sha256"
    "  AND r.reason = ANY(%s)) ORDER BY m.content_sha256 LIMIT %s"
)
_FORGET_REASONS: Final = "DELETE FROM rejection WHERE content_sha256 = ANY(%s) AND reason = ANY(%s)"
_FORGET_MESSAGES: Final = (
    "DELETE FROM rejected_message m WHERE content_sha256 = ANY(%s)"
    " AND NOT EXISTS (SELECT FROM rejection r WHERE r.content_sha256 = m.content_sha256)"
)


def covered(
    connection: psycopg.Connection, after: bytes, limit: int
) -> tuple[list[Envelope], bytes]:
    """Kept messages of devices that are known and assigned by now, in pages by content.

    Give `b""` first and the returned bytes next; an empty page is the last. They are judged anew as
    of their first receipt, whatever has become too old since (contract section 3).
    """
    rows = connection.execute(_COVERED, [after, _FOR_WANT_OF_A_ROSTER, limit]).fetchall()
    envelopes = [
        Envelope(None, topic, bytes(payload), from_datetime(first_at), resubmitted=True)
        for _, topic, payload, first_at in rows
    ]
    return envelopes, bytes(rows[-1][0]) if rows else after


def resubmit(cursor: psycopg.Cursor, messages: Iterable[Envelope]) -> list[bytes]:
    """Forgets why resubmitted messages were refused; `keep` notes what is still wrong.

    Returns what `settle` needs at the end of the same transaction.
    """
    contents = sorted(_content(m.topic, m.payload) for m in messages if m.resubmitted)
    if contents:
        cursor.execute(_FORGET_REASONS, [contents, _FOR_WANT_OF_A_ROSTER])
    return contents


def settle(cursor: psycopg.Cursor, contents: Sequence[bytes]) -> None:
    """Forgets resubmitted messages of which nothing is wrong any more: they are readings now."""
    if contents:
        cursor.execute(_FORGET_MESSAGES, [list(contents)])


def keep(
    cursor: psycopg.Cursor,
    rejected: Sequence[RejectedMessage],
    batch: int,
    resubmitted: Collection[bytes] = (),
) -> int:
    """Stores the messages and their reasons; returns how many reasons there were.

    What `resubmit` returned has not arrived once more: it is not counted again.
    """
    if not rejected:
        return 0
    known = frozenset(resubmitted)
    keyed = sorted(
        ((_content(message.topic, message.payload), message) for message in rejected),
        key=lambda pair: pair[0],
    )
    cursor.executemany(
        _KEEP_MESSAGE,
        [
            {**_message_row(content, message, batch), "again": int(content not in known)}
            for content, message in keyed
        ],
    )
    reasons = [
        (
            *(content, r.item, r.reason, r.pointer[:500], r.detail[:500], r.rest_stored, batch),
            *_number(r),
        )
        for content, message in keyed
        for r in message.rejections
    ]
    cursor.executemany(_KEEP_REASON, reasons)
    return len(reasons)


def numbers(cursor: psycopg.Cursor) -> Iterator[tuple[int, int, int]]:
    """(device_no, boot_key, seq) of readings rejected whole, in that order."""
    yield from cursor.execute(_NUMBERS)


def numbers_of(
    cursor: psycopg.Cursor, after: int, until: int
) -> dict[int, list[tuple[int, int, int]]]:
    """The same by step, of the steps after one and up to another."""
    found: dict[int, list[tuple[int, int, int]]] = {}
    for batch, *number in cursor.execute(_NUMBERS_OF, [after, until]):
        found.setdefault(batch, []).append((number[0], number[1], number[2]))
    return found


def messages_of(cursor: psycopg.Cursor, after: int, until: int) -> dict[int, list[tuple[int, int]]]:
    """(device_no, received_at) of messages that steps after one and up to another kept first.

    Those with something that the device should not have sent, as `ingest.gathering` has it.
    """
    found: dict[int, list[tuple[int, int]]] = {}
    for batch, device_no, at in cursor.execute(_MESSAGES_OF, [after, until, _NOT_ITS_FAULT]):
        found.setdefault(batch, []).append((device_no, from_datetime(at)))
    return found


def _number(rejection: Rejection) -> tuple[int, int] | tuple[None, None]:
    if not counts_as_committed(rejection):
        return None, None
    if rejection.boot is None:
        return MISSING["boot_key"], rejection.seq
    return boot_key(rejection.boot), rejection.seq


def _content(topic: str, payload: bytes) -> bytes:
    return hashlib.sha256(_text(topic).encode() + b"\0" + payload).digest()


def _message_row(content: bytes, message: RejectedMessage, batch: int) -> dict[str, object]:
    return {
        "content": content,
        "topic": _text(message.topic),
        "device": message.device_id,
        "payload": message.payload[:KEPT_PAYLOAD_BYTES],
        "bytes": len(message.payload),
        "sha256": hashlib.sha256(message.payload).digest(),
        "at": to_datetime(message.received_at),
        "batch": batch,
    }


def _text(topic: str) -> str:
    """A topic PostgreSQL can hold: no NUL, no lone surrogates."""
    return topic.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
