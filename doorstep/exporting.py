"""Composes `doorstep export`: what is read from the store, as lines of text.

Nothing is gathered: a line is written before the next row is read. That it began is in the audit
log before the first line goes out, so that there is no export without an entry, whatever ends it.
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, assert_never

import psycopg

from alerts import fhir
from alerts.audit import What as Entered
from alerts.csv_text import line
from domain.instant import format_rfc3339
from store import audit, exports
from store.errors import translated
from store.migrate import check_schema
from store.writing import writing

log = logging.getLogger(__name__)

Row = dict[str, Any]

ALERT_COLUMNS: Final = (
    *("id", "episode", "person", "grid", "device", "rule", "severity", "condition", "response"),
    *("outcome", "verdict", "raised_at", "onset_at", "cleared_at", "last_at", "closed_at", "late"),
    *("summary", "assignee", "deadline_at", "previous", "version"),
)
READING_COLUMNS: Final = (
    *("measured_at", "received_at", "episode", "person", "grid", "device", "temperature_c"),
    *("site", "pulse_bpm", "spo2_pct", "steps", "distance_m", "accuracy_m", "near_home"),
    *("battery_pct", "charging", "worn"),
)


class What(StrEnum):
    """What is exported."""

    ALERTS = "alerts"
    READINGS = "readings"
    FHIR = "fhir"


class Form(StrEnum):
    """How."""

    CSV = "csv"
    NDJSON = "ndjson"
    BUNDLE = "bundle"


@dataclass(frozen=True, slots=True)
class Asked:
    """One export. None: of all time, of all grids."""

    what: What
    form: Form
    from_at: int | None
    to_at: int | None
    grid: str | None
    now: int


class NoSuchGrid(Exception):
    """The grid asked for is not in the roster."""


def export(database_url: str, asked: Asked, write: Callable[[str], object]) -> int:
    """Writes it all; how many rows. Raises `NoSuchGrid`, `OSError` and `store.errors`."""
    with (
        translated(),
        psycopg.connect(
            database_url,
            connect_timeout=10,
            options="-c default_transaction_read_only=on -c timezone=UTC"
            " -c default_transaction_isolation=repeatable\\ read",
            application_name="doorstep-export",
        ) as connection,
    ):
        check_schema(connection)
        scope = _scope(connection, asked)
        counted = _Counted(_rows(connection, asked, scope))
        with _noted(database_url, asked, scope, counted):
            for text in _lines(asked, counted):
                write(text)
    return counted.count


@contextmanager
def _noted(
    database_url: str, asked: Asked, scope: exports.Scope, counted: "_Counted"
) -> Iterator[None]:
    """Every export passes here: entered before anything goes out, and with how much it was."""

    def enter(what: Entered, said: str) -> None:
        with writing(database_url) as connection:
            audit.record(connection, None, what, said, scope.grid_nos)

    words = _narrowed(asked)
    said = " ".join((asked.what, asked.form, *(f"{name}={word}" for name, word in words.items())))
    enter(Entered.EXPORT_BEGAN, said)
    whole = False
    try:
        yield
        whole = True
    finally:
        rows = f"{counted.count} rows{'' if whole else ', cut short'}"
        enter(Entered.EXPORT_ENDED, f"{rows}: {said}")
        took = {"what": asked.what.value, "rows": counted.count, "whole": whole}
        log.info("exported", extra={**took, **words})


def _narrowed(asked: Asked) -> dict[str, str]:
    instants = {"from": asked.from_at, "to": asked.to_at}
    words = {name: format_rfc3339(at) for name, at in instants.items() if at is not None}
    return words if asked.grid is None else {**words, "grid": asked.grid}


class _Counted:
    """Rows as they come, and how many came."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.count += 1
            yield row


def _scope(connection: psycopg.Connection, asked: Asked) -> exports.Scope:
    known = exports.grids(connection)
    if asked.grid is not None and asked.grid not in known:
        raise NoSuchGrid(asked.grid)
    first_at, last_at = exports.EVER
    return exports.Scope(
        first_at if asked.from_at is None else max(asked.from_at, first_at),
        last_at if asked.to_at is None else min(asked.to_at, last_at),
        [*known.values()] if asked.grid is None else [known[asked.grid]],
    )


def _rows(connection: psycopg.Connection, asked: Asked, scope: exports.Scope) -> Iterator[Row]:
    match asked.what:
        case What.ALERTS:
            yield from exports.alerts(connection, scope)
        case What.READINGS:
            yield from exports.readings(connection, scope)
        case What.FHIR:
            for reading in exports.readings(connection, scope):
                yield from fhir.observations(reading)
        case _:
            assert_never(asked.what)


def _lines(asked: Asked, rows: Iterable[Row]) -> Iterator[str]:
    match asked.form:
        case Form.BUNDLE:
            yield from fhir.bundle(rows, format_rfc3339(asked.now))
        case Form.NDJSON:
            for row in rows:
                yield json.dumps(row, ensure_ascii=False) + "\n"
        case Form.CSV:
            columns = ALERT_COLUMNS if asked.what is What.ALERTS else READING_COLUMNS
            yield line(columns)
            for row in rows:
                yield line([row.get(name) for name in columns])
        case _:
            assert_never(asked.form)
