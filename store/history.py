"""Stored history in the order it came: the steps of the journal, their readings, what was found.

Read only, for looking back (`doorstep replay --from --to`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import psycopg
from psycopg.rows import dict_row

from alerts.surroundings import Surroundings, Worn
from domain.batch import Rows
from domain.instant import from_datetime, to_datetime
from ingest.work import Kind
from rules.finding import Finding
from rules.rulebook import Rulebook
from store import rejections, rulebooks
from store.alertlog import PLACES
from store.alertrows import place
from store.late_work import findings_between
from store.readings import fetch_with_batches

__all__ = ["Found", "Step", "found", "steps", "surroundings"]

AT_A_TIME: Final = 500
_STEPS: Final = (
    "SELECT batch, kind, now_at, receive_clock_us FROM journal WHERE shard = 0 AND batch > %s"
    " AND now_at < %s ORDER BY batch LIMIT %s"
)
_WORN: Final = (
    "SELECT a.episode_no, d.device_no, d.id, d.interval_s FROM assignment a"
    " JOIN device d USING (device_no) WHERE a.episode_no = ANY(%s)"
)


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step of the journal."""

    kind: Kind
    now: int
    receive_clock_us: int
    rows: Rows
    """What it stored; `slot` is not filled in."""
    spoilt: list[tuple[int, int]]
    """(device_no, received_at) of messages with something the device should not have sent."""


def steps(cursor: psycopg.Cursor, until_at: int) -> Iterator[Step]:
    """All steps before an instant, from the first."""
    since = 0
    while taken := cursor.execute(_STEPS, [since, to_datetime(until_at), AT_A_TIME]).fetchall():
        until = int(taken[-1][0])
        rows, batches = fetch_with_batches(cursor, since, until)
        kept = rejections.messages_of(cursor, since, until)
        order = np.argsort(batches, kind="stable")
        rows, batches = rows[order], batches[order]
        for batch, kind, now_at, receive_clock_us in taken:
            first, last = np.searchsorted(batches, [batch, batch + 1])
            yield Step(
                *(Kind(kind), from_datetime(now_at), receive_clock_us, rows[first:last]),
                kept.get(batch, []),
            )
        since = until


@dataclass(frozen=True, slots=True)
class Found:
    """A finding with the rulebook that judged it (None: not kept)."""

    finding: Finding
    book: Rulebook | None


def found(
    connection: psycopg.Connection, cursor: psycopg.Cursor, from_at: int, to_at: int
) -> Sequence[Found]:
    """The findings that stand and began in that time, in order of onset."""
    books = rulebooks.by_version(connection)
    return [
        Found(finding, books.get(version))
        for finding, version in findings_between(cursor, from_at, to_at)
    ]


def surroundings(
    connection: psycopg.Connection, episodes: Sequence[int]
) -> dict[int, Surroundings]:
    """What has to be known of these episodes to speak of their findings."""
    worn: dict[int, dict[int, Worn]] = {}
    for episode_no, device_no, device, interval_s in connection.execute(_WORN, [list(episodes)]):
        worn.setdefault(episode_no, {})[device_no] = Worn(device, interval_s)
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(PLACES, [list(episodes)])
        return {
            row["episode_no"]: replace(
                place(row).surroundings, devices=worn.get(row["episode_no"], {})
            )
            for row in cursor.fetchall()
        }
