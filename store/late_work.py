"""Wearers whose late readings are stored and wait to be judged in their place, and their histories.

Wearers of whom the roster was corrected wait among them (`store.corrections`), for a process that
has that roster. Coalesced per wearer. A step takes a bounded number of them, so that readings of
others never wait long behind it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import psycopg

from domain.batch import Rows
from domain.instant import from_datetime, to_datetime
from ingest.work import History
from rules.finding import JOURNAL_RULES, Finding, FindingKey, Rule, Severity, SiteClass
from store.readings import fetch

Pair = tuple[int, int]
"""(episode_no, device_no)."""

EVENT_TIME_RULES: Final = tuple(rule.value for rule in Rule if rule not in JOURNAL_RULES)
"""Rules whose findings follow from the readings alone. The other two go by the journal's order."""

_ADD: Final = (
    "INSERT INTO late_work (episode_no, device_no, from_at, batch)"
    " SELECT *, %s FROM unnest(%s::int[], %s::int[], %s::timestamptz[])"
    " ON CONFLICT (episode_no, device_no) DO UPDATE SET"
    " from_at = least(late_work.from_at, excluded.from_at), batch = excluded.batch"
)
_TAKE: Final = (
    "SELECT episode_no, device_no, from_at, roster_version FROM late_work"
    " WHERE roster_version <= %s"
    " ORDER BY batch, episode_no, device_no LIMIT %s FOR UPDATE"
)
# Readings of these devices that another's assignment covers since the roster was corrected,
# whoever was thought to have worn the device: that may have been corrected before.
_HAND_OVER: Final = (
    "UPDATE reading r SET episode_no = a.episode_no FROM"
    " (SELECT device_no, min(from_at) AS from_at FROM"
    "  unnest(%s::int[], %s::timestamptz[]) AS corrected(device_no, from_at) GROUP BY 1) t,"
    " assignment a JOIN episode e USING (episode_no)"
    " WHERE r.device_no = t.device_no"
    " AND r.measured_at >= t.from_at AND a.device_no = r.device_no AND a.episode_no <> r.episode_no"
    " AND r.measured_at >= a.from_at AND (a.to_at IS NULL OR r.measured_at < a.to_at)"
    " AND r.measured_at >= e.starts_at AND r.measured_at < e.ends_at"
    " RETURNING a.episode_no, r.device_no, r.measured_at"
)
_ADD_HANDED_OVER: Final = (
    "INSERT INTO late_work (episode_no, device_no, from_at, batch, roster_version)"
    " SELECT *, (SELECT last_batch FROM shard WHERE shard = 0),"
    " (SELECT max(version) FROM roster_version)"
    " FROM unnest(%s::int[], %s::int[], %s::timestamptz[])"
    " ON CONFLICT (episode_no, device_no) DO UPDATE SET"
    " from_at = least(late_work.from_at, excluded.from_at),"
    " roster_version = excluded.roster_version"
)
_REMOVE: Final = (
    "DELETE FROM late_work w USING unnest(%s::int[], %s::int[]) AS t(episode_no, device_no)"
    " WHERE w.episode_no = t.episode_no AND w.device_no = t.device_no"
)
_COLUMNS: Final = (
    "SELECT episode_no, device_no, rule, site_class, onset_at, ended_at, severity, last_at, value,"
    " peak, limit_value, origin, site, detail FROM finding WHERE withdrawn_at IS NULL"
)
_STANDING: Final = (
    f"{_COLUMNS} AND episode_no = ANY(%s) AND device_no = ANY(%s)"
    " AND (rule = ANY(%s) OR site_class = 'home') ORDER BY onset_at, finding_no"
)
_BETWEEN: Final = (
    f"{_COLUMNS.replace(' FROM ', ', rulebook_version FROM ', 1)}"
    " AND onset_at >= %s AND onset_at < %s ORDER BY onset_at, finding_no"
)
_IN_JOURNAL_ORDER: Final = f"{_COLUMNS} AND rule = %s AND site_class = '' AND ended_at IS NULL"


def add(cursor: psycopg.Cursor, oldest: Mapping[tuple[int, int], int], batch: int) -> None:
    """Notes for (episode_no, device_no) how old a reading of theirs waits to be judged."""
    if oldest:
        cursor.execute(_ADD, [batch, *_in_order(oldest)])


def _in_order(oldest: Mapping[Pair, int]) -> list[list[Any]]:
    """Columns of episodes, devices and moments, in order of the pairs: rows are locked in it."""
    pairs = sorted(oldest)
    episodes, devices = zip(*pairs, strict=True)
    return [list(episodes), list(devices), [to_datetime(oldest[pair]) for pair in pairs]]


def take(cursor: psycopg.Cursor, wearers: int, roster_version: int) -> tuple[History, ...]:
    """Up to so many of those that have waited longest, with all that is stored of them.

    Those who wait for a newer roster are left.
    """
    cursor.execute(_TAKE, [roster_version, wearers])
    taken = cursor.fetchall()
    if not taken:
        return ()
    late_from: dict[Pair, int] = {
        (episode_no, device_no): from_datetime(from_at)
        for episode_no, device_no, from_at, _ in taken
    }
    corrected = [(device_no, from_at) for _, device_no, from_at, version in taken if version]
    if corrected:
        _hand_over(cursor, corrected)
    episodes = [episode_no for episode_no, _ in late_from]
    devices = [device_no for _, device_no in late_from]
    # Each by itself, and not as pairs: that is what the key of the readings can be searched by.
    rows = fetch(cursor, "WHERE device_no = ANY({}) AND episode_no = ANY({})", [devices, episodes])
    order = np.lexsort((rows["digest"], rows["measured_at"], rows["device_no"], rows["episode_no"]))
    rows = rows[order]
    standing = _standing(cursor, episodes, devices)
    return tuple(
        History(*pair, _of(rows, *pair), tuple(standing.get(pair, ())), at)
        for pair, at in late_from.items()
    )


def _hand_over(cursor: psycopg.Cursor, corrected: Sequence[tuple[Any, ...]]) -> None:
    """Gives readings to whoever wore the device then, as it is known now, to be judged as theirs.

    Done by the worker, and not by the import: no reading is stored by the old roster any more.
    """
    cursor.execute(_HAND_OVER, [list(column) for column in zip(*corrected, strict=True)])
    oldest: dict[Pair, int] = {}
    for episode_no, device_no, moment in cursor.fetchall():
        pair, measured_at = (episode_no, device_no), from_datetime(moment)
        oldest[pair] = min(measured_at, oldest.get(pair, measured_at))
    if oldest:
        cursor.execute(_ADD_HANDED_OVER, _in_order(oldest))


def _of(rows: Rows, episode_no: int, device_no: int) -> Rows:
    """The rows of one wearer, of rows in order of episode and device."""
    begin, end = np.searchsorted(rows["episode_no"], [episode_no, episode_no + 1])
    devices = rows["device_no"][begin:end]
    first, last = np.searchsorted(devices, [device_no, device_no + 1])
    return rows[begin + first : begin + last]


def _standing(
    cursor: psycopg.Cursor, episodes: list[int], devices: list[int]
) -> dict[Pair, list[Finding]]:
    """The findings of event-time rules that stand, by wearer, in order of onset."""
    found: dict[Pair, list[Finding]] = {}
    for row in cursor.execute(_STANDING, [episodes, devices, list(EVENT_TIME_RULES)]):
        finding = _finding(*row)
        found.setdefault((finding.key.episode_no, finding.key.device_no), []).append(finding)
    return found


def standing_of(cursor: psycopg.Cursor, rule: Rule) -> tuple[Finding, ...]:
    """What has not ended of a rule that goes by the journal, as far as the ledger knows."""
    cursor.execute(_IN_JOURNAL_ORDER, [rule.value])
    return tuple(_finding(*row) for row in cursor.fetchall())


def findings_between(
    cursor: psycopg.Cursor, from_at: int, to_at: int
) -> tuple[tuple[Finding, str], ...]:
    """What stands and began in that time, in order of onset, each with its rulebook's version."""
    cursor.execute(_BETWEEN, [to_datetime(from_at), to_datetime(to_at)])
    return tuple((_finding(*row), version) for *row, version in cursor.fetchall())


def _finding(*row: Any) -> Finding:
    (episode_no, device_no, rule, site_class, onset_at, ended_at, severity, *rest) = row
    last_at, value, peak, limit, origin, site, detail = rest
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
        detail=detail,
    )


def remove(cursor: psycopg.Cursor, histories: Sequence[History]) -> None:
    """Notes that these wearers are judged."""
    if histories:
        cursor.execute(
            _REMOVE,
            [[each.episode_no for each in histories], [each.device_no for each in histories]],
        )


def left(cursor: psycopg.Cursor, roster_version: int) -> bool:
    """Whether anybody waits whom a process with this roster can judge."""
    cursor.execute(
        "SELECT EXISTS (SELECT FROM late_work WHERE roster_version <= %s)", [roster_version]
    )
    row = cursor.fetchone()
    assert row is not None
    return bool(row[0])
