"""A ledger on a real database, with the state a pipeline would keep beside it."""

import itertools
import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import psycopg

from domain.batch import NO_POSITION, Rows, in_order, rows_of
from domain.instant import MINUTE_US, parse_rfc3339
from ingest.gathering import NO_ORIGINS, NO_ROWS
from ingest.judging import Judgement
from ingest.sources.port import Envelope
from ingest.work import Beginning, Kind, Result, Work
from rules.engine import apply
from rules.rulebook import DEFAULT, Rulebook
from rules.wearers import Wearers
from store.errors import StoreUnreachable
from store.ledger import PostgresLedger
from store.recovery import recall
from store.roster import load
from store.roster_import import import_document
from tests.acceptance.publishing import roster

NOW = parse_rfc3339("2026-02-03T04:05:06Z")


_T = TypeVar("_T")


def patiently(what: Callable[[], _T]) -> _T:
    """Tries until the server has noticed that an earlier session is gone: it holds the shard."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return what()
        except StoreUnreachable:
            assert time.monotonic() < deadline
            time.sleep(0.05)


class Bench:
    """A ledger and the state a pipeline would keep beside it."""

    def __init__(
        self,
        database_url: str,
        wearers: int = 3,
        rulebook: Rulebook = DEFAULT,
        alerts: str = "alert",
    ) -> None:
        with psycopg.connect(database_url) as connection:
            import_document(connection, roster(NOW, wearers), NOW)
        self.url = database_url
        self.rulebook = rulebook
        ids = (f"{alerts}-{n}" for n in itertools.count())
        self.ledger = PostgresLedger(database_url, lambda: next(ids))
        self.beginning: Beginning = recall(patiently(self.ledger.connect), rulebook, NOW)
        self.state = self.beginning.state
        self.wearers = self.beginning.wearers
        self.roster_version = 1

    def correct(self, document: dict[str, Any], now: int = NOW) -> int:
        """Imports a roster file that the running process has not read yet."""
        with psycopg.connect(self.url) as connection:
            return import_document(connection, document, now)

    def follow_roster(self) -> None:
        """The running process reads the newest roster."""
        with psycopg.connect(self.url) as connection:
            people = load(connection, NOW)
        self.wearers = Wearers.of(people, self.rulebook, self.wearers)
        self.roster_version = people.version

    def work(self, rows: Rows, kind: Kind = Kind.BATCH) -> Work:
        judgement = Judgement(self.state, self.wearers, self.rulebook, NOW, 0)
        message = Envelope(None, "doorstep/v1/devices/w-0000/readings", b"{}", NOW)
        return Work(
            kind=kind,
            now=NOW,
            receive_clock_us=0,
            roster_version=self.roster_version,
            rulebook_version=self.rulebook.version,
            judge=judgement.judge,
            rejudge=judgement.rejudge,
            rows=in_order(rows) if len(rows) else NO_ROWS,
            origins=np.zeros(len(rows), dtype=np.int32) if len(rows) else NO_ORIGINS,
            messages=(message,),
            late_limit=50,
            pack=judgement.pack,
        )

    def commit(self, rows: Rows, kind: Kind = Kind.BATCH) -> Result:
        result = self.ledger.commit(self.work(rows, kind))
        self.state = apply(self.state, result.evaluation)
        return result

    def rows(self, wearer: int, minutes: list[int], temperature_cc: int = 3660) -> Rows:
        device_no = self.beginning.roster.devices[f"w-{wearer:04d}"].no
        [assignment] = self.beginning.roster.assignments[device_no]
        slot = self.beginning.wearers.slots[assignment.episode_no, device_no]
        return rows_of(
            [
                (
                    *(slot, device_no, assignment.episode_no, NOW - (360 - minute) * MINUTE_US),
                    *(NOW, 0, 0, minute, temperature_cc, 2, 70, -1, -1, NO_POSITION, NO_POSITION),
                    *(-1, 0, -1, -1, -1, -1),
                )
                for minute in minutes
            ]
        )

    def count(self, table: str, condition: str = "true") -> int:
        with psycopg.connect(self.url) as connection:
            query = f"SELECT count(*) FROM {table} WHERE {condition}"
            row = connection.execute(query).fetchone()
        assert row is not None
        return int(row[0])
