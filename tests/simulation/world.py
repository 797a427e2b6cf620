"""A world without sockets: a model broker, a model ledger, and the real pipeline and rules between.

Everything follows from one seed. The broker keeps what is not confirmed and sends it again, out of
order, after every loss of the session; the ledger fails, hangs behind the next event, or commits
and loses its answer; the process dies at any effect and comes back with nothing but what was
committed.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from alerts.alert import Outcome, Response
from alerts.caseload import Caseload
from alerts.lifecycle import Happened, Refused, Step, moved
from alerts.lifecycle import Kind as Kind_
from domain.batch import READING, Rows, in_order
from domain.instant import SECOND_US
from domain.people import Roster
from ingest.events import (
    Ack,
    Commit,
    CommitFailed,
    Committed,
    Effect,
    Event,
    Publish,
    Received,
    Retried,
    RetryIn,
    SourceLost,
    SourceUp,
    Ticked,
    WakeIn,
    Woke,
)
from ingest.gathering import Limits
from ingest.missing import Ranges
from ingest.pipeline import Pipeline
from ingest.sequences import Sequences
from ingest.sources.port import Envelope, Token
from ingest.wire import Reason, boot_key
from ingest.work import Beginning, History, Kind, RejectedMessage, Result, Work
from rules.engine import apply, evaluate
from rules.finding import Change, Finding, FindingChange
from rules.rulebook import DEFAULT
from rules.state import fresh
from rules.wearers import Wearers
from tests.simulation.devices import Boot, Devices, Message
from tests.simulation.people import caseload

TICKS_FOR_RECEIPTS = 5
"""A device is told of one boot a second."""


@dataclass(frozen=True, slots=True)
class Faults:
    """How likely each trouble is; each seed draws its own mix."""

    session_loss: float
    commit_failure: float
    lost_answer: float
    crash: float
    people: float = 0.0
    """Not a fault: how often somebody acts on an alert."""

    @classmethod
    def drawn(cls, rng: random.Random) -> "Faults":
        lost, failed, unanswered, crash = (rng.choice((0.0, 0.02, 0.1, 0.3)) for _ in range(4))
        return cls(lost, failed, unanswered, crash, rng.choice((0.0, 0.05)))


@dataclass(slots=True)
class Broker:
    """QoS 1: what is not confirmed comes again after a reconnect, in any order."""

    rng: random.Random
    queue: list[tuple[str, bytes]] = field(default_factory=list)
    in_flight: dict[Token, tuple[str, bytes]] = field(default_factory=dict)
    generation: int = 0
    packet: int = 0

    def connect(self) -> SourceUp:
        self.generation += 1
        self.packet = 0
        again = list(self.in_flight.values())
        self.in_flight.clear()
        self.rng.shuffle(again)
        self.queue = self._interleaved(again, self.queue)
        return SourceUp(self.generation, session_present=self.generation > 1)

    def _interleaved(
        self, again: list[tuple[str, bytes]], queue: list[tuple[str, bytes]]
    ) -> list[tuple[str, bytes]]:
        """NATS sends new messages before the old ones; Mosquitto the other way round."""
        return again + queue if self.rng.random() < 0.5 else queue[:20] + again + queue[20:]

    def deliver(self, window: int, at: int) -> list[Envelope]:
        room = min(self.rng.randint(1, 30), window - len(self.in_flight), len(self.queue))
        envelopes = []
        for topic, payload in self.queue[: max(0, room)]:
            self.packet += 1
            token = (self.generation, self.packet)
            self.in_flight[token] = (topic, payload)
            envelopes.append(Envelope(token, topic, payload, at))
        del self.queue[: len(envelopes)]
        return envelopes

    def ack(self, tokens: Sequence[Token]) -> list[tuple[str, bytes]]:
        return [self.in_flight.pop(token) for token in tokens if token[0] == self.generation]


@dataclass(slots=True)
class Ledger:
    """What PostgreSQL would hold. `commit` is whole or nothing, as a transaction is."""

    stored: dict[tuple[int, int, int], np.void] = field(default_factory=dict)
    rejected: list[RejectedMessage] = field(default_factory=list)
    late: dict[tuple[int, int], int] = field(default_factory=dict)
    findings: dict[tuple[object, int], Finding] = field(default_factory=dict)
    gaps: dict[tuple[int, int], Ranges] = field(default_factory=dict)
    words: dict[int, str] = field(default_factory=dict)
    receive_clock_us: int = 0
    batch: int = 0
    cases: Caseload = field(default_factory=lambda: caseload(()))
    steps: list[Step] = field(default_factory=list)
    """All that happened to alerts."""

    def act(self, rng: random.Random, now: int) -> None:
        """Somebody acknowledges an alert, goes to the door, or records what was true."""
        open_ = [each for each in self.cases.alerts if each.response is not Response.CLOSED]
        if not open_:
            return
        alert = rng.choice(open_)
        kind = rng.choice((Kind_.ACKNOWLEDGED, Kind_.VISITED, Kind_.OUTCOME))
        outcome = rng.choice(list(Outcome)) if kind is Kind_.OUTCOME else None
        done = moved(alert, Happened(kind, now, actor="dr-1", outcome=outcome))
        if isinstance(done, Refused):
            return
        for step in done:
            self.cases.moved(step)
            self.steps.append(step)

    def commit(self, work: Work) -> Result:
        self.batch += 1
        self.receive_clock_us = work.receive_clock_us
        new = np.array([self._key(row) not in self.stored for row in work.rows], dtype=bool)
        new &= _first_of_each(work.rows)
        for row in work.rows[new]:
            self.stored[self._key(row)] = row.copy()
        self.rejected.extend(work.rejected)
        self.words |= work.boots
        for gap in () if work.advance is None else work.advance.gaps:
            self.gaps[gap.device_no, gap.boot_key] = gap.missing
        histories = self.histories() if work.kind is Kind.LATE else []
        evaluation = (
            work.rejudge(histories)
            if histories
            else work.judge(work.rows[new], np.flatnonzero(new))
        )
        if work.kind is Kind.LATE:
            self.late.clear()
        for slot, measured_at in evaluation.late:
            row = work.rows[work.rows["slot"] == slot][0]
            pair = (int(row["episode_no"]), int(row["device_no"]))
            self.late[pair] = min(measured_at, self.late.get(pair, measured_at))
        for change in evaluation.changes:
            self._apply(change)
        self.steps += self.cases.record(evaluation.changes, work.now, work.rulebook_version)
        if work.kind is Kind.TICK:
            self.steps += self.cases.quiet_time_over(work.now)
        return Result(
            batch=self.batch,
            evaluation=evaluation,
            stored=int(new.sum()),
            duplicates=int((~new).sum()),
            late_left=bool(self.late),
        )

    def _key(self, row: np.void) -> tuple[int, int, int]:
        return (int(row["device_no"]), int(row["measured_at"]), int(row["digest"]))

    def _apply(self, change: FindingChange) -> None:
        before = change.before
        if before is not None:
            if (before.key, before.onset_at) not in self.findings:
                # A new process has judged late readings with the others, and the old one's
                # findings are without them. Until the late work an UPDATE finds no row.
                assert (before.key.episode_no, before.key.device_no) in self.late
                return
            del self.findings[before.key, before.onset_at]
        if change.change is not Change.WITHDRAWN:
            self.findings[change.finding.key, change.finding.onset_at] = change.finding

    def rows(self) -> Rows:
        return in_order(np.array(list(self.stored.values()), dtype=READING))

    def numbers(self, roster: Roster) -> list[tuple[int, int, int]]:
        """(device_no, boot_key, seq) of all that is stored, or rejected with its number."""
        found = [(int(r["device_no"]), int(r["boot_key"]), int(r["seq"])) for r in self.rows()]
        for message in self.rejected:
            for rejection in message.rejections:
                if rejection.seq >= 0 and rejection.reason is not Reason.RATE_LIMITED:
                    assert message.device_id is not None
                    key = 0 if rejection.boot is None else boot_key(rejection.boot)
                    found.append((roster.devices[message.device_id].no, key, rejection.seq))
        return found

    def committed(self, roster: Roster) -> dict[Boot, set[int]]:
        """The same by (device id, boot word)."""
        ids = {device.no: device.id for device in roster.devices.values()}
        found: dict[Boot, set[int]] = defaultdict(set)
        for device_no, key, seq in self.numbers(roster):
            found[ids[device_no], self.words[key] if key else None].add(seq)
        return found

    def histories(self) -> list[History]:
        rows, found = self.rows(), []
        for (episode_no, device_no), late_from in sorted(self.late.items()):
            mine = rows[(rows["episode_no"] == episode_no) & (rows["device_no"] == device_no)]
            standing = tuple(
                finding
                for finding in sorted(self.findings.values(), key=lambda f: f.onset_at)
                if finding.key.episode_no == episode_no
                and finding.key.device_no == device_no
                and not finding.key.by_journal
            )
            found.append(History(episode_no, device_no, mine, standing, late_from))
        return found


def _first_of_each(rows: Rows) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    mask = np.zeros(len(rows), dtype=bool)
    if len(rows):
        mask[np.unique(rows[["device_no", "measured_at", "digest"]], return_index=True)[1]] = True
    return mask


class World:
    """Runs the real pipeline between the models until everything is stored."""

    def __init__(
        self, seed: int, roster: Roster, messages: list[tuple[str, bytes]], now: int
    ) -> None:
        self.rng = random.Random(seed)
        self.faults = Faults.drawn(self.rng)
        self.broker = Broker(self.rng, queue=list(messages))
        self.ledger = Ledger(cases=caseload(roster.episodes))
        self.acked: list[tuple[str, bytes]] = []
        self.devices = Devices()
        self.crashes = 0
        self.troubles: Counter[str] = Counter()
        """What faults there were, for the summary."""
        self.now = now
        self.trace: list[str] = []
        self._roster = roster
        self._limits = Limits(readings=self.rng.randint(1, 200), age_ms=50, window=100)
        self._start()

    def _start(self) -> None:
        wearers = Wearers.of(self._roster, DEFAULT)
        state = fresh(len(wearers.slots))
        if self.ledger.stored:
            rows = self.ledger.rows()
            state = apply(state, evaluate(state, rows, wearers, DEFAULT, self.now, 0))
        beginning = Beginning(
            rulebook=DEFAULT,
            roster=self._roster,
            wearers=wearers,
            state=state,
            receive_clock_us=self.ledger.receive_clock_us,
            late_left=bool(self.ledger.late),
            sequences=self._recalled(),
            heard_before=self.ledger.batch > 0,
        )
        self.pipeline = Pipeline(self._limits, beginning)
        self._pending: list[Event] = []
        self._settled: tuple[Work, Result] | None = None
        self._feed(self.broker.connect())

    def _recalled(self) -> Sequences:
        """As `store.recovery` does it, of what happened within one day."""
        sequences = Sequences()
        numbers = np.array(self.ledger.numbers(self._roster), dtype=np.int64).reshape(-1, 3)
        sequences.recall(numbers[:, 0], numbers[:, 1], numbers[:, 2], 0)
        sequences.restore_noticed(
            (*pair, *missing) for pair, ranges in self.ledger.gaps.items() for missing in ranges
        )
        return sequences

    def run(self) -> None:
        """Safety first, with faults; then no more faults, and everything must come to an end."""
        for _ in range(400):
            self._step(self.faults)
        self.run_calmly()

    def run_calmly(self) -> None:
        """Without faults until nothing is left to do, and for the ticks that receipts wait for."""
        calm = Faults(0, 0, 0, 0)
        ticks = 0
        for _ in range(5_000):
            if not self._quiet():
                self._step(calm)
            elif ticks < TICKS_FOR_RECEIPTS:
                ticks += 1
                self.now += SECOND_US
                self._feed(Ticked())
            else:
                return
        raise AssertionError("the pipeline does not drain once the faults have stopped")

    def send_again(self, messages: Sequence[Message]) -> None:
        """Devices send what no receipt covers."""
        self.broker.queue += messages

    def _quiet(self) -> bool:
        done = not (self.broker.queue or self.broker.in_flight or self.ledger.late)
        return done and not self._pending

    def _step(self, faults: Faults) -> None:
        self.now += self.rng.randint(1, SECOND_US)
        roll = self.rng.random()
        if roll < faults.session_loss:
            self.troubles["sessions lost"] += 1
            self._feed(SourceLost(self.broker.generation, "cut"))
            self._feed(self.broker.connect())
        elif roll > 1 - faults.people:
            self.ledger.act(self.rng, self.now)
        elif self._pending and roll < 0.6:
            self._feed(self._pending.pop(0), faults)
        elif roll < 0.7:
            self._feed(Ticked(), faults)
        else:
            envelopes = self.broker.deliver(self._limits.window, self.now)
            if envelopes:
                self._feed(Received(envelopes), faults)

    def _feed(self, event: Event, faults: Faults | None = None) -> None:
        self.trace.append(f"{self.now} {type(event).__name__}")
        for effect in self.pipeline.handle(event, self.now):
            if faults is not None and self.rng.random() < faults.crash / 10:
                self.trace.append(f"{self.now} crash before {type(effect).__name__}")
                self.crashes += 1
                self.troubles["crashes"] += 1
                self._start()
                return
            self._carry_out(effect, faults)

    def _carry_out(self, effect: Effect, faults: Faults | None) -> None:
        match effect:
            case Commit(work):
                self._pending.append(self._commit(work, faults))
            case Ack(tokens):
                self.acked.extend(self.broker.ack(tokens))
            case Publish(notices):
                self.devices.hear(notices, self.ledger.committed(self._roster), self.now)
            case WakeIn():
                self._pending.append(Woke())
            case RetryIn():
                self._pending.append(Retried())
            case _:
                pass

    def _commit(self, work: Work, faults: Faults | None) -> Event:
        if self._settled is not None and self._settled[0] is work:
            return Committed(self._settled[1])
        if faults is not None and self.rng.random() < faults.commit_failure:
            self.troubles["commits failed"] += 1
            return CommitFailed("busy")
        result = self.ledger.commit(work)
        if faults is not None and self.rng.random() < faults.lost_answer:
            self._settled = (work, result)
            self.troubles["answers lost"] += 1
            return CommitFailed("the answer was lost")
        return Committed(result)
