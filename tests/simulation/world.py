"""A world without sockets: a model broker, a model ledger, and the real pipeline and rules between.

Everything follows from one seed. The broker keeps what is not confirmed and sends it again, out of
order, after every loss of the session; the ledger fails, hangs behind the next event, or commits
and loses its answer; the process dies at any effect and comes back with nothing but what was
committed. Meanwhile the roster is corrected and the rulebook replaced: the ledger has the newest at
once, the process reads it some time later, as `ingest.runner` does, and a rulebook needs a start.
"""

import random
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from domain.instant import MINUTE_US, SECOND_US
from domain.people import Roster
from ingest.directory import Directory
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
    RosterChanged,
    SourceLost,
    Ticked,
    WakeIn,
    Woke,
)
from ingest.gathering import Limits
from ingest.pipeline import Pipeline
from ingest.work import Result, Work
from rules.wearers import Wearers
from tests.simulation import changes
from tests.simulation.broker import Broker
from tests.simulation.devices import Devices, Message
from tests.simulation.ledger import Ledger
from tests.simulation.people import caseload
from tests.simulation.recovery import recalled
from tests.simulation.sending import MINUTES, STARTED_AT, Due

TICKS_FOR_RECEIPTS = 5
"""A device is told of one boot a second."""
STEPS = 400
"""With faults."""
SENT_MINUTES = MINUTES + 61
"""By then everything was sent, however late, and what is to end has ended."""


@dataclass(frozen=True, slots=True)
class Faults:
    """How likely each trouble is; each seed draws its own mix."""

    session_loss: float
    commit_failure: float
    lost_answer: float
    crash: float
    people: float = 0.0
    """Not a fault: how often somebody acts on an alert,"""
    changes: float = 0.0
    """and how often the roster is corrected or the rulebook replaced."""

    @classmethod
    def drawn(cls, rng: random.Random) -> "Faults":
        """Some of each, or none."""
        lost, failed, unanswered, crash = (rng.choice((0.0, 0.02, 0.1, 0.3)) for _ in range(4))
        people, changed = rng.choice((0.0, 0.05)), rng.choice((0.0, 0.01, 0.04))
        return cls(lost, failed, unanswered, crash, people, changed)


CALM = Faults(0, 0, 0, 0)


class World:
    """Runs the real pipeline between the models until everything is stored."""

    def __init__(
        self,
        seed: int,
        roster: Roster,
        sent: Sequence[Due],
        watch: Callable[["World"], None] = lambda _: None,
    ) -> None:
        """`watch` is called after all that is stored, confirmed or told to devices."""
        self.rng = random.Random(seed)
        self.faults = Faults.drawn(self.rng)
        self.sent = [due.message for due in sent]
        self.broker = Broker(self.rng)
        cases = caseload(roster.episodes, roster.devices.values())
        self.ledger = Ledger(roster=roster, cases=cases)
        self.acked: list[Message] = []
        self.devices = Devices()
        self.starts = 0
        """Processes there were."""
        self.troubles: Counter[str] = Counter()
        """What befell it, for the summary."""
        self.now = STARTED_AT + self.rng.choice((0, 45, SENT_MINUTES)) * MINUTE_US
        self.ticked_at = self.now
        self.trace: list[str] = []
        self._pace_us = max(SECOND_US, 2 * (STARTED_AT + MINUTES * MINUTE_US - self.now) // STEPS)
        self._sent = deque(sent)
        self._watch = watch
        self._limits = Limits(readings=self.rng.randint(1, 200), age_ms=50, window=100)
        self._start()

    def _start(self) -> None:
        self.starts += 1
        self.ledger.late_left = None
        self.pipeline = Pipeline(self._limits, recalled(self.ledger, self.now))
        self._pending: list[Event] = []
        self._settled: tuple[Work, Result] | None = None
        self._resubmitted_for = -1
        self._feed(self.broker.connect())

    def run(self) -> None:
        """Safety first, with faults; then no more faults, and everything must come to an end."""
        for _ in range(STEPS):
            self.now += self.rng.randint(1, self._pace_us)
            self._step(self.faults)
        self.now = max(self.now, STARTED_AT + SENT_MINUTES * MINUTE_US)
        self.run_calmly()

    def run_calmly(self) -> None:
        """Without faults until nothing is left to do, and for the ticks that receipts wait for."""
        ticks = 0
        for _ in range(5_000):
            if not self._quiet():
                self.now += self.rng.randint(1, SECOND_US)
                self._step(CALM)
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
        busy = self._sent or self.broker.queue or self.broker.in_flight or self.ledger.late
        return not (busy or self._pending or self.pipeline.held or self._behind())

    def _behind(self) -> bool:
        """Whether there is a roster to be read, or readings it covers to be judged."""
        newest = self.ledger.roster.version
        return self.pipeline.roster_version < newest or self._resubmitted_for < newest

    def _step(self, faults: Faults) -> None:
        while self._sent and self._sent[0].at <= self.now:
            self.broker.queue.append(self._sent.popleft().message)
        if self.rng.random() < faults.changes:
            self._change()
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
        elif roll < 0.75 and self._behind():
            self._follow_roster(faults)
        else:
            envelopes = self.broker.deliver(self._limits.window, self.now)
            if envelopes:
                self._feed(Received(envelopes), faults)

    def _change(self) -> None:
        """The roster is corrected, or the process starts anew with another rulebook."""
        if self.rng.random() < 0.1:
            self.troubles[changes.RULEBOOKS] += 1
            self.trace.append(f"{self.now} {changes.RULEBOOKS}")
            book = changes.another_rulebook(self.rng, self.troubles[changes.RULEBOOKS])
            self.ledger.take_up(book, self.now)
            self._start()
            return
        change = changes.drawn(self.rng, self.ledger.roster, self.now)
        if change is not None:
            self.troubles[change.kind] += 1
            self.ledger.correct(change.wanted, change.effective_at)
            version = self.ledger.roster.version
            self.trace.append(f"{self.now} {change.kind}: {version} from {change.effective_at}")

    def _follow_roster(self, faults: Faults) -> None:
        """As the runner: reads a newer roster, and then has the kept readings judged it covers."""
        if self.pipeline.roster_version < self.ledger.roster.version:
            roster, book = self.ledger.roster, self.ledger.rulebook
            wearers = Wearers.of(roster, book, self.pipeline.wearers)
            self._feed(RosterChanged(Directory.of(roster, wearers.slots), wearers), faults)
            return
        if self.pipeline.settling_older_roster:
            return
        self._resubmitted_for = self.pipeline.roster_version
        covered = self.ledger.covered()
        if covered:
            self.troubles["readings judged again"] += len(covered)
            self._feed(Received(covered), faults)

    def _feed(self, event: Event, faults: Faults | None = None) -> None:
        self.trace.append(f"{self.now} {type(event).__name__}")
        if isinstance(event, Ticked):
            self.ticked_at = self.now
        for effect in self.pipeline.handle(event, self.now):
            if faults is not None and self.rng.random() < faults.crash / 10:
                self.trace.append(f"{self.now} crash before {type(effect).__name__}")
                self.troubles["crashes"] += 1
                self._start()
                return
            self._carry_out(effect, faults)

    def _carry_out(self, effect: Effect, faults: Faults | None) -> None:
        match effect:
            case Commit(work):
                self._pending.append(self._commit(work, faults))
                self._watch(self)
            case Ack(tokens):
                self.acked.extend(self.broker.ack(tokens))
                self._watch(self)
            case Publish(notices):
                self.devices.hear(notices, self.ledger.committed(), self.now)
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
