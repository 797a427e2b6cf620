"""What the outbox's rows need from time to time: signals of what does not arrive, and forgetting.

A signal `undeliverable` stands for each subscriber that alert events do not reach, for its grids.
It follows from the rows alone, so that it is right again soon after whatever happened to a process.
"""

from typing import Any, Final, LiteralString

import psycopg

from alerts.delivery import FAILURES_KEPT_US, KEPT_US, OVERDUE_US
from domain.instant import to_datetime

_TROUBLED: Final[LiteralString] = (
    "(s.stopped_why IS NOT DISTINCT FROM 'gone' OR (s.stopped_at IS NULL AND EXISTS ("
    "SELECT FROM delivery d WHERE d.subscriber_no = s.subscriber_no AND d.state <> 'delivered'"
    " AND (d.state = 'undeliverable' OR d.first_tried_at <= %(overdue)s))))"
)
"""Not stopped by a person, and gone, or with an event that waits too long or was given up."""
_SIGNALS_BEGIN: Final = (
    "INSERT INTO signal (kind, began_at, detail, subject, grid_nos)"
    " SELECT 'undeliverable', %(said_at)s,"
    " 'alert events do not reach the ' || s.kind || ' feed ' || coalesce(nullif(s.name, ''), s.id),"
    f" 'feed:' || s.id, s.grid_nos FROM subscriber s WHERE {_TROUBLED}"
    " ON CONFLICT (kind, subject) WHERE ended_at IS NULL DO NOTHING"
)
_SIGNALS_END: Final = (
    "UPDATE signal SET ended_at = %(said_at)s"
    " WHERE kind = 'undeliverable' AND ended_at IS NULL AND subject LIKE 'feed:%%'"
    " AND NOT EXISTS (SELECT FROM subscriber s WHERE 'feed:' || s.id = signal.subject"
    f" AND {_TROUBLED})"
)
_FORGET: Final = (
    "DELETE FROM delivery WHERE (subscriber_no, event_id) IN (SELECT subscriber_no, event_id"
    " FROM delivery WHERE state <> 'waiting' AND tried_at < CASE state"
    "  WHEN 'delivered' THEN %(delivered)s ELSE %(given_up)s END LIMIT 1000)"
)
_FORGET_SECRETS: Final = "DELETE FROM subscriber_secret WHERE until <= %(now)s"


async def tidy(connection: psycopg.AsyncConnection[Any], now: int, said_at: int) -> None:
    """Does all of it. Signals are on the service's clock (`said_at`), the rest is real time."""
    arguments = {
        "overdue": to_datetime(now - OVERDUE_US),
        "said_at": to_datetime(said_at),
        "delivered": to_datetime(now - KEPT_US),
        "given_up": to_datetime(now - FAILURES_KEPT_US),
        "now": to_datetime(now),
    }
    for statement in (_FORGET, _FORGET_SECRETS, _SIGNALS_END, _SIGNALS_BEGIN):
        await connection.execute(statement, arguments)
