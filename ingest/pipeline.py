"""The heart of ingestion, without a socket, a clock or a database: events in, effects out.

Theory of operation. Envelopes are gathered in the open batch and decoded in chunks. A batch is
closed by size, bytes or age, and only when no commit is in flight: at most one is. The work in
flight is kept until `Committed`; only then are its messages confirmed (promise 1) and the rules'
new state taken over (promise 2). `CommitFailed` means "the same work again": nothing is dropped,
nothing is confirmed, and the broker's window, which fills meanwhile, is the back-pressure.

Between batches two more kinds of work run: ticks (rules that the clock drives) and late work
(wearers whose readings came after newer ones had been judged).

The *receive clock* measures how long we have been able to hear: it stands still while the source
is away, while commits fail or hang, and while a backlog is drained. Silence is judged on it, so
that our own outage is never a wearer's silence (promise 4).

What a runner owes this machine: every effect is carried out in order; exactly one `Committed` or
`CommitFailed` follows each `Commit`; a `Ticked` about once a second; `now` never goes backwards.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, assert_never

from domain.instant import SECOND_US
from ingest.allowance import Allowance
from ingest.directory import Directory
from ingest.events import (
    Ack,
    Commit,
    CommitFailed,
    Committed,
    Draining,
    Effect,
    Event,
    Pause,
    Publish,
    Received,
    Resume,
    Retried,
    RetryIn,
    RosterChanged,
    SourceLost,
    SourceUp,
    Stopped,
    Ticked,
    WakeIn,
    Warn,
    Woke,
)
from ingest.gathering import NO_ORIGINS, NO_ROWS, Limits, OpenBatch
from ingest.hearing import heard_in
from ingest.judging import Judgement
from ingest.late_planning import LatePlan
from ingest.noticing import Noticing
from ingest.snapshots import Page, SnapshotPlan
from ingest.sources.port import Token
from ingest.telling import Telling
from ingest.work import Beginning, Kind, Work
from rules.engine import Evaluation, apply, tick
from rules.heard import NOTHING_HEARD, Heard
from rules.wearers import Wearers

HEARTBEAT_US: Final = 10 * SECOND_US
"""A tick reaches the ledger at least so often, so that the receive clock survives a crash."""


@dataclass(slots=True)
class Counters:
    """What has gone through, for the metrics. Only ever counted up."""

    messages: int = 0
    readings: int = 0
    stored: int = 0
    duplicates: int = 0
    unknown_fields: int = 0
    retries: int = 0
    late_wearers: int = 0
    alert_events: int = 0
    rejections: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, eq=False)
class _InFlight:
    work: Work
    tokens: tuple[Token, ...]
    since_tick: int


class Pipeline:
    """See the module's theory of operation."""

    def __init__(self, limits: Limits, beginning: Beginning) -> None:
        self._limits = limits
        self._allowance = Allowance(limits.device_burst, limits.device_per_s)
        self._noticing = Noticing(limits.rejections_per_minute)
        self._telling = Telling(beginning.sequences)
        self._rulebook = beginning.rulebook
        self._directory = Directory.of(beginning.roster, beginning.wearers.slots)
        self._wearers = beginning.wearers
        self._state = beginning.state
        self._late = LatePlan(left=beginning.late_left)
        self._snapshots = SnapshotPlan()
        self.receive_clock_us = beginning.receive_clock_us
        self.counters = Counters()
        self._open = OpenBatch()
        self._in_flight: _InFlight | None = None
        self._attempt = 0
        self._aged = False
        self._waking = False
        self._generation: int | None = None
        # Of an earlier process the broker should have kept the session, and its queue.
        self._session_expected = beginning.heard_before
        self._backlog = True
        self._paused = False
        self._draining = False
        self._ticks = 0
        self._tick_due = False
        self._ticked_at: int | None = None
        self._written_at: int | None = None

    @property
    def connected(self) -> bool:
        """Whether a session with the broker stands."""
        return self._generation is not None

    @property
    def failing(self) -> bool:
        """Whether the work in flight has failed at least once and is not stored yet."""
        return self._attempt > 0

    @property
    def hung(self) -> bool:
        """Whether the work in flight has been there for more than a tick."""
        return self._in_flight is not None and self._ticks - self._in_flight.since_tick > 1

    @property
    def flooded(self) -> bool:
        """Whether far more is being rejected than anybody can look at."""
        return self._noticing.flooded

    @property
    def held(self) -> int:
        """Messages taken in and not yet stored."""
        flying = 0 if self._in_flight is None else len(self._in_flight.work.messages)
        return flying + len(self._open.messages)

    @property
    def wearers(self) -> Wearers:
        """The static columns of the wearers, as of the newest roster."""
        return self._wearers

    @property
    def roster_version(self) -> int:
        """The version of the roster readings are judged by."""
        return self._directory.roster.version

    @property
    def settling_older_roster(self) -> bool:
        """Whether work of an older roster is in flight.

        It may reject what the newest covers, which is kept, and can be found, once it is stored.
        """
        flight = self._in_flight
        return flight is not None and flight.work.roster_version != self.roster_version

    def handle(self, event: Event, now: int) -> list[Effect]:
        """Takes one event at `now` (microseconds) and says what is to be done, in order."""
        effects: list[Effect] = []
        match event:
            case Received(envelopes):
                self._open.gather(envelopes, self._directory, self._allowance, now)
            case Woke():
                self._waking = False
                self._aged = bool(self._open.messages)
            case Ticked():
                self._run_receive_clock(now)
                self._tick_due = True
                self._late.tick()
                self._look_after_devices(now, effects)
            case Committed():
                self._take_over(event, now, effects)
            case CommitFailed() | Retried():
                self._same_work_again(event, effects)
            case SourceUp() | SourceLost():
                self._session(event, now, effects)
            case RosterChanged(directory, wearers):
                self._directory, self._wearers = directory, wearers
                self._open = self._open.started_over()
                self._late.roster_changed()
            case Draining():
                self._draining = True
            case _:
                assert_never(event)
        self._go_on(now, effects)
        return effects

    def _run_receive_clock(self, now: int) -> None:
        """Moves on by the time since the last tick, if we could hear all that time."""
        hearing = self.connected and not (self.failing or self.hung or self._backlog)
        if hearing and self._ticked_at is not None:
            self.receive_clock_us += max(0, now - self._ticked_at)
        # A full window means that the broker has more for us than we take.
        self._backlog = not self.connected or self.held >= self._limits.window
        self._ticked_at = now
        self._ticks += 1

    def _look_after_devices(self, now: int, effects: list[Effect]) -> None:
        """Receipts that are due; and what there is to notice."""
        self._noticing.tick(now, connected=self.connected)
        if self.connected and not self._draining:
            receipts = self._telling.receipts(self._directory, now)
            if receipts:
                effects.append(Publish(receipts))

    def _session(self, event: SourceUp | SourceLost, now: int, effects: list[Effect]) -> None:
        self._backlog = True
        if isinstance(event, SourceLost):
            if self._generation == event.generation:
                self._generation = None
            return
        if self._session_expected and not event.session_present:
            detail = "the broker forgot our session: possible gap"
            effects.append(Warn("session_lost", detail))
            self._noticing.session_lost(detail, now)
        self._generation = event.generation
        self._session_expected = True

    def _take_over(self, event: Committed, now: int, effects: list[Effect]) -> None:
        flight, result, counters = self._in_flight, event.result, self.counters
        assert flight is not None
        self._state = apply(self._state, result.evaluation)
        # A step begun under an older roster has not asked who waits for this one.
        if flight.work.roster_version == self.roster_version:
            self._late.stored(result)
        if flight.work.kind is Kind.LATE:
            self._late.judged(result)
        self._in_flight = None
        self._attempt = 0
        counters.stored += result.stored
        counters.duplicates += result.duplicates
        counters.alert_events += result.alert_events
        counters.late_wearers += result.late_wearers
        if flight.tokens:
            effects.append(Ack(flight.tokens))
        work = flight.work
        if work.advance is not None:
            self._telling.committed(work.advance, work.boots, now)
        if work.rejected and self.connected:
            errors = self._telling.errors(work.rejected, now)
            if errors:
                effects.append(Publish(errors))

    def _same_work_again(self, event: CommitFailed | Retried, effects: list[Effect]) -> None:
        assert self._in_flight is not None
        if isinstance(event, CommitFailed):
            effects.append(RetryIn(self._attempt, event.reason))
            self._attempt += 1
            self.counters.retries += 1
        elif not self._draining:
            effects.append(Commit(self._in_flight.work))

    def _go_on(self, now: int, effects: list[Effect]) -> None:
        """Starts what is due, keeps the timer running, and steers the source."""
        if self._in_flight is None:
            flight = self._due(now)
            if flight is not None:
                self._in_flight = flight
                self._written_at = now
                effects.append(Commit(flight.work))
            elif self._draining:
                effects.append(Stopped())
        elif self._draining and self.failing:
            # What cannot be stored is not confirmed, so it comes again to the next process.
            effects.append(Stopped())
        if self._open.messages and not self._waking and not self._aged:
            self._waking = True
            effects.append(WakeIn(self._limits.age_ms))
        # QoS 0 knows no window: a full batch behind a commit holds the socket back instead.
        full = self._in_flight is not None and self._open.full(self._limits)
        if full != self._paused:
            self._paused = full
            effects.append(Pause() if full else Resume())

    def _due(self, now: int) -> _InFlight | None:
        """Ticks come first, late work at least once a tick: neither waits for a quiet moment."""
        if self._tick_due:
            self._tick_due = False
            evaluation = tick(
                self._state, self._wearers, self._rulebook, now, self.receive_clock_us
            )
            beat = self._written_at is None or now - self._written_at >= HEARTBEAT_US
            if evaluation.changes or beat or self._noticing.pending:
                return self._step(Kind.TICK, now, evaluation)
            self._state = apply(self._state, evaluation)
        if not self._draining and self._late.before_a_batch():
            return self._step(Kind.LATE, now, None)
        batch = self._open
        if batch.messages and (self._aged or self._draining or batch.ripe(self._limits)):
            self._late.batch_begins()
            return self._close_batch(now)
        if not self._draining and self._late.without_a_batch():
            return self._step(Kind.LATE, now, None)
        return None

    def _close_batch(self, now: int) -> _InFlight:
        batch, counters = self._open, self.counters
        self._open = OpenBatch()
        self._aged = False
        batch.decode(self._directory, self._allowance, now)
        counters.messages += len(batch.messages) - batch.canary_messages
        counters.readings += batch.readings
        counters.unknown_fields += batch.unknown_fields
        counters.rejections.update(batch.reasons)
        rows, origins = batch.rows()
        self._noticing.rejected(sum(not each.resubmitted for each in batch.rejected), now)
        advance, words = self._telling.advance(rows, batch.rejected, self._directory, now)
        judgement = self._judgement(now, heard_in(batch, rows, origins, self._directory))
        work = Work(
            kind=Kind.BATCH,
            now=now,
            receive_clock_us=self.receive_clock_us,
            roster_version=self.roster_version,
            rulebook_version=self._rulebook.version,
            judge=judgement.judge,
            rejudge=judgement.rejudge,
            rows=rows,
            origins=origins,
            messages=tuple(batch.messages),
            rejected=tuple(batch.rejected),
            canaries=tuple(batch.canaries.values()),
            boots=batch.boots | words,
            advance=advance,
            signals=self._noticing.take(),
            page=self._page(now),
            pack=judgement.pack,
        )
        return _InFlight(work, tuple(batch.tokens), self._ticks)

    def _step(self, kind: Kind, now: int, decided: Evaluation | None) -> _InFlight:
        judgement = self._judgement(now)
        work = Work(
            kind=kind,
            now=now,
            receive_clock_us=self.receive_clock_us,
            roster_version=self.roster_version,
            rulebook_version=self._rulebook.version,
            judge=judgement.judge if decided is None else lambda _rows, _places=None: decided,
            rejudge=judgement.rejudge,
            rows=NO_ROWS,
            origins=NO_ORIGINS,
            signals=self._noticing.take(),
            late_limit=self._late.limit,
            page=self._page(now),
            pack=judgement.pack,
        )
        return _InFlight(work, (), self._ticks)

    def _page(self, now: int) -> Page | None:
        """Part of the state as it is, to be written down with the step that begins."""
        return self._snapshots.due(self._state, self._wearers, self._telling.sequences, now)

    def _judgement(self, now: int, heard: Heard = NOTHING_HEARD) -> Judgement:
        clock_us = self.receive_clock_us
        return Judgement(self._state, self._wearers, self._rulebook, now, clock_us, heard)
