"""A silence that the battery explains and the low battery are one case; all else has its own."""

from typing import Any

import pytest

from alerts.alert import Condition, Response
from alerts.cases import belongs_to, explained, may_belong_to
from alerts.evidence import Held
from rules.finding import Rule, Severity
from tests.unit.alerts.cases import alert, at, case, decided, finding, held, kinds, steps

BATTERY = '{"battery_at":"2026-02-02T02:40:00Z","battery_pct":3,"explained_by":"battery"}'
LOW: dict[str, Any] = {"rule": Rule.BATTERY_LOW, "severity": Severity.ROUTINE, "value": 3}
STANDING = alert(rule=Rule.BATTERY_LOW, severity=Severity.ROUTINE)


def silence(**given: Any) -> Held:
    given = {"severity": Severity.URGENT, "value": 900, **given}
    return held(1, rule=Rule.SILENT, detail=BATTERY, **given)


def test_only_a_silence_can_be_explained() -> None:
    assert explained(silence().finding)
    assert not explained(finding(rule=Rule.SILENT))
    assert not explained(finding(rule=Rule.BATTERY_LOW, detail=BATTERY))


@pytest.mark.parametrize(
    ("detail", "placed", "low", "rule"),
    [
        (BATTERY, None, True, Rule.BATTERY_LOW),
        (BATTERY, None, False, Rule.SILENT),
        ("", None, True, Rule.SILENT),
        # The silence came first: the battery is not its case any more.
        (BATTERY, Rule.SILENT, True, Rule.SILENT),
        # The battery ended first: the silence stays where it is.
        (BATTERY, Rule.BATTERY_LOW, False, Rule.BATTERY_LOW),
    ],
)
def test_where_a_silence_belongs(
    detail: str, placed: Rule | None, rule: Rule, *, low: bool
) -> None:
    found = finding(rule=Rule.SILENT, detail=detail)
    assert belongs_to(found, placed, battery_low=low) is rule
    assert rule in may_belong_to(found)


def test_every_other_finding_belongs_to_its_rule() -> None:
    assert may_belong_to(finding()) == (Rule.FEVER,)
    assert belongs_to(finding(), None, battery_low=True) is Rule.FEVER


def test_the_battery_first_takes_the_severity_of_the_silence() -> None:
    decision = decided(case(held(alert="a-0", **LOW), silence(), standing=STANDING))
    assert kinds(decision) == ["worsened"]
    after = steps(decision)[0].after
    assert (after.rule, after.severity) == (Rule.BATTERY_LOW, Severity.URGENT)
    assert after.summary.startswith("battery 3 % at 10:40, nothing heard since 10:41")


def test_both_in_one_step_are_one_alert_of_the_battery() -> None:
    decision = decided(case(held(**LOW), silence(), rule=Rule.BATTERY_LOW))
    (step,) = steps(decision)
    assert (step.after.rule, step.after.severity) == (Rule.BATTERY_LOW, Severity.URGENT)
    assert len(decision.held) == 2


@pytest.mark.parametrize("over", ["battery", "silence"])
def test_while_one_of_them_lasts_the_case_is_active(over: str) -> None:
    low = held(0, 5 if over == "battery" else None, alert="a-0", **LOW)
    quiet = silence(alert="a-0", ended=5 if over == "silence" else None)
    worse = alert(rule=Rule.BATTERY_LOW, severity=Severity.URGENT)
    assert kinds(decided(case(low, quiet, standing=worse))) == []


def test_with_both_over_a_routine_case_ends_by_itself() -> None:
    low = held(0, 5, alert="a-0", **LOW)
    quiet = silence(alert="a-0", ended=6, severity=Severity.ROUTINE)
    decision = decided(case(low, quiet, standing=STANDING))
    last = steps(decision)[-1].after
    assert kinds(decision) == ["cleared", "ended"]
    assert (last.condition, last.response, last.outcome) == (
        Condition.CLEARED,
        Response.CLOSED,
        None,
    )
    assert last.cleared_at == at(6)
