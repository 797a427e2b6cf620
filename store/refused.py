"""Rows the database would not have: which they are, and what is kept of them instead.

The decoder's limits are the database's, so there should be none; one that comes nevertheless must
not hold up the rest for ever.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import psycopg

from domain.batch import Rows
from ingest.reading_shape import Spoilt, read
from ingest.rejection import MESSAGE, Fault, Reason, Rejection
from ingest.work import RejectedMessage, Work
from store.readings import insert


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row the database would not have."""

    index: int
    """Of the row in the work."""
    detail: str


def refused_rows(connection: psycopg.Connection, rows: Rows) -> tuple[Refusal, ...]:
    """The rows the database will not have, found by halving. Stores nothing."""
    refused: list[Refusal] = []
    pending = [np.arange(len(rows))]
    while pending:
        part = pending.pop()
        detail = _try(connection, rows[part])
        if detail is None:
            continue
        if len(part) == 1:
            refused.append(Refusal(int(part[0]), detail))
        else:
            middle = len(part) // 2
            pending += [part[:middle], part[middle:]]
    return tuple(sorted(refused, key=lambda refusal: refusal.index))


def _try(connection: psycopg.Connection, rows: Rows) -> str | None:
    """Why the database refuses these rows; None if it would take them."""
    try:
        with connection.transaction(force_rollback=True), connection.cursor() as cursor:
            insert(cursor, rows, 0, None)
    except (psycopg.errors.DataError, psycopg.errors.IntegrityError) as error:
        return error.diag.message_primary or type(error).__name__
    return None


def refused_messages(work: Work, refusals: Sequence[Refusal]) -> Iterator[RejectedMessage]:
    """What is kept of them; with their numbers, as the step's advance has them as committed."""
    for refusal in refusals:
        envelope = work.messages[work.origins[refusal.index]]
        row = work.rows[refusal.index]
        boot, seq = work.boots.get(int(row["boot_key"])), int(row["seq"])
        rejection = Rejection(
            reason=Reason.REFUSED_BY_STORE,
            item=_item(envelope.payload, boot, seq),
            pointer="",
            detail=refusal.detail[:200],
            rest_stored=False,
            boot=boot,
            seq=seq,
        )
        yield RejectedMessage(
            topic=envelope.topic,
            device_id=envelope.topic.split("/")[3],
            payload=envelope.payload,
            received_at=envelope.received_at,
            rejections=(rejection,),
        )


def _item(payload: bytes, boot: str | None, seq: int) -> int:
    """Which reading of the message has this number; `MESSAGE` if nobody can say."""
    contents = read(payload)
    if seq < 0 or isinstance(contents, Fault):
        return MESSAGE
    numbers = [
        (None, -1) if isinstance(each, Spoilt) else (each.get("boot"), each.get("seq"))
        for each in contents[0]
    ]
    return numbers.index((boot, seq)) if (boot, seq) in numbers else MESSAGE
