"""Alerts of some episodes with what a score needs of each; nothing of who is meant."""

from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from domain.instant import from_datetime, parse_rfc3339

_KNOWN: Final = "SELECT count(*) FROM episode WHERE id = ANY(%s)"
_RAISED: Final = (
    "SELECT e.id AS episode, a.rule, a.onset_at, coalesce(a.cleared_at, a.closed_at) AS ended_at,"
    " (SELECT v.after ->> 'last_at' FROM alert_event v WHERE v.alert_id = a.id"
    "  ORDER BY v.event_id LIMIT 1) AS supported_at"
    " FROM alert a JOIN episode e USING (episode_no) WHERE e.id = ANY(%s)"
    " ORDER BY a.onset_at, a.id"
)


def known(connection: psycopg.Connection, episodes: Sequence[str]) -> int:
    """How many of these episodes there are."""
    row = connection.execute(_KNOWN, [list(episodes)]).fetchone()
    assert row is not None
    return int(row[0])


def raised(connection: psycopg.Connection, episodes: Sequence[str]) -> list[dict[str, Any]]:
    """`episode`, `rule`, and the instants `onset_at`, `ended_at` (or None), `supported_at`."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(_RAISED, [list(episodes)])
        return [
            {
                "episode": row["episode"],
                "rule": row["rule"],
                "onset_at": from_datetime(row["onset_at"]),
                "ended_at": None if row["ended_at"] is None else from_datetime(row["ended_at"]),
                "supported_at": parse_rfc3339(row["supported_at"]),
            }
            for row in cursor.fetchall()
        ]
