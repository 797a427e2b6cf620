"""Composes `doorstep replay` over stored history: the journal once more, under any rulebook.

Everything from the first step on is run, since what stands at the beginning of the time that is
asked for follows from what came before; of what is found, the part that began in that time is told.
Nothing is written.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from alerts.document import document
from alerts.lines import summary
from alerts.surroundings import Surroundings
from domain.batch import Rows
from domain.instant import format_rfc3339
from ingest.rehearsal import Rehearsal
from ingest.work import Kind
from rules.rulebook import Rulebook
from rules.slots import NO_SLOT
from rules.wearers import Wearers
from rules.wearing import Wearing
from store import history, roster
from store.history import Found
from store.reading_only import reading_only
from store.rerun import heard_in


@dataclass(frozen=True, slots=True)
class Seen:
    """What looking back comes to, as JSON values."""

    alerts: list[dict[str, Any]]
    """As contract section 6 has them, that would have been raised."""
    differences: list[dict[str, Any]]
    """Findings that are `added`, `missing` or `changed` against what was found."""


def look_back(database_url: str, rulebook: Rulebook, from_at: int, to_at: int) -> Seen:
    """Raises `StoreUnreachable` and `StoreMismatch`."""
    with reading_only(database_url) as connection:
        people = roster.load(connection, from_at)
        where = history.surroundings(connection, sorted(people.episodes))
        wearers = Wearers.of(people, rulebook)
        ids = (f"replay-{n}" for n in itertools.count(1))
        rehearsal = Rehearsal(wearers, rulebook, where, lambda: next(ids))
        wearing = Wearing.of(wearers)
        with connection.cursor() as cursor:
            for step in history.steps(cursor, to_at):
                rows = step.rows.copy()
                rows["slot"] = wearers.slots.find(rows["episode_no"], rows["device_no"])
                _take(rehearsal, step, rows[rows["slot"] != NO_SLOT], wearing)
            rehearsal.settle(to_at, 0)
            stood = history.found(connection, cursor, from_at, to_at)
    given = [
        Found(each, rulebook)
        for each in rehearsal.caseload.findings
        if from_at <= each.onset_at < to_at
    ]
    alerts = [alert for alert in rehearsal.caseload.alerts if from_at <= alert.onset_at < to_at]
    around = {each.episode: each for each in where.values()}
    return Seen(
        [document(alert, around[alert.episode]) for alert in alerts],
        _differences(
            [each for each in stood if each.finding.key.episode_no in where], given, where
        ),
    )


def _take(rehearsal: Rehearsal, step: history.Step, rows: Rows, wearing: Wearing) -> None:
    match step.kind:
        case Kind.BATCH:
            heard = heard_in(rows, step.spoilt, wearing)
            rehearsal.batch(rows, step.now, step.receive_clock_us, heard)
        case Kind.TICK:
            rehearsal.tick(step.now, step.receive_clock_us)
        case Kind.LATE:
            rehearsal.settle(step.now, step.receive_clock_us)
        case _:
            assert_never(step.kind)


def _differences(
    stood: Sequence[Found], given: Sequence[Found], where: dict[int, Surroundings]
) -> list[dict[str, Any]]:
    before = {(each.finding.key, each.finding.onset_at): each for each in stood}
    after = {(each.finding.key, each.finding.onset_at): each for each in given}
    told = [_told("missing", each, where) for key, each in before.items() if key not in after]
    told += [_told("added", each, where) for key, each in after.items() if key not in before]
    for key in [key for key in after if key in before]:
        old, new = before[key].finding, after[key].finding
        if (old.ended_at, old.severity) != (new.ended_at, new.severity):
            was = {"ended_at": _instant(old.ended_at), "severity": old.severity.word}
            told.append(_told("changed", after[key], where) | {"was": was})
    return sorted(told, key=lambda each: (each["onset_at"], each["rule"], each["episode"]))


def _told(difference: str, told: Found, where: dict[int, Surroundings]) -> dict[str, Any]:
    finding = told.finding
    about = where[finding.key.episode_no]
    line = summary(finding, about, told.book)
    return {
        "difference": difference,
        "rule": finding.key.rule.value,
        "episode": about.episode,
        "device": about.devices[finding.key.device_no].id,
        "onset_at": format_rfc3339(finding.onset_at),
        "ended_at": _instant(finding.ended_at),
        "severity": finding.severity.word,
        "summary": f"{about.episode} {finding.key.rule.value}: {line}",
    }


def _instant(at: int | None) -> str | None:
    return None if at is None else format_rfc3339(at)
