"""Findings and alerts in memory: what the ledger keeps of them in tables, for a dry run.

Theory of operation. The same pure parts decide as in the ledger's transactions (`alerts.folding`,
`alerts.triage`, `alerts.lifecycle`), in the same order; only the rows are in dictionaries. Nobody
acts on these alerts unless `moved` is given what people did.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from alerts.alert import Alert, Response
from alerts.cases import belongs_to, may_belong_to
from alerts.evidence import Held, Surroundings, facts
from alerts.folding import Folded, fold
from alerts.lifecycle import Step
from alerts.triage import Case, Decision, decide, due_again, steps_of
from alerts.vitals import Vitals
from rules.finding import Finding, FindingChange, FindingKey, Rule
from rules.rulebook import Rulebook

Key = tuple[int, Rule]
"""(episode_no, rule): what has at most one case that is not closed."""


@dataclass(slots=True)
class _Kept:
    held: Held

    @property
    def finding(self) -> Finding:
        return self.held.finding


class Caseload:
    """See the module's theory of operation."""

    def __init__(
        self,
        surroundings: Mapping[int, Surroundings],
        new_id: Callable[[], str],
        vitals: Callable[[int, int], Vitals],
        book: Rulebook | None = None,
    ) -> None:
        """`surroundings` are by episode, with all its devices; `book` judges all that comes.

        `vitals` is asked with an episode and the instant of the newest support.
        """
        self._book = book
        self._surroundings = surroundings
        self._new_id = new_id
        self._vitals = vitals
        self._kept: dict[tuple[FindingKey, int], _Kept] = {}
        self._alerts: dict[str, Alert] = {}

    def record(
        self, changes: Sequence[FindingChange], now: int, rulebook_version: str
    ) -> list[Step]:
        """Takes the changes of one step in: the alert events that follow, in order."""
        if not changes:
            return []
        folded = fold(changes)
        lost = [alert for entry in folded for alert in self._write(entry, rulebook_version)]
        keys = _keys(entry for entry in folded if entry.told)
        revised = _keys(entry for entry in folded if entry.revised)
        return self._move(keys, lost, revised, now)

    def quiet_time_over(self, now: int) -> list[Step]:
        """Raises again what was closed long enough ago and is still so."""
        keys = {
            (alert.episode_no, alert.rule): True
            for kept in self._kept.values()
            if kept.finding.ended_at is None
            and (alert := self._alerts.get(kept.held.alert or "")) is not None
            and alert.closed_at is not None
            and due_again(alert, now)
        }
        return self._move(sorted(keys), (), (), now)

    def moved(self, step: Step) -> None:
        """Somebody did something."""
        self._alerts[step.after.id] = step.after

    def standing(self, episode_no: int, device_no: int) -> tuple[Finding, ...]:
        """The findings of one wearer that are not withdrawn, in order of onset."""
        mine = [
            kept.finding
            for kept in self._kept.values()
            if (kept.finding.key.episode_no, kept.finding.key.device_no) == (episode_no, device_no)
        ]
        return tuple(sorted(mine, key=lambda each: each.onset_at))

    @property
    def findings(self) -> list[Finding]:
        """All that are not withdrawn, in order of onset."""
        found = [kept.finding for kept in self._kept.values()]
        return sorted(found, key=lambda each: (each.onset_at, str(each.key)))

    @property
    def alerts(self) -> list[Alert]:
        """As they stand now, in the order they were raised."""
        return [self._refreshed(alert) for alert in self._alerts.values()]

    def _refreshed(self, alert: Alert) -> Alert:
        held = [kept.held for kept in self._kept.values() if kept.held.alert == alert.id]
        if alert.response is Response.CLOSED or not held:
            return alert
        said = facts(held, self._where(alert.episode_no, held))
        return replace(
            alert, last_at=said.last_at, summary=said.summary, evidence=dict(said.evidence)
        )

    def _write(self, entry: Folded, rulebook_version: str) -> list[str]:
        """Writes one finding; the id of the alert that lost it, if one did."""
        key, stored = entry.finding.key, entry.stored_onset_at
        before = None if stored is None else self._kept.pop((key, stored), None)
        if entry.withdrawn:
            return [before.held.alert] if before is not None and before.held.alert else []
        if stored is not None and before is None:
            return []  # as an UPDATE that finds no row
        identity = key, entry.finding.onset_at
        before = before or self._kept.get(identity)
        late = entry.late if before is None else before.held.late
        alert = None if before is None else before.held.alert
        self._kept[identity] = _Kept(Held(entry.finding, alert, late, rulebook_version, self._book))
        return []

    def _move(
        self, keys: Sequence[Key], lost: Sequence[str], revised: Sequence[Key], now: int
    ) -> list[Step]:
        steps: list[Step] = []
        for key in keys:
            case, rows = self._case(key, lost, revised=key in revised)
            where = self._where(key[0], case.held)
            decision = decide(case, where, now, self._new_id)
            for step in steps_of(decision):
                self._alerts[step.after.id] = step.after
                steps.append(step)
            _place(rows, decision)
        return steps

    def _case(self, key: Key, lost: Sequence[str], *, revised: bool) -> tuple[Case, list[_Kept]]:
        of_key = [a for a in self._alerts.values() if (a.episode_no, a.rule) == key]
        standing = next((a for a in of_key if a.response is not Response.CLOSED), None)
        closed = max(
            (a for a in of_key if a.response is Response.CLOSED),
            key=lambda a: (a.closed_at or 0, a.raised_at, a.id),
            default=None,
        )
        alerts = {alert.id for alert in (standing, closed) if alert is not None}
        rows = [
            kept
            for kept in self._kept.values()
            if kept.finding.key.episode_no == key[0]
            and key[1] in may_belong_to(kept.finding)
            and self._rule_of(kept) is key[1]
            and (
                kept.finding.ended_at is None
                or kept.held.alert is None
                or kept.held.alert in alerts
            )
        ]
        losers = [a for a in of_key if a.id in lost]
        held = tuple(kept.held for kept in rows)
        return Case(key[0], standing, closed, held, tuple(losers), revised, key[1]), rows

    def _rule_of(self, kept: _Kept) -> Rule:
        """The rule of the case that a finding belongs to."""
        placed = None if kept.held.alert is None else self._alerts[kept.held.alert].rule
        return belongs_to(kept.finding, placed, battery_low=self._is_low(kept.finding.key))

    def _is_low(self, of: FindingKey) -> bool:
        key = of.episode_no, Rule.BATTERY_LOW
        return any(
            (alert.episode_no, alert.rule) == key and alert.response is not Response.CLOSED
            for alert in self._alerts.values()
        ) or any(
            (each.key.episode_no, each.key.rule) == key
            and each.key.device_no == of.device_no
            and each.ended_at is None
            for each in (kept.finding for kept in self._kept.values())
        )

    def _faults(self, episode_no: int) -> dict[int, Finding]:
        """By device number: the `device_fault` that stands."""
        return {
            each.key.device_no: each
            for each in (kept.finding for kept in self._kept.values())
            if (each.key.episode_no, each.key.rule) == (episode_no, Rule.DEVICE_FAULT)
            and each.key.by_journal
            and each.ended_at is None
        }

    def _where(self, episode_no: int, held: Sequence[Held]) -> Surroundings:
        where = replace(self._surroundings[episode_no], faults=self._faults(episode_no))
        if not held:
            return where
        until = max(each.finding.last_at for each in held)
        return replace(where, vitals=self._vitals(episode_no, until))


def _keys(folded: Iterable[Folded]) -> list[Key]:
    return sorted(
        {
            (entry.finding.key.episode_no, rule): True
            for entry in folded
            for rule in may_belong_to(entry.finding)
        }
    )


def _place(rows: Sequence[_Kept], decision: Decision) -> None:
    owner = decision.belongs_to
    if owner is None:
        return
    for kept in rows:
        if kept.held.alert != owner and kept.held in decision.held:
            kept.held = replace(kept.held, alert=owner)
