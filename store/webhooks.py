"""Webhooks as supervisors and admins see and keep them: rows of `subscriber` of that kind.

A webhook is the member's who asks when each of its grids is: of others they are not told. Secrets
are written here and never read; `store.outbox` reads them for the sender.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import dict_row

from alerts.casework import BadCursor, Page
from alerts.delivery import HELD, Consumer, State
from alerts.subscription import Changes, Subscription
from domain.instant import format_rfc3339, from_datetime, to_datetime
from store import subscribers
from store.pool import as_the_service

MOST: Final = 200
"""Webhooks of all grids: each has calls of its own under way, so that they need a bound."""

_OWN: Final = "s.kind = 'webhook' AND s.grid_nos <@ %(grids)s::int[]"
_LOOK: Final[LiteralString] = (
    "SELECT s.id, s.name, s.config->>'url' AS url, s.created_by, s.created_at, s.stopped_why,"
    " s.failures, s.rest_until,"
    " (SELECT array_agg(g.id ORDER BY g.id) FROM grid g WHERE g.grid_no = ANY(s.grid_nos))"
    "  AS grids,"
    " (SELECT max(k.until) FROM subscriber_secret k WHERE k.subscriber_no = s.subscriber_no"
    "   AND k.until > %(now)s) AS old_secret_until,"
    " c.waiting, c.undeliverable, c.delivered_at"
    " FROM subscriber s CROSS JOIN LATERAL (SELECT"
    "  count(*) FILTER (WHERE d.state = 'waiting') AS waiting,"
    "  count(*) FILTER (WHERE d.state = 'undeliverable') AS undeliverable,"
    "  max(d.delivered_at) AS delivered_at"
    "  FROM delivery d WHERE d.subscriber_no = s.subscriber_no) c"
    f" WHERE {_OWN}"
)
_KNOWN: Final = f"SELECT s.subscriber_no FROM subscriber s WHERE {_OWN} AND s.id = %(id)s"
_NUMBER: Final = f"{_KNOWN} FOR NO KEY UPDATE"
_COUNT: Final = "SELECT count(*) FROM subscriber WHERE kind = 'webhook'"
_CHANGE: Final = (
    "UPDATE subscriber SET version = version + 1, name = coalesce(%(name)s, name),"
    " grid_nos = coalesce(%(grid_nos)s::int[], grid_nos),"
    " config = CASE WHEN %(url)s::text IS NULL THEN config"
    "  ELSE config || jsonb_build_object('url', %(url)s::text) END"
    " WHERE subscriber_no = %(no)s"
)
_STOP: Final = (
    "UPDATE subscriber SET stopped_at = coalesce(stopped_at, %(now)s), stopped_why = 'person'"
    " WHERE subscriber_no = %(no)s"
)
_START: Final = (
    "UPDATE subscriber SET stopped_at = NULL, stopped_why = NULL, failures = 0, rest_until = NULL"
    " WHERE subscriber_no = %(no)s"
)
_DUE: Final = (
    "UPDATE delivery SET due_at = %(now)s"
    " WHERE subscriber_no = %(no)s AND state = 'waiting' AND due_at > %(now)s"
)
_ADD_KEY: Final = (
    "INSERT INTO subscriber_secret (subscriber_no, secret, made_at) VALUES (%s, %s, %s)"
)
_DELIVERIES: Final = (
    "SELECT d.event_id, d.alert_id, d.state, d.attempts, d.first_tried_at, d.tried_at, d.due_at,"
    " d.delivered_at, d.status FROM delivery d JOIN subscriber s USING (subscriber_no)"
    f" WHERE {_OWN} AND s.id = %(id)s AND (%(state)s::text IS NULL OR d.state = %(state)s)"
    " AND (%(before)s::bigint IS NULL OR d.event_id < %(before)s::bigint)"
    " ORDER BY d.event_id DESC LIMIT %(limit)s"
)
_RESEND: Final = (
    "INSERT INTO delivery (subscriber_no, event_id, alert_id, state, due_at)"
    " SELECT s.subscriber_no, e.event_id, e.alert_id, 'waiting', %(now)s"
    " FROM subscriber s JOIN alert_event e ON e.grid_no = ANY(s.grid_nos)"
    " WHERE s.subscriber_no = %(no)s AND e.event_id = %(event)s AND e.event_id <= s.cursor"
    " ON CONFLICT (subscriber_no, event_id) DO UPDATE SET state = 'waiting', due_at = %(now)s,"
    " attempts = 0, first_tried_at = NULL, delivered_at = NULL RETURNING event_id"
)
_WAITING: Final = "SELECT count(*) FROM delivery WHERE subscriber_no = %s AND state = 'waiting'"
_RESENT_AT_MOST: Final = 2 * HELD
"""That may wait when a person has more sent again."""
_TEST: Final = f"{subscribers.CONSUMER} WHERE {_OWN} AND s.id = %(id)s"

Grids = Sequence[int]


def listed(connection: psycopg.Connection, grids: Grids, now: int) -> list[dict[str, Any]]:
    """All of them, in the order they were made."""
    return _looked(connection, " ORDER BY s.subscriber_no", {"grids": list(grids)}, now)


def one(connection: psycopg.Connection, grids: Grids, id_: str, now: int) -> dict[str, Any] | None:
    """One of them."""
    found = _looked(connection, " AND s.id = %(id)s", {"grids": list(grids), "id": id_}, now)
    return found[0] if found else None


def known(connection: psycopg.Connection, grids: Grids, id_: str) -> bool:
    """Whether there is such a one."""
    arguments = {"grids": list(grids), "id": id_}
    return connection.execute(_KNOWN, arguments).fetchone() is not None


def grid_nos(connection: psycopg.Connection, grids: Grids, id_: str) -> list[int]:
    """Whose events it is sent; none where there is no such one."""
    statement = f"SELECT s.grid_nos FROM subscriber s WHERE {_OWN} AND s.id = %(id)s"
    row = connection.execute(statement, {"grids": list(grids), "id": id_}).fetchone()
    return [] if row is None else list(row[0])


def add(connection: psycopg.Connection, wanted: Subscription, secret: str, now: int) -> bool:
    """Makes one; False when there are too many."""
    with connection.transaction(), connection.cursor() as cursor:
        with as_the_service(connection):
            # One at a time, so that the bound is one; it counts those of other grids too.
            cursor.execute("LOCK TABLE subscriber IN SHARE ROW EXCLUSIVE MODE")
            cursor.execute(_COUNT)
            many = _first(cursor)
        if many >= MOST:
            return False
        cursor.execute(_ADD_KEY, [subscribers.add(cursor, wanted, now), secret, to_datetime(now)])
        return True


def change(
    connection: psycopg.Connection, grids: Grids, id_: str, changes: Changes, now: int
) -> bool:
    """Changes one; False when there is none. Started again, it goes on where it was."""
    with connection.transaction(), connection.cursor() as cursor:
        number = _number(cursor, grids, id_)
        if number is None:
            return False
        arguments = {
            "no": number,
            "now": to_datetime(now),
            "name": changes.name,
            "url": changes.url,
            "grid_nos": None if changes.grid_nos is None else list(changes.grid_nos),
        }
        cursor.execute(_CHANGE, arguments)
        if changes.enabled is False:
            cursor.execute(_STOP, arguments)
        elif changes.enabled is True:
            cursor.execute(_START, arguments)
            cursor.execute(_DUE, arguments)
        return True


def remove(connection: psycopg.Connection, grids: Grids, id_: str) -> bool:
    """Takes one away, with its log; False when there is none."""
    with connection.transaction(), connection.cursor() as cursor:
        number = _number(cursor, grids, id_)
        if number is None:
            return False
        cursor.execute("DELETE FROM subscriber WHERE subscriber_no = %s", [number])
        return True


def rotate(
    connection: psycopg.Connection, grids: Grids, id_: str, secret: str, span: tuple[int, int]
) -> bool:
    """A new secret; the one so far counts beside it within `span` (now, until). False: no such."""
    now, until = (to_datetime(instant) for instant in span)
    with connection.transaction(), connection.cursor() as cursor:
        number = _number(cursor, grids, id_)
        if number is None:
            return False
        cursor.execute(
            "DELETE FROM subscriber_secret WHERE subscriber_no = %s AND until IS NOT NULL", [number]
        )
        cursor.execute(
            "UPDATE subscriber_secret SET until = %s WHERE subscriber_no = %s", [until, number]
        )
        cursor.execute(_ADD_KEY, [number, secret, now])
        return True


def deliveries(
    connection: psycopg.Connection,
    grids: Grids,
    id_: str,
    state: State | None,
    page: tuple[str | None, int],
) -> Page:
    """What became of events, the newest first; `page` is cursor and limit. Raises `BadCursor`."""
    after, limit = page
    if after is not None and not (after.isascii() and after.isdigit() and len(after) < 19):
        raise BadCursor("this cursor was not given out by this service")
    arguments = {
        "grids": list(grids),
        "id": id_,
        "state": None if state is None else state.value,
        "before": None if after is None else int(after),
        "limit": limit + 1,
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_DELIVERIES, arguments).fetchall()
    shown = rows[:limit]
    more = str(shown[-1]["event_id"]) if len(rows) > limit else None
    return Page([_delivery(row) for row in shown], more)


def resend(
    connection: psycopg.Connection, grids: Grids, id_: str, event_id: int, now: int
) -> bool | None:
    """Has an event sent again; None: no such event there, False: too much waits already."""
    with connection.transaction(), connection.cursor() as cursor:
        number = _number(cursor, grids, id_)
        if number is None:
            return None
        cursor.execute(_WAITING, [number])
        if _first(cursor) >= _RESENT_AT_MOST:
            return False
        arguments = {"no": number, "event": event_id, "now": to_datetime(now)}
        return True if cursor.execute(_RESEND, arguments).fetchone() else None


def consumer(connection: psycopg.Connection, grids: Grids, id_: str, now: int) -> Consumer | None:
    """One of them as a sender gets it, for a test: with secrets, which staff may not read."""
    arguments = {"grids": list(grids), "id": id_, "now": to_datetime(now)}
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_TEST, arguments).fetchone()
    return None if row is None else subscribers.consumer(row)


def _looked(
    connection: psycopg.Connection, tail: LiteralString, arguments: Mapping[str, Any], now: int
) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(_LOOK + tail, {**arguments, "now": to_datetime(now)})
        return [_webhook(row) for row in cursor.fetchall()]


def _webhook(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "url": row["url"],
        "grids": row["grids"] or [],
        "enabled": row["stopped_why"] is None,
        "stopped_why": row["stopped_why"],
        "created_by": row["created_by"],
        "created_at": _text(row["created_at"]),
        "failures": row["failures"],
        "rest_until": _text(row["rest_until"]),
        "waiting": row["waiting"],
        "undeliverable": row["undeliverable"],
        "delivered_at": _text(row["delivered_at"]),
        "old_secret_until": _text(row["old_secret_until"]),
    }


def _delivery(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": f"evt_{row['event_id']}",
        "event": row["event_id"],
        "alert": row["alert_id"],
        "state": row["state"],
        "attempts": row["attempts"],
        "first_tried_at": _text(row["first_tried_at"]),
        "tried_at": _text(row["tried_at"]),
        "due_at": _text(row["due_at"]) if row["state"] == State.WAITING else None,
        "delivered_at": _text(row["delivered_at"]),
        "status": row["status"],
    }


def _number(cursor: psycopg.Cursor, grids: Grids, id_: str) -> int | None:
    row = cursor.execute(_NUMBER, {"grids": list(grids), "id": id_}).fetchone()
    return None if row is None else int(row[0])


def _first(cursor: psycopg.Cursor) -> int:
    row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def _text(moment: Any) -> str | None:
    return None if moment is None else format_rfc3339(from_datetime(moment))
