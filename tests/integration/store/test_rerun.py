"""A process that starts has the state the last one had: from pages, and from the journal since."""

import random
from dataclasses import replace

import numpy as np
import psycopg
import pytest

from domain.batch import NO_POSITION, Rows, rows_of
from domain.instant import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from ingest import snapshots
from ingest.judging import Judgement
from ingest.sequences import Sequences
from ingest.snapshots import SnapshotPlan
from ingest.work import Beginning, Judge, Kind
from rules.columns import JOURNAL_COLUMNS
from rules.engine import apply, tick
from rules.heard import Heard
from rules.rulebook import DEFAULT
from store.recovery import recall
from tests.integration.store.bench import NOW, Bench
from tests.unit.rules.making import by_event_time

WEARERS = 5
STEPS = 60


class Running(Bench):
    """A worker that ticks, judges late work and writes pages, as the pipeline does."""

    def __init__(self, database_url: str, rng: random.Random, *, paged: bool) -> None:
        super().__init__(database_url, WEARERS, alerts=f"alert-{rng.random()}")
        self.rng = rng
        self.now = NOW - 3 * DAY_US
        self.clock_us = 0
        self.sequences = Sequences()
        self.plan = SnapshotPlan() if paged else None
        self.late_left = False
        self.seq = [0] * WEARERS

    def step(self) -> None:
        """An hour and a bit goes by, with a tick, readings, and late work in some order."""
        self.now += self.rng.randint(1, 80) * MINUTE_US
        self.clock_us += self.rng.randint(1, 70) * MINUTE_US
        roll = self.rng.random()
        if roll < 0.2:
            self._tick()
        elif roll < 0.35 and self.late_left:
            self._do(Kind.LATE, self.rows(0, [])[:0])
        else:
            self._do(Kind.BATCH, self._drawn())

    def _tick(self) -> None:
        decided = tick(self.state, self.beginning.wearers, DEFAULT, self.now, self.clock_us)
        self._do(Kind.TICK, self.rows(0, [])[:0], lambda *_: decided)

    def _do(self, kind: Kind, rows: Rows, judge: Judge | None = None) -> None:
        work = self.work(rows, kind)
        slots, origins = np.unique(work.rows["slot"].astype(np.int64), return_inverse=True)
        came = np.full(len(slots), self.now - SECOND_US)
        heard = Heard(slots, np.zeros(len(slots), dtype=np.bool_), came, origins)
        judgement = Judgement(self.state, self.wearers, DEFAULT, self.now, self.clock_us, heard)
        advance = self.sequences.advance(
            work.rows["device_no"], work.rows["boot_key"], work.rows["seq"], self.now
        )
        page = None
        if self.plan is not None:
            page = self.plan.due(self.state, self.beginning.wearers, self.sequences, self.now)
        result = self.ledger.commit(
            replace(
                work,
                now=self.now,
                receive_clock_us=self.clock_us,
                judge=judge or judgement.judge,
                rejudge=judgement.rejudge,
                pack=judgement.pack,
                advance=advance,
                page=page,
            )
        )
        self.state = apply(self.state, result.evaluation)
        self.sequences.take_over(advance)
        self.late_left = result.late_left

    def _drawn(self) -> Rows:
        return rows_of([self._reading() for _ in range(self.rng.randint(1, 12))])

    def _reading(self) -> tuple[int, ...]:
        n = self.rng.randrange(WEARERS)
        device_no = self.beginning.roster.devices[f"w-{n:04d}"].no
        [worn] = self.beginning.roster.assignments[device_no]
        slot = self.beginning.wearers.slots[worn.episode_no, device_no]
        late = self.rng.choice((0, 0, 0, 0, self.rng.randint(0, 30) * HOUR_US))
        self.seq[n] += self.rng.choice((1, 1, 1, 2))
        measured_at = self.now - late - self.rng.randint(0, 20) * MINUTE_US
        return (
            *(slot, device_no, worn.episode_no, measured_at, self.now - SECOND_US, 0, 0),
            self.seq[n],
            *(self.rng.choice((3650, 3650, 3850)), self.rng.choice((2, 11))),
            *(self.rng.choice((0, 62, 62, 70, 125)), self.rng.choice((-1, 90, 97)), 0),
            *(NO_POSITION, NO_POSITION, -1, 0, self.rng.choice((-1, 1))),
            *(self.rng.choice((80, 9)), -1, -1),
        )

    def settle(self) -> None:
        while self.late_left:
            self._do(Kind.LATE, self.rows(0, [])[:0])


def again(running: Running, now: int) -> Beginning:
    """What a process that starts afterwards recalls."""
    running.ledger.close()
    with psycopg.connect(running.url, autocommit=True) as connection:
        return recall(connection, DEFAULT, now)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("paged", [True, False])
def test_the_state_is_what_it_was(
    database: str, seed: int, monkeypatch: pytest.MonkeyPatch, *, paged: bool
) -> None:
    """Also with late work that is still to do; without pages it is judged with the rest."""
    monkeypatch.setattr(snapshots, "WEARERS", 2)
    running = Running(database, random.Random(seed), paged=paged)
    for _ in range(STEPS):
        running.step()
    if not paged:
        running.settle()
    found = again(running, running.now)
    assert found.receive_clock_us == running.clock_us
    assert found.late_left == running.late_left
    assert running.state["going"].any()
    for name in running.state.dense.dtype.names or ():
        if paged or name not in JOURNAL_COLUMNS or name.startswith("heard"):
            assert found.state[name].tolist() == running.state[name].tolist(), name
    assert by_event_time(found.state) == by_event_time(running.state)
    devices = running.beginning.wearers.device_no
    for device_no in devices.tolist():
        known = found.sequences.standing(device_no, 0)
        standing = running.sequences.standing(device_no, 0)
        assert known is not None
        assert standing is not None
        # Since when something is missing is not among the readings.
        assert known == standing if paged else known.high == standing.high
    assert running.count("snapshot", "page >= 0") == (3 if paged else 0)


def test_pages_of_an_earlier_worker_go_once_all_are_written(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "WEARERS", 2)
    running = Running(database, random.Random(1), paged=True)
    for _ in range(8):
        running.step()
    running.ledger.close()
    after = Running(database, random.Random(2), paged=True)
    after.now = running.now
    for _ in range(8):
        after.step()
    after.ledger.close()
    with psycopg.connect(database) as connection:
        epochs = connection.execute("SELECT DISTINCT epoch FROM snapshot").fetchall()
    assert epochs == [(2,)]


def test_columns_of_another_version_are_passed_over(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "WEARERS", 2)
    running = Running(database, random.Random(3), paged=True)
    for _ in range(20):
        running.step()
    running.settle()
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE snapshot SET rules = 'old', sequences = 'old'")
    found = again(running, running.now)
    assert np.array_equal(found.state["watermark_at"], running.state["watermark_at"])
    assert by_event_time(found.state) == by_event_time(running.state)
