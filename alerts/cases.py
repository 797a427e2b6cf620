"""To which case of an episode a finding belongs: that of its rule, but for one exception.

A silence that an empty battery explains and the low battery itself are one alert, with the higher
severity of the two (contract section 5). Pure; decided once, when a finding is placed: afterwards
it follows its alert.
"""

import json

from rules.finding import Finding, Rule


def explained(finding: Finding) -> bool:
    """Whether it is a silence that the battery explains."""
    if finding.key.rule is not Rule.SILENT or not finding.detail:
        return False
    return bool(json.loads(finding.detail).get("explained_by") == "battery")


def may_belong_to(finding: Finding) -> tuple[Rule, ...]:
    """The rules of all cases that it might belong to."""
    rule = finding.key.rule
    return (Rule.BATTERY_LOW, rule) if explained(finding) else (rule,)


def belongs_to(finding: Finding, placed: Rule | None, *, battery_low: bool) -> Rule:
    """The rule of its case.

    `placed` is that of the alert it belongs to already. `battery_low` says whether a finding of
    that rule is still so of its device, or an alert of that rule is not closed in its episode.
    """
    if placed is not None:
        return placed
    return Rule.BATTERY_LOW if battery_low and explained(finding) else finding.key.rule
