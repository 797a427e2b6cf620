"""Wearers whose late readings are stored and wait to be judged in their place, and their histories.

Coalesced per wearer. A step takes a bounded number of them, so that readings of others never wait
long behind it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg

from domain.instant import from_datetime, to_datetime
from ingest.work import History
from rules.finding import Finding, FindingKey, Rule, Severity, SiteClass
from store.readings import fetch

WEARERS_A_STEP: Final = 50

EVENT_TIME_RULES: Final = tuple(
    rule.value for rule in Rule if rule not in (Rule.SILENT, Rule.DEVICE_FAULT)
)
"""Rules whose findings follow from the readings alone. The other two go by the journal's order."""

_ADD: Final = (
    "INSERT INTO late_work (episode_no, device_no, from_at, batch) VALUES (%s, %s, %s, %s)"
    " ON CONFLICT (episode_no, device_no) DO UPDATE SET"
    " from_at = least(late_work.from_at, excluded.from_at), batch = excluded.batch"
)
_TAKE: Final = (
    "SELECT episode_no, device_no, from_at FROM late_work ORDER BY batch, episode_no, device_no"
    " LIMIT %s FOR UPDATE"
)
_COLUMNS: Final = (
    "SELECT episode_no, device_no, rule, site_class, onset_at, ended_at, severity, last_at, value,"
    " peak, limit_value, origin, site FROM finding WHERE withdrawn_at IS NULL"
)
_STANDING: Final = (
    f"{_COLUMNS} AND episode_no = %s AND device_no = %s AND rule = ANY(%s)"
    " ORDER BY onset_at, finding_no"
)
_SILENCES: Final = f"{_COLUMNS} AND rule = 'silent' AND ended_at IS NULL"


def add(cursor: psycopg.Cursor, oldest: Mapping[tuple[int, int], int], batch: int) -> None:
    """Notes for (episode_no, device_no) how old a reading of theirs waits to be judged."""
    if oldest:
        cursor.executemany(
            _ADD,
            [(*pair, to_datetime(from_at), batch) for pair, from_at in sorted(oldest.items())],
        )


def take(cursor: psycopg.Cursor) -> tuple[History, ...]:
    """The wearers that have waited longest, with all that is stored of them."""
    cursor.execute(_TAKE, [WEARERS_A_STEP])
    return tuple(
        history(cursor, episode_no, device_no, from_datetime(from_at))
        for episode_no, device_no, from_at in cursor.fetchall()
    )


def history(cursor: psycopg.Cursor, episode_no: int, device_no: int, late_from: int) -> History:
    """Everything stored of one wearer."""
    rows = fetch(
        cursor,
        "WHERE episode_no = {} AND device_no = {} ORDER BY measured_at, digest",
        [episode_no, device_no],
    )
    return History(episode_no, device_no, rows, standing(cursor, episode_no, device_no), late_from)


def standing(cursor: psycopg.Cursor, episode_no: int, device_no: int) -> tuple[Finding, ...]:
    """The findings of event-time rules that stand for one wearer, in order of onset."""
    cursor.execute(_STANDING, [episode_no, device_no, list(EVENT_TIME_RULES)])
    return tuple(_finding(*row) for row in cursor.fetchall())


def standing_silences(cursor: psycopg.Cursor) -> tuple[Finding, ...]:
    """Who is silent, as far as the ledger knows."""
    cursor.execute(_SILENCES)
    return tuple(_finding(*row) for row in cursor.fetchall())


def _finding(*row: Any) -> Finding:
    (episode_no, device_no, rule, site_class, onset_at, ended_at, severity, *rest) = row
    last_at, value, peak, limit, origin, site = rest
    return Finding(
        key=FindingKey(episode_no, device_no, Rule(rule), SiteClass(site_class)),
        onset_at=from_datetime(onset_at),
        ended_at=None if ended_at is None else from_datetime(ended_at),
        severity=Severity[severity.upper()],
        last_at=from_datetime(last_at),
        value=value,
        peak=peak,
        limit=limit,
        origin=origin,
        site=site,
    )


def remove(cursor: psycopg.Cursor, histories: Sequence[History]) -> None:
    """Notes that these wearers are judged."""
    if histories:
        cursor.executemany(
            "DELETE FROM late_work WHERE episode_no = %s AND device_no = %s",
            [(history.episode_no, history.device_no) for history in histories],
        )


def left(cursor: psycopg.Cursor) -> bool:
    """Whether anybody waits."""
    cursor.execute("SELECT EXISTS (SELECT FROM late_work)")
    row = cursor.fetchone()
    assert row is not None
    return bool(row[0])
