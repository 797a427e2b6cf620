"""Canaries as they are stored: the newest of each grid, apart from readings and from alerts.

Their ids come from the alert log's counter, in the ledger's transaction, so that a canary passes
whatever an alert event has to pass, its lock included; the log itself has no row of them.
"""

from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg.rows import tuple_row

from alerts.canary import Canary, Sighting
from domain.instant import from_datetime, to_datetime
from store.alertrows import CHANNEL, next_ids

READ_AT_ONCE: Final = 1_000

_KEEP: Final = (
    "INSERT INTO canary (grid_no, mark, sent_at, stored_at, event_id)"
    " SELECT g.grid_no, t.mark, t.sent_at, %s, %s + t.nth"
    " FROM unnest(%s::int[], %s::text[], %s::timestamptz[]) WITH ORDINALITY"
    "  AS t(grid_no, mark, sent_at, nth) JOIN grid g USING (grid_no)"
    " ON CONFLICT (grid_no) DO UPDATE SET mark = excluded.mark, sent_at = excluded.sent_at,"
    " stored_at = excluded.stored_at, event_id = excluded.event_id"
)
_POSITION: Final = "SELECT last_event_id FROM event_counter"
_AFTER: Final = (
    "SELECT c.event_id, c.grid_no, g.id, c.mark, c.sent_at, c.stored_at"
    " FROM canary c JOIN grid g USING (grid_no) WHERE c.event_id > %s ORDER BY c.event_id LIMIT %s"
)


def keep(cursor: psycopg.Cursor, canaries: Sequence[Canary], now: int) -> None:
    """Those of grids that there are. Locks the counter: call it last in the transaction."""
    if not canaries:
        return
    ordered = sorted(canaries, key=lambda each: each.grid_no)
    before = next_ids(cursor, len(ordered)) - 1
    cursor.execute(
        _KEEP,
        [
            to_datetime(now),
            before,
            [each.grid_no for each in ordered],
            [each.mark for each in ordered],
            [to_datetime(each.sent_at) for each in ordered],
        ],
    )
    cursor.execute(f"NOTIFY {CHANNEL}")


class Place:
    """How far somebody has read them, on a connection of theirs."""

    def __init__(self) -> None:
        self._last_id: int | None = None

    def lose(self) -> None:
        """The next look begins with what comes after it."""
        self._last_id = None

    async def new(self, connection: psycopg.AsyncConnection[Any]) -> list[Sighting]:
        """Those since the last look, in order, a bounded number; none at the first."""
        async with connection.cursor(row_factory=tuple_row) as cursor:
            if self._last_id is None:
                await cursor.execute(_POSITION)
                row = await cursor.fetchone()
                assert row is not None
                self._last_id = int(row[0])
            await cursor.execute(_AFTER, [self._last_id, READ_AT_ONCE])
            found = [_sighting(row) for row in await cursor.fetchall()]
        if found:
            self._last_id = found[-1].event_id
        return found


def _sighting(row: tuple[Any, ...]) -> Sighting:
    event_id, grid_no, grid, mark, sent_at, stored_at = row
    return Sighting(event_id, grid_no, grid, mark, from_datetime(sent_at), from_datetime(stored_at))
