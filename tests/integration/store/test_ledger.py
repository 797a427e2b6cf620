"""The ledger on real databases: once each, whole or nothing, whoever else is there."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import psycopg
import pytest

from domain.instant import DAY_US
from ingest.gathering import NO_ROWS
from ingest.work import Kind
from store.errors import Fenced, StoreUnreachable
from store.ledger import PostgresLedger
from store.refused import refused_rows
from tests.integration.store.bench import NOW, Bench


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
    def broken(*_: object) -> None:
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
