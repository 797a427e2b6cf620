"""What late readings change: the findings that stand against those the whole history gives now.

Refuses to guess what people should hear of it: it only says what began, ended, moved or is no
longer supported. Alerts that a person has touched are annotated, never withdrawn (`alerts.triage`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from domain.instant import DAY_US
from rules.finding import Change, Finding, FindingChange, FindingKey

_SETTLED_US: Final = 2 * DAY_US
"""A finding that ended so long before the oldest late reading is not reached by it: the runs that
decide are shorter, unless a device uploads less often than twice a day."""

_ORDER: Final = (
    Change.WITHDRAWN,
    Change.REVISED,
    Change.SEEN,
    Change.BEGAN,
    Change.ENDED,
)
"""What is withdrawn goes first, so that nothing stands twice in between."""


def revise(
    stored: Sequence[Finding], replayed: Sequence[Finding], late_from: int
) -> list[FindingChange]:
    """What has to change for `stored` to become `replayed`, every change marked late.

    Both are findings of one wearer by event-time rules. `late_from` is the oldest late reading:
    what was settled before it is left as it stands, also if the roster or the rulebook that judged
    it has changed since. Equal findings give no change. A new finding that is over already begins
    and ends.
    """
    before = [finding for finding in stored if not _settled(finding, late_from)]
    after = [finding for finding in replayed if not _settled(finding, late_from)]
    changes: list[FindingChange] = []
    for key in sorted({each.key: None for each in (*before, *after)}, key=_key_order):
        pairs = _pairs(
            [each for each in before if each.key == key],
            [each for each in after if each.key == key],
        )
        for old, new in pairs:
            changes.extend(_between(old, new))
    return sorted(changes, key=lambda each: (_ORDER.index(each.change), each.finding.onset_at))


def _settled(finding: Finding, late_from: int) -> bool:
    return finding.ended_at is not None and finding.ended_at + _SETTLED_US < late_from


def _key_order(key: FindingKey) -> tuple[int, int, str, str]:
    return key.episode_no, key.device_no, key.rule, key.site_class


def _pairs(
    stored: Iterable[Finding], replayed: Iterable[Finding]
) -> list[tuple[Finding | None, Finding | None]]:
    """The same finding before and after: by its onset, else the first that overlaps it in time."""
    old = {finding.onset_at: finding for finding in stored}
    new = {finding.onset_at: finding for finding in replayed}
    pairs: list[tuple[Finding | None, Finding | None]] = [
        (old.pop(onset_at), new.pop(onset_at)) for onset_at in [*old] if onset_at in new
    ]
    for onset_at, finding in sorted(old.items()):
        twin = next((each for _, each in sorted(new.items()) if _overlap(finding, each)), None)
        if twin is not None:
            pairs.append((old.pop(onset_at), new.pop(twin.onset_at)))
    pairs.extend((finding, None) for finding in old.values())
    pairs.extend((None, finding) for finding in new.values())
    return pairs


def _overlap(one: Finding, other: Finding) -> bool:
    return (other.ended_at is None or one.onset_at <= other.ended_at) and (
        one.ended_at is None or other.onset_at <= one.ended_at
    )


def _between(old: Finding | None, new: Finding | None) -> list[FindingChange]:
    if new is None:
        assert old is not None
        return [FindingChange(Change.WITHDRAWN, old, old, late=True)]
    if old is None:
        began = replace(new, ended_at=None)
        changes = [FindingChange(Change.BEGAN, began, late=True)]
        if new.ended_at is not None:
            changes.append(FindingChange(Change.ENDED, new, began, late=True))
        return changes
    if old == new:
        return []
    return [FindingChange(_kind(old, new), new, old, late=True)]


def _kind(old: Finding, new: Finding) -> Change:
    if (old.onset_at, old.severity) != (new.onset_at, new.severity):
        return Change.REVISED
    if old.ended_at == new.ended_at:
        return Change.SEEN
    return Change.ENDED if old.ended_at is None else Change.REVISED
