"""The ledger: one transaction a step, in which readings are stored, judged, and alerts raised.

Order inside the transaction: the shard's row (fencing and the batch number), boots, readings, the
rules on what was new, rejections, late work, gaps and signals, the journal, findings and alerts,
whose event ids come last. Nothing is visible before the commit and nothing is lost after it.

A COMMIT whose answer was lost is settled by the journal: the step's batch number is there or it is
not (`_settle`). A row the database refuses is found by halving, kept as a rejection, and the rest
is stored. Everything else that goes wrong is raised as a `store.errors.StoreError`, nothing done.
"""

import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg.pq import TransactionStatus

from alerts.escalation import DEFAULT, Figures
from domain import faults
from domain.batch import Rows
from domain.instant import DAY_US, to_datetime
from ingest.work import History, Kind, Result, Work
from rules.engine import Evaluation
from store import alertlog, canaries, late_work, noticed, rejections, snapshots
from store import boots as store_boots
from store.boots import NewestBoots, Pairs
from store.errors import Fenced, OutcomeUnknown, StoreUnreachable, translated
from store.migrate import check_schema
from store.partitions import make_partitions
from store.readings import NewestSeen, insert, prepare
from store.refused import Refusal, refused_messages, refused_rows

_LOCK: Final = 0x53686172  # "Shar"; with the shard's number, held while a worker has the shard

_TAKE_SHARD: Final = "UPDATE shard SET epoch = epoch + 1 WHERE shard = %s RETURNING epoch"
_NEXT_BATCH: Final = (
    "UPDATE shard SET last_batch = last_batch + 1, receive_clock_us = %s, heartbeat_at = %s"
    " WHERE shard = %s AND epoch = %s RETURNING last_batch"
)
_JOURNAL: Final = (
    "INSERT INTO journal (shard, batch, epoch, kind, now_at, receive_clock_us, roster_version,"
    " rulebook_version, readings, duplicates, rejections)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


class PostgresLedger:
    """One worker's connection to the ledger of one shard. Not for use by two threads at once."""

    def __init__(
        self,
        database_url: str,
        new_id: Callable[[], str],
        shard: int = 0,
        figures: Figures = DEFAULT,
    ) -> None:
        self._url = database_url
        self._new_id = new_id
        self._figures = figures
        self._shard = shard
        self._connection: psycopg.Connection | None = None
        self._epoch: int | None = None
        self._newest = NewestSeen()
        self._boots = NewestBoots()
        self._days: set[int] = set()
        self._late_left: bool | None = None
        self._roster_version = -1
        """The roster of the last step: with another, others may wait to be judged anew."""
        self._unsettled: _Done | None = None

    def connect(self) -> psycopg.Connection:
        """The connection, made and checked anew if it is gone.

        Raises `Fenced` when another worker has the shard, `StoreMismatch` when the schema is not
        ours.
        """
        if self._connection is None or self._connection.closed:
            with translated():
                self._connection = self._open()
        return self._connection

    def _open(self) -> psycopg.Connection:
        connection = psycopg.connect(
            self._url,
            connect_timeout=5,
            autocommit=True,
            # A worker that was killed in a long query is noticed, and the shard is free again.
            options="-c client_connection_check_interval=1000"
            " -c synchronous_commit=on -c timezone=UTC -c statement_timeout=60000"
            " -c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000",
            application_name="doorstep-ingest",
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
            tcp_user_timeout=15_000,
        )
        try:
            check_schema(connection)
            self._take_shard(connection)
            prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _take_shard(self, connection: psycopg.Connection) -> None:
        row = connection.execute(
            "SELECT pg_try_advisory_lock(%s, %s)", [_LOCK, self._shard]
        ).fetchone()
        if row is None or not row[0]:
            raise StoreUnreachable(f"another ingest process has shard {self._shard}")
        if self._epoch is None:
            taken = connection.execute(_TAKE_SHARD, [self._shard]).fetchone()
            assert taken is not None
            self._epoch = int(taken[0])

    def abort(self) -> None:
        """Breaks off a step that hangs, from another thread, by cutting the connection under it."""
        connection = self._connection
        if connection is not None and not connection.closed:
            with socket.socket(fileno=os.dup(connection.fileno())) as cable:
                cable.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Gives the shard back."""
        if self._connection is not None:
            self._connection.close()

    def commit(self, work: Work) -> Result:
        """Does the step in one transaction; see the module's docstring and `ingest.work.Ledger`."""
        connection = self.connect()
        try:
            with translated():
                return self._settle(connection) or self._commit(connection, work)
        finally:
            _leave(connection)

    def _settle(self, connection: psycopg.Connection) -> Result | None:
        """The result of a step whose COMMIT had no answer, if the journal has it."""
        unsettled = self._unsettled
        if unsettled is None:
            return None
        row = connection.execute(
            "SELECT 1 FROM journal WHERE shard = %s AND batch = %s AND epoch = %s",
            [self._shard, unsettled.result.batch, self._epoch],
        ).fetchone()
        # Only an answer settles it: the connection may break again while we ask.
        self._unsettled = None
        return None if row is None else self._remember(unsettled)

    def _commit(self, connection: psycopg.Connection, work: Work) -> Result:
        self._make_partitions(connection, work)
        try:
            return self._step(connection, work, self._newest, ())
        except psycopg.errors.UniqueViolation:
            connection.rollback()
            return self._step(connection, work, None, ())
        except (psycopg.errors.DataError, psycopg.errors.IntegrityError):
            connection.rollback()
            return self._step(connection, work, None, refused_rows(connection, work.rows))

    def _make_partitions(self, connection: psycopg.Connection, work: Work) -> None:
        """Days the rows need are made before the transaction: DDL in it would hold up readers."""
        days = {*np.unique(work.rows["measured_at"] // DAY_US).tolist(), work.now // DAY_US}
        if not days <= self._days:
            with connection.transaction(), connection.cursor() as cursor:
                made = make_partitions(cursor, work.now, sorted(days))
            self._days.update(made)

    def _step(
        self,
        connection: psycopg.Connection,
        work: Work,
        newest: NewestSeen | None,
        refused: Sequence[Refusal],
    ) -> Result:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            batch = self._next_batch(cursor, work)
            done = self._write(cursor, work, batch, newest, refused)
            if work.messages:
                faults.reached(faults.Point.COMMIT_SENT, partial(_send_commit, connection))
            try:
                cursor.execute("COMMIT")
            except psycopg.OperationalError as error:
                self._unsettled = done
                raise OutcomeUnknown(str(error)) from error
        return self._remember(done)

    def _next_batch(self, cursor: psycopg.Cursor, work: Work) -> int:
        cursor.execute(
            _NEXT_BATCH,
            [work.receive_clock_us, to_datetime(work.now), self._shard, self._epoch],
        )
        row = cursor.fetchone()
        if row is None:
            raise Fenced(f"another ingest process has taken shard {self._shard}")
        return int(row[0])

    def _write(
        self,
        cursor: psycopg.Cursor,
        work: Work,
        batch: int,
        newest: NewestSeen | None,
        refused: Sequence[Refusal],
    ) -> "_Done":
        boots = self._boots.unknown(*_boots_of(work))
        store_boots.keep(cursor, boots, work.boots)
        rows, places = work.rows, np.arange(len(work.rows))
        if refused:
            places = np.delete(places, [refusal.index for refusal in refused])
            rows = rows[places]
        new = insert(cursor, rows, batch, newest)
        if new.any():
            faults.reached(faults.Point.READINGS_INSERTED)
        rejected = (*work.rejected, *refused_messages(work, refused))
        resubmitted = rejections.resubmit(cursor, work.messages)
        rejections_kept = rejections.keep(cursor, rejected, batch, resubmitted)
        rejections.settle(cursor, resubmitted)
        histories: tuple[History, ...] = ()
        if work.kind is Kind.LATE:
            histories = late_work.take(cursor, work.late_limit, work.roster_version)
            evaluation = work.rejudge(histories)
            late_work.remove(cursor, histories)
        else:
            evaluation = work.judge(rows[new], places[new])
            late_work.add(cursor, _late_pairs(rows, evaluation), batch)
        noticed.keep_gaps(cursor, () if work.advance is None else work.advance.gaps)
        noticed.keep_signals(cursor, work.signals)
        self._journal(cursor, work, batch, (len(rows), int((~new).sum()), rejections_kept))
        self._write_down(cursor, work, batch, evaluation)
        events = alertlog.record(
            cursor,
            evaluation.changes,
            work.now,
            work.rulebook_version,
            batch,
            self._new_id,
            self._figures,
        )
        if work.kind is Kind.TICK:
            events += alertlog.quiet_time_over(
                cursor, work.now, work.rulebook_version, self._new_id, self._figures
            )
        canaries.keep(cursor, work.canaries, work.now)
        result = Result(
            batch=batch,
            evaluation=evaluation,
            stored=int(new.sum()),
            duplicates=int((~new).sum()),
            refused=len(refused),
            alert_events=events,
            late_wearers=len(histories),
            late_readings=sum(len(each.rows) for each in histories),
            late_left=self._late_after(cursor, work, evaluation),
        )
        return _Done(result, rows, boots, work.roster_version)

    def _write_down(
        self, cursor: psycopg.Cursor, work: Work, batch: int, evaluation: Evaluation
    ) -> None:
        """Of the rules' state: what the step takes along, and what the journal will not say."""
        assert self._epoch is not None
        if work.page is not None:
            snapshots.keep(cursor, self._shard, self._epoch, batch - 1, work.page)
        if work.kind is Kind.LATE and len(evaluation.slots):
            body = work.pack(evaluation)
            snapshots.keep_judged_anew(cursor, self._shard, self._epoch, batch, body)

    def _late_after(self, cursor: psycopg.Cursor, work: Work, evaluation: Evaluation) -> bool:
        known = self._late_left is not None and self._roster_version == work.roster_version
        if work.kind is Kind.LATE or not known:
            return late_work.left(cursor, work.roster_version)
        return bool(self._late_left or evaluation.late)

    def _journal(
        self, cursor: psycopg.Cursor, work: Work, batch: int, counts: tuple[int, int, int]
    ) -> None:
        cursor.execute(
            _JOURNAL,
            [
                self._shard,
                batch,
                self._epoch,
                work.kind,
                to_datetime(work.now),
                work.receive_clock_us,
                work.roster_version,
                work.rulebook_version,
                *counts,
            ],
        )

    def _remember(self, done: "_Done") -> Result:
        """What is committed may be relied on by the next step."""
        self._newest.saw(done.rows)
        self._boots.kept(done.boots)
        self._late_left = done.result.late_left
        self._roster_version = done.roster_version
        return done.result


def _boots_of(work: Work) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """(device_no, boot_key) of all that the step has, rejected readings included."""
    devices, keys = work.rows["device_no"], work.rows["boot_key"]
    if work.advance is not None and len(work.advance.device_no):
        devices = np.concatenate([devices, work.advance.device_no.astype(np.int32)])
        keys = np.concatenate([keys, work.advance.boot_key])
    return devices, keys


def _send_commit(connection: psycopg.Connection, die: faults.Die) -> None:
    """For a fault point: the server gets it, and nobody reads the answer."""
    connection.pgconn.send_query(b"COMMIT")
    while connection.pgconn.flush():
        continue
    die()


def _leave(connection: psycopg.Connection) -> None:
    """Leaves nothing open; a connection of which that cannot be had is given up."""
    if connection.broken:
        connection.close()
    elif connection.info.transaction_status != TransactionStatus.IDLE:
        try:
            connection.rollback()
        except psycopg.Error:
            # Lost in the middle of several statements, it may not know yet that it is broken.
            connection.close()


@dataclass(frozen=True, slots=True, eq=False)
class _Done:
    """A step whose COMMIT is on its way."""

    result: Result
    rows: Rows
    boots: Pairs
    roster_version: int


def _late_pairs(rows: Rows, evaluation: Evaluation) -> dict[tuple[int, int], int]:
    """(episode_no, device_no) -> the oldest late reading."""
    if not evaluation.late:
        return {}
    oldest: dict[int, int] = {}
    for slot, measured_at in evaluation.late:
        oldest[slot] = min(measured_at, oldest.get(slot, measured_at))
    pair_of = {
        slot: (episode_no, device_no)
        for slot, episode_no, device_no in zip(
            rows["slot"].tolist(),
            rows["episode_no"].tolist(),
            rows["device_no"].tolist(),
            strict=True,
        )
    }
    return {pair_of[slot]: measured_at for slot, measured_at in oldest.items()}
