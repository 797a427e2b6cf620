"""What an import of the roster corrects: what held before is kept, and who is to be judged anew.

Used inside the import's transaction: `remember` before anything is written, `keep` and `ask` after
it. Homes and thresholds hold from the file's effective time on; a correction that is effective
earlier than an older one replaces that one too. Leave windows and assignments carry their own
times. `ask` comes last, because ingestion waits for what it locks.
"""

from collections.abc import Sequence
from typing import Any, Final

import psycopg

from domain.instant import to_datetime

_REMEMBER: Final = (
    "CREATE TEMP TABLE episode_was ON COMMIT DROP AS"
    " SELECT episode_no, home, thresholds, leave, starts_at, ends_at FROM episode"
    " WHERE id = ANY(%s)"
)
_REMEMBER_WORN: Final = (
    "CREATE TEMP TABLE assignment_was ON COMMIT DROP AS"
    " SELECT a.* FROM assignment a JOIN device d USING (device_no) WHERE d.id = ANY(%s)"
)
_FORGET: Final = "DROP TABLE episode_was, assignment_was"

# What held just before the effective time: the oldest that held until then or longer, else what
# held until now. Nothing did before the episode began.
_KEEP: Final = (
    "INSERT INTO episode_before (episode_no, what, until_at, value)"
    " SELECT e.episode_no, %(what)s, %(effective_at)s,"
    " CASE WHEN b.until_at IS NULL THEN w.{what} ELSE b.value END"
    " FROM episode_was w JOIN episode e USING (episode_no) LEFT JOIN LATERAL"
    " (SELECT until_at, value FROM episode_before o WHERE o.episode_no = e.episode_no"
    "  AND o.what = %(what)s AND o.until_at >= %(effective_at)s ORDER BY until_at LIMIT 1) b"
    " ON true"
    " WHERE w.{what} IS DISTINCT FROM e.{what}"
    " AND least(w.starts_at, e.starts_at) < %(effective_at)s"
    " ON CONFLICT (episode_no, what, until_at) DO NOTHING"
)
_SUPERSEDE: Final = (
    "DELETE FROM episode_before b USING episode_was w JOIN episode e USING (episode_no)"
    " WHERE b.episode_no = e.episode_no AND b.what = %(what)s AND b.until_at > %(effective_at)s"
    " AND w.{what} IS DISTINCT FROM e.{what}"
)
_BY_WHAT: Final = {
    what: tuple(statement.replace("{what}", what) for statement in (_KEEP, _SUPERSEDE))
    for what in ("home", "thresholds")
}

# (episode_no, device_no, from_at) of everybody of whom something changed.
_OF_EPISODES: Final = (
    "SELECT a.episode_no, a.device_no, changed.from_at FROM assignment a JOIN ("
    " SELECT e.episode_no, %(effective_at)s::timestamptz AS from_at"
    "  FROM episode_was w JOIN episode e USING (episode_no)"
    "  WHERE w.home IS DISTINCT FROM e.home OR w.thresholds <> e.thresholds"
    " UNION ALL SELECT e.episode_no, least(w.starts_at, e.starts_at)"
    "  FROM episode_was w JOIN episode e USING (episode_no) WHERE w.starts_at <> e.starts_at"
    " UNION ALL SELECT e.episode_no, least(w.ends_at, e.ends_at)"
    "  FROM episode_was w JOIN episode e USING (episode_no) WHERE w.ends_at <> e.ends_at"
    " UNION ALL SELECT e.episode_no, (leave.entry->>'from')::timestamptz"
    "  FROM episode_was w JOIN episode e USING (episode_no), LATERAL ("
    "   (SELECT * FROM jsonb_array_elements(w.leave) EXCEPT"
    "    SELECT * FROM jsonb_array_elements(e.leave))"
    "   UNION ALL"
    "   (SELECT * FROM jsonb_array_elements(e.leave) EXCEPT"
    "    SELECT * FROM jsonb_array_elements(w.leave))) AS leave(entry)"
    "  WHERE w.leave <> e.leave"
    ") changed USING (episode_no)"
)
# Of devices that somebody wore before: who wears them next may be given readings of theirs.
_OF_ASSIGNMENTS: Final = (
    "SELECT a.episode_no, a.device_no, CASE WHEN w.device_no IS NULL THEN a.from_at"
    " ELSE least(w.to_at, a.to_at) END"
    " FROM assignment a LEFT JOIN assignment_was w USING (device_no, episode_no, from_at)"
    " WHERE a.device_no IN (SELECT device_no FROM assignment_was)"
    " AND (w.device_no IS NULL OR w.to_at IS DISTINCT FROM a.to_at)"
)
_ASK: Final = (
    "INSERT INTO late_work (episode_no, device_no, from_at, batch, roster_version)"
    " SELECT episode_no, device_no, min(from_at),"
    " (SELECT last_batch FROM shard WHERE shard = 0), %(version)s"
    f" FROM ({_OF_EPISODES} UNION ALL {_OF_ASSIGNMENTS}) AS corrected GROUP BY 1, 2 ORDER BY 1, 2"
    " ON CONFLICT (episode_no, device_no) DO UPDATE SET"
    " from_at = least(late_work.from_at, excluded.from_at),"
    " roster_version = excluded.roster_version"
)

# Rows are locked in another order by a worker that takes them: one of the two goes first.
_LOCK: Final = "LOCK TABLE late_work IN EXCLUSIVE MODE"

Cursor = psycopg.Cursor[dict[str, Any]]


def remember(cursor: Cursor, episodes: Sequence[str], devices: Sequence[str]) -> None:
    """Notes what is there of these episodes, and who wears these devices, by id."""
    cursor.execute(_REMEMBER, [list(episodes)])
    cursor.execute(_REMEMBER_WORN, [sorted({*devices})])


def keep(cursor: Cursor, effective_at: int) -> None:
    """Keeps the homes and thresholds that held until `effective_at` and were overwritten."""
    for what, statements in _BY_WHAT.items():
        for statement in statements:
            cursor.execute(statement, {"what": what, "effective_at": to_datetime(effective_at)})


def ask(cursor: Cursor, effective_at: int, version: int) -> None:
    """Has everybody of whom something changed judged anew, by a process with this roster."""
    cursor.execute(_LOCK)
    cursor.execute(_ASK, {"effective_at": to_datetime(effective_at), "version": version})
    cursor.execute(_FORGET)
