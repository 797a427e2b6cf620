"""Alerts held against what really happened: found or missed, false, and how late.

Pure. The truth is the file of `doorstep simulate --truth` (`simulator.truth`), the alerts are what
the service raised of the same episodes. A *spell* is something true for a while; it counts when it
began in the time looked at and lasted long enough to be found at all. It is found when an alert by
its rule lasted into it. An alert is false when nothing that explains it was true near its onset:
rules look at sensors, so a little before and after is forgiven (`Rule.slack_us`).

The delay runs from the beginning of the spell to the newest reading that supported the alert when
it was raised. That is event time, so that it means something of a scenario that was sent faster
than it happened; but there a message holds many minutes of readings, which are in the delay.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from domain.instant import DAY_US, HOUR_US, MINUTE_US, SECOND_US, parse_rfc3339
from domain.reading import CORE_LIKE


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule is there to find."""

    finds: tuple[str, ...] = ()
    """Kinds of spells. Empty: the simulator has no truth that it should find."""
    least_us: int = 0
    """A shorter spell cannot be found: the hold of contract section 5 and a few readings."""
    explained_by: tuple[str, ...] = ()
    """Kinds that make an alert no false one, besides those it finds."""
    slack_us: int = 15 * MINUTE_US
    also: tuple[str, ...] = ()
    """Rules whose alert counts as well: of a silence an empty battery explains."""


RULES: Final[Mapping[str, Rule]] = {
    # Fevers rise and fall for hours around the threshold.
    "fever": Rule(("fever",), 30 * MINUTE_US, slack_us=2 * HOUR_US),
    "pulse": Rule(explained_by=("fever",), slack_us=2 * HOUR_US),
    "oxygen": Rule(explained_by=("fever",), slack_us=2 * HOUR_US),
    "left_home": Rule(("out",), 5 * MINUTE_US),
    "silent": Rule(("silent", "late"), 20 * MINUTE_US, also=("battery_low",)),
    "not_worn": Rule(("not_worn",), 20 * MINUTE_US),
    "battery_low": Rule(("battery_low",), 5 * MINUTE_US, ("silent",)),
    "device_fault": Rule(),
    "watch": Rule(explained_by=("fever",), slack_us=2 * DAY_US),
}
"""By the name of the rule."""
CORE: Final = "core"
SKIN: Final = "skin"
"""On the skin a fever is found by what is usual for the person, which takes days to learn: it has a
line of its own, and no threshold."""
ALL: Final = "all"
_CORE_WORDS: Final = tuple(site.word for site in CORE_LIKE)


class TruthError(ValueError):
    """The file is no truth of this version."""


@dataclass(frozen=True, slots=True)
class Spell:
    """Something true of a wearer from an instant until another, or for good."""

    kind: str
    from_at: int
    to_at: int | None


@dataclass(frozen=True, slots=True)
class Lived:
    """What really happened to one wearer."""

    episode: str
    core: bool
    spells: tuple[Spell, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened to all of them."""

    from_at: int
    until_at: int
    complete: bool
    """False: only planned; how far it came is not known."""
    wearers: tuple[Lived, ...]


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert of the service."""

    episode: str
    rule: str
    onset_at: int
    ended_at: int | None
    """When it had cleared, or was closed; None: not yet."""
    supported_at: int
    """The newest reading that supported it when it was raised."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is good enough."""

    sensitivity: float = 0.9
    false_per_day: float = 0.2
    """False alarms of all rules per wearer-day."""
    delay_us: int = 30 * MINUTE_US
    """Nine of ten spells are found within it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One rule."""

    rule: str
    sites: str
    spells: int
    found: int
    delays_us: tuple[int, ...]
    """Ascending."""
    alerts: int
    false: int

    @property
    def sensitivity(self) -> float | None:
        """Found of all; None where there was nothing to find."""
        return self.found / self.spells if self.spells else None


@dataclass(frozen=True, slots=True)
class Card:
    """All rules."""

    from_at: int
    until_at: int
    wearer_days: float
    lines: tuple[Line, ...]

    @property
    def false_per_day(self) -> float:
        """False alarms per wearer-day."""
        count = sum(line.false for line in self.lines)
        return count / self.wearer_days if self.wearer_days else 0.0


def read(document: Any) -> Truth:
    """What a truth file says. Raises `TruthError`."""
    try:
        if document["truth"] != 1:
            raise TruthError(f"version {document['truth']} is not known")
        return Truth(
            parse_rfc3339(document["from"]),
            parse_rfc3339(document["until"]),
            bool(document["complete"]),
            tuple(_lived(each) for each in document["wearers"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TruthError(f"not what `simulate --truth` writes: {error!r}") from error


def _lived(wearer: Mapping[str, Any]) -> Lived:
    spells = tuple(
        Spell(
            str(each["kind"]),
            parse_rfc3339(each["from"]),
            None if each["to"] is None else parse_rfc3339(each["to"]),
        )
        for each in wearer["incidents"]
    )
    return Lived(str(wearer["episode"]), wearer["site"] in _CORE_WORDS, spells)


def score(
    truth: Truth, alerts: Iterable[Raised], from_at: int, until_at: int, rules: Sequence[str]
) -> Card:
    """The card of these rules from one instant until another."""
    by_episode: dict[str, list[Raised]] = {lived.episode: [] for lived in truth.wearers}
    for alert in alerts:
        if alert.episode in by_episode and from_at <= alert.onset_at < until_at:
            by_episode[alert.episode].append(alert)
    lines = [
        _line(name, sites, truth, by_episode, (from_at, until_at))
        for name in rules
        for sites in ((CORE, SKIN) if name == "fever" else (ALL,))
    ]
    days = len(truth.wearers) * max(0, until_at - from_at) / DAY_US
    return Card(from_at, until_at, days, tuple(lines))


def missed(card: Card, limits: Limits) -> list[str]:
    """What is not good enough, a sentence each."""
    said = []
    for line in card.lines:
        if line.sites == SKIN:
            continue
        if line.sensitivity is not None and line.sensitivity < limits.sensitivity:
            said.append(
                f"{line.rule}: found {line.found} of {line.spells},"
                f" which is less than {limits.sensitivity:g}"
            )
        late = quantile(line.delays_us, 0.9)
        if late is not None and late > limits.delay_us:
            said.append(
                f"{line.rule}: one in ten is found after {late // SECOND_US} s or more,"
                f" which is over {limits.delay_us // SECOND_US} s"
            )
    if card.false_per_day > limits.false_per_day:
        said.append(
            f"{card.false_per_day:.3f} false alarms per wearer-day,"
            f" which is over {limits.false_per_day:g}"
        )
    return said


def quantile(ascending: Sequence[int], share: float) -> int | None:
    """The smallest value that this share of all does not exceed (nearest rank)."""
    if not ascending:
        return None
    return ascending[max(0, ceil(share * len(ascending)) - 1)]


def _line(
    name: str,
    sites: str,
    truth: Truth,
    by_episode: Mapping[str, Sequence[Raised]],
    span: tuple[int, int],
) -> Line:
    rule = RULES[name]
    spells = found = count = false = 0
    delays: list[int] = []
    for lived in truth.wearers:
        if sites != ALL and lived.core != (sites == CORE):
            continue
        own = by_episode[lived.episode]
        able = [each for each in own if each.rule == name or each.rule in rule.also]
        for spell in lived.spells:
            if spell.kind in rule.finds and _counts(spell, rule, span):
                spells += 1
                met = [each for each in able if _meets(each, spell, span[1])]
                found += bool(met)
                delays += _delay(met, spell, rule)
        mine = [each for each in own if each.rule == name]
        count += len(mine)
        false += sum(not _explained(each, lived, rule) for each in mine)
    return Line(name, sites, spells, found, tuple(sorted(delays)), count, false)


def _counts(spell: Spell, rule: Rule, span: tuple[int, int]) -> bool:
    from_at, until_at = span
    end_at = until_at if spell.to_at is None else min(spell.to_at, until_at)
    return spell.from_at >= from_at and end_at - spell.from_at >= rule.least_us


def _meets(alert: Raised, spell: Spell, until_at: int) -> bool:
    alert_end_at = until_at if alert.ended_at is None else alert.ended_at
    spell_end_at = until_at if spell.to_at is None else spell.to_at
    return alert.onset_at < spell_end_at and alert_end_at > spell.from_at


def _delay(met: Sequence[Raised], spell: Spell, rule: Rule) -> list[int]:
    """Of the first alert that this spell raised; none where one was there from before."""
    raised = [
        each.supported_at - spell.from_at
        for each in met
        if each.onset_at >= spell.from_at - rule.slack_us
    ]
    return [max(0, min(raised))] if raised else []


def _explained(alert: Raised, lived: Lived, rule: Rule) -> bool:
    return any(
        spell.from_at - rule.slack_us <= alert.onset_at
        and (spell.to_at is None or alert.onset_at <= spell.to_at + rule.slack_us)
        for spell in lived.spells
        if spell.kind in rule.finds or spell.kind in rule.explained_by
    )
