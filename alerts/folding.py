"""What a step says of findings, one entry a finding: its changes folded into one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rules.finding import Change, Finding, FindingChange, FindingKey


@dataclass(slots=True)
class Folded:
    """What a step says of one finding, in all."""

    finding: Finding
    stored_onset_at: int | None
    """Its onset in the database; None when it began in this step."""
    late: bool = False
    withdrawn: bool = False
    revised: bool = False
    told: bool = False
    """Whether a person could have to hear of it: more than `SEEN`."""


def fold(changes: Iterable[FindingChange]) -> list[Folded]:
    """One entry a finding, in the order of first mention. The same change twice is one."""
    entries: dict[FindingKey, list[Folded]] = {}
    order: list[Folded] = []
    for change in changes:
        known = entries.setdefault(change.finding.key, [])
        entry = _entry_of(known, change)
        if entry is None:
            began = change.change is Change.BEGAN
            onset_at = (change.before or change.finding).onset_at
            entry = Folded(change.finding, None if began else onset_at)
            known.append(entry)
            order.append(entry)
        entry.finding = change.finding
        entry.late |= change.late
        entry.told |= change.change is not Change.SEEN
        entry.revised |= change.change is Change.REVISED
        entry.withdrawn |= change.change is Change.WITHDRAWN
    return [entry for entry in order if not (entry.withdrawn and entry.stored_onset_at is None)]


def _entry_of(known: Sequence[Folded], change: FindingChange) -> Folded | None:
    onset_at = (change.before or change.finding).onset_at
    for entry in known:
        if entry.finding.onset_at == onset_at and not entry.withdrawn:
            return entry
    return None
