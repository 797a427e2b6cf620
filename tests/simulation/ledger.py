"""A model ledger: what PostgreSQL would hold, with transactions that are whole or nothing."""

import random
from collections import defaultdict
from dataclasses import dataclass, field, replace

import numpy as np

from alerts.alert import Outcome, Response
from alerts.caseload import Caseload
from alerts.lifecycle import Happened, Refused, Step, moved
from alerts.lifecycle import Kind as Kind_
from domain.batch import READING, Rows, in_order
from domain.people import EMPTY_ROSTER, Roster
from ingest.missing import MOST_RANGES, Ranges
from ingest.rejection import Reason
from ingest.sources.port import Envelope
from ingest.telling import counts_as_committed
from ingest.wire import boot_key
from ingest.work import History, Kind, RejectedMessage, Result, Work
from rules.engine import Evaluation
from rules.finding import Change, Finding, FindingChange
from rules.rulebook import DEFAULT, Rulebook
from tests.simulation.corrections import Pair, asked, imported
from tests.simulation.devices import Boot, Message
from tests.simulation.people import caseload

FOR_WANT_OF_A_ROSTER = (Reason.UNKNOWN_DEVICE, Reason.NOT_ASSIGNED)
"""What is rejected for these is judged again when an import covers it."""

Key = tuple[int, int, int]
"""(device_no, measured_at, digest)."""


@dataclass(slots=True)
class Waiting:
    """Somebody who is to be judged anew, by a process with such a roster or a newer one."""

    from_at: int
    batch: int
    roster_version: int = 0
    """0: for late readings; no import asked for it."""


@dataclass(slots=True)
class Ledger:
    """What PostgreSQL would hold, and in `late_left` what one process remembers of it."""

    roster: Roster = EMPTY_ROSTER
    """The newest, which the process may not have read yet."""
    rulebook: Rulebook = DEFAULT
    stored: dict[Key, np.void] = field(default_factory=dict)
    stored_by: dict[Key, int] = field(default_factory=dict)
    """Which step stored each reading."""
    rejected: dict[Message, RejectedMessage] = field(default_factory=dict)
    late: dict[Pair, Waiting] = field(default_factory=dict)
    findings: dict[tuple[object, int], Finding] = field(default_factory=dict)
    gaps: dict[tuple[int, int], Ranges] = field(default_factory=dict)
    words: dict[int, str] = field(default_factory=dict)
    journal: list[tuple[int, int]] = field(default_factory=list)
    """Of each step, (now, the receive clock); the first is step 1."""
    cases: Caseload = field(default_factory=lambda: caseload((), ()))
    steps: list[Step] = field(default_factory=list)
    """All that happened to alerts."""
    crowded: bool = False
    """Some device once missed more ranges than a receipt can tell: neighbours were made one."""
    late_left: tuple[int, bool] | None = None
    """(roster version, whether somebody waits for it) after the newest step of this process."""

    @property
    def batch(self) -> int:
        """The number of the newest step."""
        return len(self.journal)

    @property
    def receive_clock_us(self) -> int:
        """As of the newest step."""
        return self.journal[-1][1] if self.journal else 0

    def correct(self, wanted: Roster, effective_at: int) -> None:
        """Imports a roster; everybody of whom something changed waits to be judged anew."""
        before, self.roster = self.roster, imported(self.roster, wanted, effective_at)
        for pair, from_at in asked(before, self.roster, effective_at).items():
            self._ask(pair, from_at)

    def _ask(self, pair: Pair, from_at: int) -> None:
        waiting = self.late.setdefault(pair, Waiting(from_at, self.batch))
        waiting.from_at = min(waiting.from_at, from_at)
        waiting.roster_version = self.roster.version

    def take_up(self, book: Rulebook, now: int) -> None:
        """A process starts with another rulebook: `store.rulebooks.take_up`."""
        begins = max([now, *(until_at + 1 for until_at, _ in self.rulebook.earlier[-1:])])
        earlier = (*self.rulebook.earlier, (begins, replace(self.rulebook, earlier=())))
        self.rulebook = replace(book, earlier=earlier)

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
        """One step."""
        self.journal.append((work.now, work.receive_clock_us))
        new = self._insert(work.rows)
        self._keep_rejected(work)
        self.words |= work.boots
        for gap in () if work.advance is None else work.advance.gaps:
            self.gaps[gap.device_no, gap.boot_key] = gap.missing
            self.crowded |= len(gap.missing) == MOST_RANGES
        histories: list[History] = []
        if work.kind is Kind.LATE:
            histories = self._take(work.late_limit, work.roster_version)
            evaluation = work.rejudge(histories)
        else:
            evaluation = work.judge(work.rows[new], np.flatnonzero(new))
            self._note_late(work.rows, evaluation)
        for change in evaluation.changes:
            self._apply(change)
        self.steps += self.cases.record(evaluation.changes, work.now, work.rulebook_version)
        for each in histories:
            del self.late[each.episode_no, each.device_no]
        if work.kind is Kind.TICK:
            self.steps += self.cases.quiet_time_over(work.now)
        return Result(
            batch=self.batch,
            evaluation=evaluation,
            stored=int(new.sum()),
            duplicates=int((~new).sum()),
            late_wearers=len(histories),
            late_readings=sum(len(each.rows) for each in histories),
            late_left=self._late_after(work, evaluation),
        )

    def _insert(self, rows: Rows) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which rows are new."""
        new = np.zeros(len(rows), dtype=bool)
        for n, row in enumerate(rows):
            key = int(row["device_no"]), int(row["measured_at"]), int(row["digest"])
            if key not in self.stored:
                self.stored[key], self.stored_by[key] = row.copy(), self.batch
                new[n] = True
        return new

    def _keep_rejected(self, work: Work) -> None:
        """Each message once, with every reason it met; what is judged again may lose reasons."""
        again = [(each.topic, each.payload) for each in work.messages if each.resubmitted]
        for message in again:
            if (kept := self.rejected.get(message)) is not None:
                left = [r for r in kept.rejections if r.reason not in FOR_WANT_OF_A_ROSTER]
                self.rejected[message] = replace(kept, rejections=tuple(left))
        for rejected in work.rejected:
            kept = self.rejected.setdefault((rejected.topic, rejected.payload), rejected)
            reasons = {(r.item, r.reason, r.pointer): r for r in rejected.rejections}
            reasons |= {(r.item, r.reason, r.pointer): r for r in kept.rejections}
            self.rejected[rejected.topic, rejected.payload] = replace(
                kept, rejections=tuple(reasons.values())
            )
        for message in again:
            if message in self.rejected and not self.rejected[message].rejections:
                del self.rejected[message]

    def covered(self) -> list[Envelope]:
        """Kept messages of devices that are known and assigned by now, to be judged again."""
        return [
            Envelope(None, topic, payload, kept.received_at, resubmitted=True)
            for (topic, payload), kept in sorted(self.rejected.items())
            if any(each.reason in FOR_WANT_OF_A_ROSTER for each in kept.rejections)
            and (device := self.roster.devices.get(kept.device_id or "")) is not None
            and self.roster.assignments.get(device.no)
        ]

    def _take(self, limit: int, roster_version: int) -> list[History]:
        """Those who have waited longest and need no newer roster, as `store.late_work.take`."""
        order = sorted((each.batch, pair) for pair, each in self.late.items())
        ready = [pair for _, pair in order if self.late[pair].roster_version <= roster_version]
        taken = {pair: replace(self.late[pair]) for pair in ready[:limit]}
        self._hand_over({pair: each.from_at for pair, each in taken.items() if each.roster_version})
        rows = self.rows()
        return [
            History(
                *pair,
                rows[(rows["episode_no"] == pair[0]) & (rows["device_no"] == pair[1])],
                self._standing(pair),
                each.from_at,
            )
            for pair, each in taken.items()
        ]

    def _hand_over(self, corrected: dict[Pair, int]) -> None:
        """Readings of their devices are whose assignment covers them now, and judged as such."""
        since: dict[int, int] = {}
        for (_, device_no), from_at in corrected.items():
            since[device_no] = min(from_at, since.get(device_no, from_at))
        for row in self.stored.values():
            device_no, at = int(row["device_no"]), int(row["measured_at"])
            if device_no not in since or at < since[device_no]:
                continue
            worn = self.roster.assigned(device_no, at)
            if worn is not None and worn.episode_no != row["episode_no"]:
                row["episode_no"] = worn.episode_no
                self._ask((worn.episode_no, device_no), at)

    def _standing(self, pair: Pair) -> tuple[Finding, ...]:
        found = [
            finding
            for finding in self.findings.values()
            if (finding.key.episode_no, finding.key.device_no) == pair
            and not finding.key.by_journal
        ]
        return tuple(sorted(found, key=lambda each: each.onset_at))

    def _note_late(self, rows: Rows, evaluation: Evaluation) -> None:
        for slot, measured_at in evaluation.late:
            row = rows[rows["slot"] == slot][0]
            pair = int(row["episode_no"]), int(row["device_no"])
            waiting = self.late.setdefault(pair, Waiting(measured_at, self.batch))
            waiting.from_at = min(measured_at, waiting.from_at)
            waiting.batch = self.batch

    def _late_after(self, work: Work, evaluation: Evaluation) -> bool:
        """The ledger is only asked when what is remembered may not be so any more."""
        version, left = self.late_left or (-1, False)
        if work.kind is Kind.LATE or version != work.roster_version:
            left = self.waits(work.roster_version)
        else:
            left = bool(left or evaluation.late)
        self.late_left = work.roster_version, left
        return left

    def waits(self, roster_version: int) -> bool:
        """Whether anybody waits whom a process with this roster can judge."""
        return any(each.roster_version <= roster_version for each in self.late.values())

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
        """All that is stored, in order of instant and content; `slot` is not filled in."""
        rows = np.array(list(self.stored.values()), dtype=READING)
        rows["slot"] = 0
        return in_order(rows)

    def numbers(self) -> list[tuple[int, int, int]]:
        """(device_no, boot_key, seq) of all that is stored, or rejected with its number."""
        found = [
            (int(row["device_no"]), int(row["boot_key"]), int(row["seq"]))
            for row in self.stored.values()
        ]
        for message in self.rejected.values():
            for rejection in message.rejections:
                if counts_as_committed(rejection):
                    assert message.device_id is not None
                    key = 0 if rejection.boot is None else boot_key(rejection.boot)
                    found.append((self.roster.devices[message.device_id].no, key, rejection.seq))
        return found

    def committed(self) -> dict[Boot, set[int]]:
        """The same by (device id, boot word)."""
        ids = {device.no: device.id for device in self.roster.devices.values()}
        found: dict[Boot, set[int]] = defaultdict(set)
        for device_no, key, seq in self.numbers():
            found[ids[device_no], self.words[key] if key else None].add(seq)
        return found
