"""How often a rule, a device or a model was right, from what people found at the door.

Pure. Counts verdicts (`alerts.verdicts`) and says the false-alarm rate as a posterior, so that one
bad alert is not "100 % false". The prior is Jeffreys', Beta(1/2, 1/2): it says next to nothing, and
for few cases its interval covers well (Brown, Cai and DasGupta, Statistical Science 16, 2001, who
recommend it for n <= 40). Unknown verdicts are shown and do not move the rate.

A device whose alerts are mostly false is *proposed* for a swap: somebody decides. Nothing urgent is
hidden or lowered by it; its routine alerts are given a common `group`, to be looked at together.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from alerts.alert import Outcome
from alerts.beta import quantile
from alerts.casework import Page
from alerts.verdicts import Verdict, verdict
from domain.instant import DAY_US, format_rfc3339
from rules.finding import Rule, Severity

PRIOR: Final = (0.5, 0.5)
INTERVAL: Final = (0.05, 0.95)
"""The interval that is told holds 90 % of the posterior, 5 % on either side."""
SWAP_JUDGED: Final = 4
SWAP_MEAN: Final = 0.6
"""A device is proposed for a swap when so many of its alerts were judged, and its false-alarm rate
is expected to be so high: 3 of 4, 4 of 6, 5 of 8. Fewer cases say too little of one device, and at
a lower rate a swap would not help more often than it costs a visit."""
RECENT_US: Final = 90 * DAY_US
"""How far back is looked where nobody says: a device is repaired, a rulebook is changed."""


class By(StrEnum):
    """What is judged."""

    RULE = "rule"
    DEVICE = "device"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Counted:
    """So many alerts of one device and rule with this outcome."""

    device: str
    model: str
    rule: Rule
    rulebook_version: str
    outcome: Outcome
    count: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Verdicts, counted."""

    confirmed: int = 0
    false: int = 0
    unknown: int = 0

    @classmethod
    def of(cls, counted: Iterable[Counted]) -> "Tally":
        """The verdicts of these alerts."""
        sums = dict.fromkeys(Verdict, 0)
        for each in counted:
            said = verdict(each.rule, each.outcome)
            assert said is not None
            sums[said] += each.count
        return cls(sums[Verdict.CONFIRMED], sums[Verdict.FALSE], sums[Verdict.UNKNOWN])

    @property
    def judged(self) -> int:
        """How many say something."""
        return self.confirmed + self.false

    @property
    def mean(self) -> float:
        """The false-alarm rate that is to be expected."""
        return (self.false + PRIOR[0]) / (self.judged + sum(PRIOR))

    @property
    def swap_proposed(self) -> bool:
        """Whether a device with this record had better be replaced."""
        return self.judged >= SWAP_JUDGED and self.mean >= SWAP_MEAN

    def document(self) -> dict[str, Any]:
        """As JSON values, the rate to three places."""
        a, b = self.false + PRIOR[0], self.confirmed + PRIOR[1]
        low, high = (round(quantile(p, a, b), 3) for p in INTERVAL)
        return {
            "confirmed": self.confirmed,
            "false": self.false,
            "unknown": self.unknown,
            "judged": self.judged,
            "false_alarm_rate": {"mean": round(self.mean, 3), "low": low, "high": high},
        }

    def line(self, what: str) -> str:
        """A few words for an alert's page. They speak of the device or the rule, of nobody else."""
        if not self.judged:
            return f"{what}: not judged yet"
        return f"{what}: {self.false} of {self.judged} false"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: alerts raised in `from_at` <= ... < `to_at`."""

    by: By
    from_at: int
    to_at: int
    swap_proposed: bool | None = None
    """Of devices: only those that are, or are not."""
    cursor: str | None = None
    """The key of the last one seen."""
    limit: int = 100


def answer(counted: Sequence[Counted], question: Question) -> Page:
    """One item for each rule, device or model that was judged by anybody, in order of its name."""
    groups = _grouped(counted, _KEYS[question.by])
    items = []
    for key in sorted(groups):
        swap = question.by is By.DEVICE and Tally.of(groups[key]).swap_proposed
        after = question.cursor is None or question.cursor < key
        if after and question.swap_proposed in (None, swap):
            items.append(_ITEMS[question.by](key, groups[key]))
        if len(items) > question.limit:
            return Page(items[:-1], items[-2][question.by.value])
    return Page(items, None)


def proposals(counted: Iterable[Counted]) -> list[str]:
    """The devices that are proposed for a swap, in order."""
    groups = _grouped(counted, _KEYS[By.DEVICE])
    return sorted(device for device, alerts in groups.items() if Tally.of(alerts).swap_proposed)


def group(alert: Mapping[str, Any], proposed: Sequence[str]) -> str | None:
    """What the routine alerts of a device that is proposed for a swap have in common.

    The same word as an alert's `evidence.group`. Urgent and critical ones stand alone.
    """
    soft = alert["severity"] == Severity.ROUTINE.word
    return f"device:{alert['device']}" if soft and alert["device"] in proposed else None


def track_record(
    of_device: Sequence[Counted], of_rule: Sequence[Counted], rule: Rule, since: int
) -> dict[str, Any]:
    """What an alert's page says of the device and the rule that raised it."""
    device, own = Tally.of(of_device), Tally.of(of_rule)
    return {
        "since": format_rfc3339(since),
        "device": {
            **device.document(),
            "swap_proposed": device.swap_proposed,
            "summary": device.line("this device"),
        },
        "rule": {**own.document(), "summary": own.line(f"rule {rule.value}")},
    }


def _grouped(
    counted: Iterable[Counted], key: Callable[[Counted], str]
) -> Mapping[str, list[Counted]]:
    groups: dict[str, list[Counted]] = defaultdict(list)
    for each in counted:
        groups[key(each)].append(each)
    return groups


def _of_rule(rule: str, alerts: Sequence[Counted]) -> dict[str, Any]:
    versions = _grouped(alerts, lambda each: each.rulebook_version)
    return {
        "rule": rule,
        **Tally.of(alerts).document(),
        "rulebooks": [
            {"rulebook_version": name, **Tally.of(versions[name]).document()}
            for name in sorted(versions)
        ],
    }


def _of_device(device: str, alerts: Sequence[Counted]) -> dict[str, Any]:
    tally = Tally.of(alerts)
    return {
        "device": device,
        "model": alerts[0].model,
        **tally.document(),
        "swap_proposed": tally.swap_proposed,
        "rules": _rules(alerts),
    }


def _of_model(model: str, alerts: Sequence[Counted]) -> dict[str, Any]:
    return {
        "model": model,
        **Tally.of(alerts).document(),
        "devices": len({each.device for each in alerts}),
        "rules": _rules(alerts),
    }


def _rules(alerts: Sequence[Counted]) -> list[dict[str, Any]]:
    groups = _grouped(alerts, _KEYS[By.RULE])
    return [{"rule": rule, **Tally.of(groups[rule]).document()} for rule in sorted(groups)]


_KEYS: Final[Mapping[By, Callable[[Counted], str]]] = {
    By.RULE: lambda each: each.rule.value,
    By.DEVICE: lambda each: each.device,
    By.MODEL: lambda each: each.model,
}
_ITEMS: Final = {By.RULE: _of_rule, By.DEVICE: _of_device, By.MODEL: _of_model}
