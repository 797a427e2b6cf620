"""The rows behind the feeds: which events each subscriber has had, and what became of each.

Implements the port of `alerts.feeds.port`. One connection holds everything: the advisory lock that
makes its process the one that delivers, and every statement. When it breaks, the lock is free, and
nothing more can be written down by who had it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

import psycopg
from psycopg.rows import DictRow, dict_row

from alerts.canary import Sighting
from alerts.delivery import (
    HELD,
    Delivery,
    Health,
    Load,
    Message,
    Queue,
    Result,
    State,
)
from alerts.discretion import without_positions
from domain.instant import from_datetime, to_datetime
from store import outbox_upkeep, subscribers
from store.canaries import Place
from store.errors import translated

_LOCK: Final = 0x466565_64  # "Feed"
_PART: Final = 100
"""Events that one subscriber is handed at a time."""

_HAND_OVER: Final = """
WITH behind AS (
    SELECT s.subscriber_no, s.cursor, s.grid_nos, c.last_event_id,
           least(%(part)s, %(held)s - (SELECT count(*) FROM delivery d
               WHERE d.subscriber_no = s.subscriber_no AND d.state = 'waiting')) AS room
      FROM subscriber s CROSS JOIN event_counter c
     WHERE s.stopped_at IS NULL AND s.kind = ANY(%(kinds)s) AND s.cursor < c.last_event_id
), taken AS (
    SELECT b.subscriber_no, e.event_id, e.alert_id
      FROM behind b CROSS JOIN LATERAL (
          SELECT a.event_id, a.alert_id FROM alert_event a
           WHERE a.event_id > b.cursor AND a.event_id <= b.last_event_id
             AND (b.grid_nos IS NULL OR a.grid_no = ANY(b.grid_nos))
           ORDER BY a.event_id LIMIT greatest(b.room, 0)
      ) e
     WHERE b.room > 0
), handed AS (
    INSERT INTO delivery (subscriber_no, event_id, alert_id, state, due_at)
    SELECT subscriber_no, event_id, alert_id, 'waiting', %(now)s FROM taken
    ON CONFLICT DO NOTHING
)
UPDATE subscriber s
   SET cursor = CASE WHEN t.taken < b.room THEN b.last_event_id ELSE t.last_id END
  FROM behind b CROSS JOIN LATERAL (
      SELECT count(*) AS taken, max(event_id) AS last_id FROM taken
       WHERE taken.subscriber_no = b.subscriber_no
  ) t
 WHERE s.subscriber_no = b.subscriber_no AND b.room > 0"""

_QUEUES: Final = """
SELECT s.subscriber_no, s.kind, s.failures, s.rest_until,
       d.event_id, d.alert_id, d.attempts, d.first_tried_at, d.due_at, d.status
  FROM subscriber s JOIN delivery d USING (subscriber_no)
 WHERE s.stopped_at IS NULL AND s.kind = ANY(%(kinds)s)
   AND (s.rest_until IS NULL OR s.rest_until <= %(now)s) AND d.state = 'waiting'
   AND EXISTS (SELECT FROM delivery due WHERE due.subscriber_no = s.subscriber_no
                AND due.state = 'waiting' AND due.due_at <= %(now)s)
 ORDER BY s.subscriber_no, d.event_id"""

_CONSUMERS: Final = (
    f"{subscribers.CONSUMER} WHERE s.subscriber_no = ANY(%(nos)s) AND s.stopped_at IS NULL"
)
_MESSAGES: Final = """
SELECT e.event_id, e.alert_id, g.id AS grid, e.type, e.kind, e.at, e.before, e.after,
       e.detail->'told' AS told, e.detail->>'why' AS why
  FROM alert_event e JOIN grid g USING (grid_no)
 WHERE e.event_id = ANY(%s) ORDER BY e.event_id"""

_HEALTH: Final = (
    "SELECT failures, rest_until FROM subscriber WHERE subscriber_no = %s FOR NO KEY UPDATE"
)
_SETTLE: Final = """
UPDATE delivery SET state = %(state)s, attempts = %(attempts)s, status = %(status)s,
       first_tried_at = %(first)s, due_at = %(due)s,
       tried_at = CASE WHEN attempts < %(attempts)s THEN %(now)s ELSE tried_at END,
       delivered_at = CASE WHEN %(state)s = 'delivered' THEN %(now)s END
 WHERE subscriber_no = %(no)s AND event_id = %(event)s AND state = 'waiting'"""
_REST: Final = (
    "UPDATE subscriber SET failures = %(failures)s, rest_until = %(rest)s,"
    " stopped_at = CASE WHEN %(gone)s THEN coalesce(stopped_at, %(now)s) ELSE stopped_at END,"
    " stopped_why = CASE WHEN %(gone)s THEN coalesce(stopped_why, 'gone') ELSE stopped_why END"
    " WHERE subscriber_no = %(no)s"
)
_REVIVE: Final = (
    "UPDATE delivery SET due_at = %(now)s"
    " WHERE subscriber_no = %(no)s AND state = 'waiting' AND due_at > %(now)s"
)


class Outbox:
    """One asynchronous connection. Every call raises `store.errors.StoreError` while it is away."""

    def __init__(self, database_url: str, service_now: Callable[[], int]) -> None:
        self._url = database_url
        self._service_now = service_now
        self._connection: psycopg.AsyncConnection[DictRow] | None = None
        self._leading = False
        self._canaries = Place()

    async def lead(self) -> bool:
        """Whether this connection has the lock, or gets it now."""
        with translated():
            connection = await self._connected()
            if not self._leading:
                cursor = await connection.execute("SELECT pg_try_advisory_lock(%s) AS got", [_LOCK])
                row = await cursor.fetchone()
                self._leading = bool(row and row["got"])
                self._canaries.lose()
            return self._leading

    async def hand_over(self, kinds: Sequence[str], now: int) -> None:
        """Makes rows of what is new in the log, at most so many that `HELD` wait for anybody."""
        arguments = {"kinds": list(kinds), "now": to_datetime(now), "part": _PART, "held": HELD}
        with translated():
            await (await self._connected()).execute(_HAND_OVER, arguments)

    async def queues(self, kinds: Sequence[str], now: int) -> list[Queue]:
        """What waits for subscribers that do not rest, where something is due."""
        with translated():
            cursor = await (await self._connected()).execute(
                _QUEUES, {"kinds": list(kinds), "now": to_datetime(now)}
            )
            rows = await cursor.fetchall()
        return [
            _queue(no, list(group)) for no, group in groupby(rows, lambda row: row["subscriber_no"])
        ]

    async def loads(self, wanted: Mapping[int, Collection[int]], now: int) -> list[Load]:
        """The consumers by their numbers, with the events that are wanted for them."""
        events = sorted({event_id for events in wanted.values() for event_id in events})
        with translated():
            connection = await self._connected()
            cursor = await connection.execute(
                _CONSUMERS, {"nos": list(wanted), "now": to_datetime(now)}
            )
            consumers = [subscribers.consumer(row) for row in await cursor.fetchall()]
            cursor = await connection.execute(_MESSAGES, [events])
            messages = {row["event_id"]: _message(row) for row in await cursor.fetchall()}
        return [
            Load(
                consumer,
                tuple(
                    messages[event_id]
                    for event_id in sorted(wanted[consumer.no])
                    if event_id in messages
                ),
            )
            for consumer in consumers
        ]

    async def record(self, results: Sequence[Result], now: int, chance: float) -> None:
        """What came of calls, in one transaction."""
        with translated():
            connection = await self._connected()
            async with connection.transaction(), connection.cursor() as cursor:
                for result in sorted(results, key=lambda each: each.no):
                    await _settle(cursor, result, now, chance)

    async def canaries(self) -> list[Sighting]:
        """Those that have come since the last call; none at the first of a lead."""
        with translated():
            return await self._canaries.new(await self._connected())

    async def tidy(self, now: int) -> None:
        """Signals begin and end with what is in the rows; old rows go, a thousand at a time."""
        with translated():
            await outbox_upkeep.tidy(await self._connected(), now, self._service_now())

    async def close(self) -> None:
        """Gives the connection back, and the lock with it."""
        self._leading = False
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _connected(self) -> psycopg.AsyncConnection[DictRow]:
        if self._connection is None or self._connection.closed:
            self._leading = False
            self._connection = await psycopg.AsyncConnection.connect(
                self._url,
                connect_timeout=5,
                autocommit=True,
                row_factory=dict_row,
                # A server that does not notice that we are gone keeps our lock.
                options="-c timezone=UTC -c synchronous_commit=on -c statement_timeout=10000"
                " -c lock_timeout=5000 -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2"
                " -c tcp_keepalives_count=3",
                application_name="doorstep-outbox",
                keepalives_idle=5,
                keepalives_interval=2,
                keepalives_count=3,
                tcp_user_timeout=15_000,
            )
        return self._connection


async def _settle(
    cursor: psycopg.AsyncCursor[DictRow], result: Result, now: int, chance: float
) -> None:
    """One result. A subscriber that was taken away meanwhile has no rows to be written."""
    await cursor.execute(_HEALTH, [result.no])
    row = await cursor.fetchone()
    if row is None:
        return
    answer, moment = result.answer, to_datetime(now)
    before = _health(row)
    for each in result.deliveries:
        after = each.after(answer, now, chance)
        await cursor.execute(
            _SETTLE,
            {
                "no": result.no,
                "event": after.event_id,
                "state": after.state.value,
                "attempts": after.attempts,
                "status": after.status,
                "first": _moment(after.first_tried_at),
                "due": to_datetime(after.due_at),
                "now": moment,
            },
        )
    health = before.after(answer, now, chance)
    await cursor.execute(
        _REST,
        {
            "no": result.no,
            "failures": health.failures,
            "rest": _moment(health.rest_until),
            "gone": health.gone,
            "now": moment,
        },
    )
    if before.recovers(answer):
        await cursor.execute(_REVIVE, {"no": result.no, "now": moment})


def _queue(no: int, rows: Sequence[Mapping[str, Any]]) -> Queue:
    return Queue(
        no=no,
        kind=rows[0]["kind"],
        health=_health(rows[0]),
        waiting=tuple(_delivery(row) for row in rows),
    )


def _delivery(row: Mapping[str, Any]) -> Delivery:
    return Delivery(
        event_id=row["event_id"],
        alert_id=row["alert_id"],
        due_at=from_datetime(row["due_at"]),
        state=State.WAITING,
        attempts=row["attempts"],
        first_tried_at=_instant(row["first_tried_at"]),
        status=row["status"],
    )


def _health(row: Mapping[str, Any]) -> Health:
    return Health(row["failures"], _instant(row["rest_until"]))


def _message(row: Mapping[str, Any]) -> Message:
    return Message(
        event_id=row["event_id"],
        alert_id=row["alert_id"],
        grid=row["grid"],
        type=row["type"],
        kind=row["kind"],
        at=from_datetime(row["at"]),
        before=None if row["before"] is None else without_positions(row["before"]),
        after=without_positions(row["after"]),
        told=tuple(row["told"] or ()),
        why=row["why"] or "",
    )


def _instant(moment: Any) -> int | None:
    return None if moment is None else from_datetime(moment)


def _moment(instant: int | None) -> Any:
    return None if instant is None else to_datetime(instant)
