"""The ledger on real databases: once each, whole or nothing, whoever else is there."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import psycopg
import pytest
from typing_extensions import override

from domain.batch import NO_POSITION, Rows, in_order, rows_of
from domain.instant import DAY_US, MINUTE_US, parse_rfc3339
from ingest.gathering import NO_ORIGINS, NO_ROWS
from ingest.judging import Judgement
from ingest.sources.port import Envelope
from ingest.work import Beginning, Kind, Result, Work
from rules.engine import apply
from rules.rulebook import DEFAULT
from store.errors import Fenced, StoreUnreachable
from store.ledger import PostgresLedger, refused_rows
from store.recovery import recall
from store.roster_import import import_document
from tests.acceptance.publishing import roster
from tests.services.postgres import Postgres
from tests.services.proxy import Proxy

NOW = parse_rfc3339("2026-02-03T04:05:06Z")


class Bench:
    """A ledger and the state a pipeline would keep beside it."""

    def __init__(self, database_url: str, wearers: int = 3) -> None:
        with psycopg.connect(database_url) as connection:
            import_document(connection, roster(NOW, wearers), NOW)
        self.url = database_url
        ids = (f"alert-{n}" for n in itertools.count())
        self.ledger = PostgresLedger(database_url, lambda: next(ids))
        self.beginning: Beginning = recall(self.ledger.connect(), DEFAULT, NOW)
        self.state = self.beginning.state

    def work(self, rows: Rows, kind: Kind = Kind.BATCH) -> Work:
        judgement = Judgement(self.state, self.beginning.wearers, DEFAULT, NOW, 0)
        message = Envelope(None, "doorstep/v1/devices/w-0000/readings", b"{}", NOW)
        return Work(
            kind=kind,
            now=NOW,
            receive_clock_us=0,
            roster_version=1,
            rulebook_version=DEFAULT.version,
            judge=judgement.judge,
            rejudge=judgement.rejudge,
            rows=in_order(rows) if len(rows) else NO_ROWS,
            origins=np.zeros(len(rows), dtype=np.int32) if len(rows) else NO_ORIGINS,
            messages=(message,),
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


@pytest.fixture
def bench(tier_database: str) -> Iterator[Bench]:
    bench = Bench(tier_database)
    yield bench
    bench.ledger.close()


def test_a_reading_is_stored_once_however_often_it_comes(bench: Bench) -> None:
    rows = bench.rows(0, [1, 2, 3])
    assert (bench.commit(rows).stored, bench.commit(rows).stored) == (3, 0)
    twice = np.concatenate([bench.rows(0, [4, 5]), bench.rows(0, [4, 5])])
    result = bench.commit(twice)
    assert (result.stored, result.duplicates) == (2, 2)
    assert bench.count("reading") == 5


def test_other_quantities_at_one_instant_are_another_reading(bench: Bench) -> None:
    both = np.concatenate([bench.rows(0, [1], 3660), bench.rows(0, [1], 3670)])
    assert bench.commit(both).stored == 2


def test_a_redelivery_to_a_new_process_is_absorbed(bench: Bench) -> None:
    bench.commit(bench.rows(0, [1, 2, 3]))
    bench.ledger.close()
    again = Bench(bench.url)
    mixed = np.concatenate([again.rows(0, [2, 3, 4]), again.rows(1, [1])])
    result = again.commit(mixed)
    assert (result.stored, result.duplicates) == (2, 2)
    again.ledger.close()


def test_a_row_that_is_there_after_all_sends_the_batch_through_staging(bench: Bench) -> None:
    """What the ledger remembers only chooses the road: here it remembers too little."""
    bench.commit(bench.rows(0, [1]))
    with psycopg.connect(bench.url) as other:
        columns = "device_no, measured_at, digest, episode_no, received_at, batch"
        row = bench.rows(0, [9])[0]
        other.execute(
            f"INSERT INTO reading ({columns})"
            " VALUES (%s, to_timestamp(%s::numeric / 1000000), %s, %s, now(), 0)",
            [
                int(row["device_no"]),
                int(row["measured_at"]),
                int(row["digest"]),
                int(row["episode_no"]),
            ],
        )
    result = bench.commit(bench.rows(0, [8, 9, 10]))
    assert (result.stored, result.duplicates) == (2, 1)


def test_a_refused_row_is_rejected_and_the_rest_stored(bench: Bench) -> None:
    rows = bench.rows(0, list(range(20)))
    rows["temperature_cc"][[3, 17]] = 9_999
    result = bench.commit(rows)
    assert (result.stored, result.refused) == (18, 2)
    assert bench.count("rejection", "reason = 'refused_by_store'") >= 1


def test_refused_rows_are_found_and_nothing_stored(bench: Bench) -> None:
    bench.commit(bench.rows(0, [100]))
    rows = bench.rows(0, list(range(33)))
    rows["pulse_bpm"][[0, 32]] = 5
    refused = refused_rows(bench.ledger.connect(), rows)
    assert [refusal.index for refusal in refused] == [0, 32]
    assert bench.count("reading") == 1


def test_a_fever_is_raised_in_the_readings_own_transaction(bench: Bench) -> None:
    result = bench.commit(bench.rows(0, list(range(15)), 3840))
    assert result.alert_events >= 1
    assert bench.count("alert", "rule = 'fever' AND response = 'open'") == 1
    assert bench.count("alert_event", f"event_id <= {result.alert_events}") == result.alert_events


def test_nothing_remains_of_a_step_that_fails(bench: Bench) -> None:
    def broken(_: Rows) -> None:
        raise ZeroDivisionError

    work = replace(bench.work(bench.rows(0, [1, 2])), judge=broken)  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        bench.ledger.commit(work)
    assert (bench.count("reading"), bench.count("journal")) == (0, 0)
    assert bench.commit(bench.rows(0, [1, 2])).stored == 2


def test_late_readings_are_judged_in_their_place(bench: Bench) -> None:
    febrile = bench.rows(0, list(range(20)), 3840)
    bench.commit(np.concatenate([febrile[:2], bench.rows(0, [60])]))
    result = bench.commit(febrile[2:])
    assert result.late_left
    assert bench.count("alert") == 0
    judged = bench.commit(NO_ROWS, Kind.LATE)
    assert (judged.late_wearers, judged.late_left) == (1, False)
    assert bench.count("alert", "rule = 'fever' AND late") == 1
    assert bench.count("late_work") == 0


def test_a_restart_remembers_a_fever_that_is_on_its_way(bench: Bench) -> None:
    bench.commit(bench.rows(0, list(range(8)), 3840))
    bench.ledger.close()
    again = Bench(bench.url)
    assert again.count("alert") == 0
    again.commit(again.rows(0, [8, 9, 10, 11], 3840))
    assert again.count("alert", "rule = 'fever'") == 1
    again.ledger.close()


def test_a_second_worker_is_refused(bench: Bench) -> None:
    with pytest.raises(StoreUnreachable, match="another ingest process has shard 0"):
        PostgresLedger(bench.url, lambda: "x").connect()


def test_a_worker_whose_shard_was_taken_cannot_commit(bench: Bench) -> None:
    with psycopg.connect(bench.url) as other:
        other.execute("UPDATE shard SET epoch = epoch + 1")
    with pytest.raises(Fenced):
        bench.commit(bench.rows(0, [1]))
    assert bench.count("reading") == 0


def test_partitions_are_made_for_readings_held_back_by_an_outage(bench: Bench) -> None:
    rows = bench.rows(0, [1])
    rows["measured_at"] = NOW - 45 * DAY_US
    assert bench.commit(rows).stored == 1


class _CommitProxy(Proxy):
    """Pulls the cable when a COMMIT comes by: before the server sees it, or after."""

    def __init__(self, target: int, *, seen: bool) -> None:
        super().__init__(target)
        self._seen = seen
        self.armed = False

    @override
    def passes(self, data: bytes) -> bytes:
        # With the end of the statement: a temporary table says ON COMMIT as well.
        if not (self.armed and b"COMMIT\x00" in data):
            return data
        self.armed = False
        if not self._seen:
            self.cut()
            return b""
        self.lose_replies()
        return data


@pytest.mark.parametrize("seen", [True, False])
def test_a_commit_whose_answer_was_lost_is_done_once(
    database_server: Postgres, database: str, *, seen: bool
) -> None:
    bench = Bench(database)
    bench.ledger.close()
    with _CommitProxy(database_server.port, seen=seen) as proxy:
        ids = itertools.count()
        url = database.replace(f":{database_server.port}/", f":{proxy.port}/")
        ledger = PostgresLedger(url, lambda: f"a-{next(ids)}")
        # The first step makes partitions, with a COMMIT of their own.
        ledger.commit(bench.work(bench.rows(1, [1])))
        work = bench.work(bench.rows(0, [1, 2, 3]))
        proxy.armed = True
        with pytest.raises(StoreUnreachable):
            _cut_when_stuck(proxy, partial(ledger.commit, work))
        proxy.flow()
        result = _when_the_old_session_is_gone(partial(ledger.commit, work))
        assert (result.stored, result.duplicates) == (3, 0)
        ledger.close()
    assert (bench.count("reading"), bench.count("journal")) == (4, 2)


def _cut_when_stuck(proxy: Proxy, commit: Callable[[], Result]) -> Result:
    """A COMMIT that waits for an answer that is lost ends when the connection does."""
    timer = threading.Timer(0.5, proxy.cut)
    timer.start()
    try:
        return commit()
    finally:
        timer.cancel()


def _when_the_old_session_is_gone(commit: Callable[[], Result]) -> Result:
    """Until the server has noticed that the connection broke, the old session holds the shard."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return commit()
        except StoreUnreachable:
            assert time.monotonic() < deadline
            time.sleep(0.05)


class _UnsettledProxy(_CommitProxy):
    """Loses the answer of a COMMIT, and later the question what became of it."""

    def __init__(self, target: int) -> None:
        super().__init__(target, seen=True)
        self.asked = False

    @override
    def passes(self, data: bytes) -> bytes:
        if not self.asked and b"FROM journal" in data:
            self.asked = True
            self.cut()
            return b""
        return super().passes(data)


def test_a_lost_answer_is_asked_for_until_it_comes(
    database_server: Postgres, database: str
) -> None:
    """Otherwise the step is done again, finds nothing new, and the rules never hear of it."""
    bench = Bench(database)
    bench.ledger.close()
    with _UnsettledProxy(database_server.port) as proxy:
        url = database.replace(f":{database_server.port}/", f":{proxy.port}/")
        ledger = PostgresLedger(url, lambda: "an-alert")
        # The first step makes partitions, with a COMMIT of their own.
        ledger.commit(bench.work(bench.rows(1, [1])))
        work = bench.work(bench.rows(0, [1, 2, 3]))
        proxy.armed = True
        with pytest.raises(StoreUnreachable):
            _cut_when_stuck(proxy, partial(ledger.commit, work))
        proxy.flow()
        result = _when_the_old_session_is_gone(partial(ledger.commit, work))
        assert proxy.asked
        assert (result.stored, result.duplicates) == (3, 0)
        ledger.close()
    assert (bench.count("reading"), bench.count("journal")) == (4, 2)
