"""The rows of `finding`: written from the changes of one step, read as `alerts.evidence.Held`.

Only the ledger's transactions write here. What a step says of one finding is folded into one row
first, so that a step costs one statement of each kind, and a step in which findings were only seen
again costs one statement in all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from alerts.evidence import Held, Worn
from alerts.folding import Folded
from domain.instant import from_datetime, to_datetime
from rules.finding import Finding, FindingKey, Rule, Severity, SiteClass
from store.rulebooks import read

Identity = tuple[FindingKey, int]
"""What tells one standing finding from another: its key and its onset."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A row that is not withdrawn."""

    finding_no: int
    held: Held
    worn: Worn
    placed: Rule | None
    """The rule of the alert it belongs to."""


_KEY_ROWS: Final = (
    "unnest(%(episode_no)s::int[], %(device_no)s::int[], %(rule)s::text[], %(site_class)s::text[],"
    " %(stored_onset_at)s::timestamptz[]"
)
_SAME: Final = (
    " WHERE f.episode_no = t.episode_no AND f.device_no = t.device_no AND f.rule = t.rule"
    " AND f.site_class = t.site_class AND f.onset_at = t.stored_onset_at"
    " AND f.withdrawn_at IS NULL"
)
_WITHDRAW: Final = (
    f"UPDATE finding f SET withdrawn_at = %(now)s, batch = %(batch)s FROM {_KEY_ROWS})"
    " AS t(episode_no, device_no, rule, site_class, stored_onset_at)"
    f"{_SAME} RETURNING f.alert_id"
)
_VALUE_ROWS: Final = (
    "%(onset_at)s::timestamptz[], %(ended_at)s::timestamptz[], %(severity)s::text[],"
    " %(last_at)s::timestamptz[], %(value)s::int[], %(peak)s::int[], %(limit_value)s::int[],"
    " %(origin)s::text[], %(site)s::text[], %(detail)s::text[], %(late)s::boolean[])"
)
_VALUES: Final = (
    "onset_at, ended_at, severity, last_at, value, peak, limit_value, origin, site, detail, late"
)
# The version in force at the newest support: a late reading is judged by the rulebook of its time.
_VERSION: Final = (
    "coalesce((SELECT r.version FROM rulebook r WHERE r.effective_at <= t.last_at"
    " ORDER BY r.effective_at DESC LIMIT 1),"
    " (SELECT r.version FROM rulebook r ORDER BY r.effective_at LIMIT 1), %(rulebook_version)s)"
)
_UPDATE: Final = (
    "UPDATE finding f SET onset_at = t.onset_at, ended_at = t.ended_at, severity = t.severity,"
    " last_at = t.last_at, value = t.value, peak = t.peak, limit_value = t.limit_value,"
    " origin = t.origin, site = t.site, detail = t.detail,"
    f" rulebook_version = {_VERSION}, batch = %(batch)s"
    f" FROM {_KEY_ROWS}, {_VALUE_ROWS}"
    f" AS t(episode_no, device_no, rule, site_class, stored_onset_at, {_VALUES}){_SAME}"
)
_INSERT: Final = (
    "INSERT INTO finding (episode_no, device_no, rule, site_class,"
    f" {_VALUES}, rulebook_version, batch)"
    f" SELECT episode_no, device_no, rule, site_class, {_VALUES}, {_VERSION}, %(batch)s"
    f" FROM {_KEY_ROWS}, {_VALUE_ROWS}"
    f" AS t(episode_no, device_no, rule, site_class, stored_onset_at, {_VALUES})"
    " ON CONFLICT (episode_no, device_no, rule, site_class, onset_at) WHERE withdrawn_at IS NULL"
    " DO UPDATE SET ended_at = excluded.ended_at, severity = excluded.severity,"
    " last_at = excluded.last_at, value = excluded.value, peak = excluded.peak,"
    " limit_value = excluded.limit_value, origin = excluded.origin, site = excluded.site,"
    " detail = excluded.detail,"
    " rulebook_version = excluded.rulebook_version, batch = excluded.batch"
)


def write(
    cursor: psycopg.Cursor, folded: Sequence[Folded], now: int, rulebook_version: str, batch: int
) -> list[str]:
    """Writes what a step says; returns the ids of the alerts that lost a finding, in order.

    `rulebook_version` is for a database that has recorded none. Withdrawals go first and an onset
    that moves goes out of the way of the next, so that no row is ever in the place of another.
    """
    told = {"now": to_datetime(now), "rulebook_version": rulebook_version, "batch": batch}
    lost: dict[str, bool] = {}
    withdrawn = [entry for entry in folded if entry.withdrawn]
    if withdrawn:
        cursor.execute(_WITHDRAW, told | _columns(withdrawn))
        lost = {row[0]: True for row in cursor.fetchall() if row[0] is not None}
    stays = [e for e in folded if not e.withdrawn and e.stored_onset_at == e.finding.onset_at]
    if stays:
        cursor.execute(_UPDATE, told | _columns(stays))
    for entry in _moving(folded):
        cursor.execute(_UPDATE, told | _columns([entry]))
    fresh = [entry for entry in folded if entry.stored_onset_at is None]
    if fresh:
        cursor.execute(_INSERT, told | _columns(fresh))
    return sorted(lost)


def _moving(folded: Sequence[Folded]) -> list[Folded]:
    """Onsets that move: earlier ones from the front, later ones from the back."""
    earlier: list[tuple[int, Folded]] = []
    later: list[tuple[int, Folded]] = []
    for entry in folded:
        stored = entry.stored_onset_at
        if stored is not None and not entry.withdrawn:
            if entry.finding.onset_at < stored:
                earlier.append((stored, entry))
            elif entry.finding.onset_at > stored:
                later.append((stored, entry))
    earlier.sort(key=lambda pair: pair[0])
    later.sort(key=lambda pair: -pair[0])
    return [entry for _, entry in (*earlier, *later)]


def _columns(folded: Sequence[Folded]) -> dict[str, list[Any]]:
    findings = [entry.finding for entry in folded]
    return {
        "episode_no": [finding.key.episode_no for finding in findings],
        "device_no": [finding.key.device_no for finding in findings],
        "rule": [finding.key.rule.value for finding in findings],
        "site_class": [finding.key.site_class.value for finding in findings],
        "stored_onset_at": [_moment(entry.stored_onset_at) for entry in folded],
        "onset_at": [to_datetime(finding.onset_at) for finding in findings],
        "ended_at": [_moment(finding.ended_at) for finding in findings],
        "severity": [finding.severity.word for finding in findings],
        "last_at": [to_datetime(finding.last_at) for finding in findings],
        "value": [finding.value for finding in findings],
        "peak": [finding.peak for finding in findings],
        "limit_value": [finding.limit for finding in findings],
        "origin": [finding.origin for finding in findings],
        "site": [finding.site for finding in findings],
        "detail": [finding.detail for finding in findings],
        "late": [entry.late for entry in folded],
    }


def _moment(instant: int | None) -> Any:
    return None if instant is None else to_datetime(instant)


_SELECT: Final = (
    "SELECT f.*, d.id AS device, d.interval_s, a.rule AS placed,"
    # Only what is critical has crossed a bound that is not in its row.
    " CASE f.severity WHEN 'critical' THEN (SELECT r.document::text FROM rulebook r"
    "  WHERE r.version = f.rulebook_version LIMIT 1) END AS book FROM finding f"
    " JOIN device d USING (device_no) LEFT JOIN alert a ON a.id = f.alert_id"
    " WHERE f.withdrawn_at IS NULL AND "
)
_OF_CASES: Final = (
    f"{_SELECT}(f.episode_no, f.rule) IN"
    " (SELECT * FROM unnest(%(episodes)s::int[], %(rules)s::text[]))"
    " AND (f.ended_at IS NULL OR f.alert_id IS NULL OR f.alert_id = ANY(%(alerts)s))"
    " ORDER BY f.finding_no"
)
_FAULTS: Final = (
    f"{_SELECT}f.episode_no = ANY(%s) AND f.rule = 'device_fault' AND f.site_class = ''"
    " AND f.ended_at IS NULL ORDER BY f.finding_no"
)
_OF_ALERTS: Final = f"{_SELECT}f.alert_id = ANY(%s) ORDER BY f.finding_no"


def of_cases(
    connection: psycopg.Connection, cases: Sequence[tuple[int, Rule]], alerts: Sequence[str]
) -> list[Standing]:
    """The findings of these cases that are still so, belong to no alert yet, or to one of these."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            _OF_CASES,
            {
                "episodes": [episode_no for episode_no, _ in cases],
                "rules": [rule.value for _, rule in cases],
                "alerts": list(alerts),
            },
        )
        return [_standing(row) for row in cursor.fetchall()]


def standing_faults(
    connection: psycopg.Connection, episodes: Sequence[int]
) -> dict[int, dict[int, Finding]]:
    """By episode and device number: the `device_fault` that is still so."""
    found: dict[int, dict[int, Finding]] = {}
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(_FAULTS, [list(episodes)])
        for row in cursor.fetchall():
            finding = _standing(row).held.finding
            found.setdefault(finding.key.episode_no, {})[finding.key.device_no] = finding
    return found


def of_alerts(connection: psycopg.Connection, alerts: Sequence[str]) -> dict[str, list[Standing]]:
    """The findings that belong to each of these alerts; one without any is not in the answer."""
    found: dict[str, list[Standing]] = {}
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(_OF_ALERTS, [list(alerts)])
        for row in cursor.fetchall():
            found.setdefault(row["alert_id"], []).append(_standing(row))
    return found


def place(cursor: psycopg.Cursor, alert_of: Mapping[int, str]) -> None:
    """Says which alert each finding, by number, belongs to."""
    if alert_of:
        cursor.execute(
            "UPDATE finding f SET alert_id = t.alert_id"
            " FROM unnest(%s::bigint[], %s::text[]) AS t(finding_no, alert_id)"
            " WHERE f.finding_no = t.finding_no",
            [list(alert_of), list(alert_of.values())],
        )


def _standing(row: Mapping[str, Any]) -> Standing:
    key = FindingKey(
        row["episode_no"], row["device_no"], Rule(row["rule"]), SiteClass(row["site_class"])
    )
    finding = Finding(
        key=key,
        onset_at=from_datetime(row["onset_at"]),
        ended_at=None if row["ended_at"] is None else from_datetime(row["ended_at"]),
        severity=Severity[row["severity"].upper()],
        last_at=from_datetime(row["last_at"]),
        value=row["value"],
        peak=row["peak"],
        limit=row["limit_value"],
        origin=row["origin"],
        site=row["site"],
        detail=row["detail"],
    )
    book = None if row["book"] is None else read(row["book"])
    held = Held(finding, row["alert_id"], row["late"], row["rulebook_version"], book)
    placed = None if row["placed"] is None else Rule(row["placed"])
    return Standing(row["finding_no"], held, Worn(row["device"], row["interval_s"]), placed)
