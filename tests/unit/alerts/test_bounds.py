"""The bound beside a value is the one its severity comes from."""

from dataclasses import replace
from typing import Any

import pytest

from alerts.bounds import critical_from, named
from rules.finding import Rule, Severity
from rules.rulebook import DEFAULT, Fever, Oxygen
from tests.unit.alerts.cases import finding

OXYGEN: dict[str, Any] = {"rule": Rule.OXYGEN, "value": 92, "limit": 93}
PULSE: dict[str, Any] = {"rule": Rule.PULSE, "value": 120, "limit": 111}
CRITICAL, URGENT = Severity.CRITICAL, Severity.URGENT
ADULT, CHILD, BABY = 1980, 2020, 2026
"""Years of birth; the findings are of 2026."""


@pytest.mark.parametrize(
    ("given", "severity", "born", "bound"),
    [
        (OXYGEN | {"peak": 88}, CRITICAL, ADULT, 91),
        (OXYGEN | {"peak": 91}, CRITICAL, ADULT, 91),
        (OXYGEN | {"peak": 92}, URGENT, ADULT, 93),
        (PULSE | {"peak": 131}, CRITICAL, ADULT, 131),
        (PULSE | {"peak": 131}, CRITICAL, None, 131),
        (PULSE | {"peak": 131}, CRITICAL, 2030, 131),
        (PULSE | {"peak": 130}, URGENT, ADULT, 111),
        (PULSE | {"peak": 38, "limit": 40}, CRITICAL, ADULT, 40),
        # A run that crossed from the high side to the low one: the low is the worst.
        (PULSE | {"peak": 40}, CRITICAL, ADULT, 40),
        (PULSE | {"peak": 150, "limit": 121}, CRITICAL, CHILD, 141),
        (PULSE | {"peak": 50, "limit": 50}, CRITICAL, CHILD, 50),
        (PULSE | {"peak": 181, "limit": 161}, CRITICAL, BABY, 181),
        # Judged by other figures than these: then the one that is known is named.
        (OXYGEN | {"peak": 92}, CRITICAL, ADULT, 93),
        (PULSE | {"peak": 120}, CRITICAL, ADULT, 111),
        ({"peak": 3940}, CRITICAL, ADULT, 3730),
    ],
)
def test_the_bound_of_the_severity(
    given: dict[str, Any], severity: Severity, born: int | None, bound: int
) -> None:
    assert named(finding(severity=severity, **given), DEFAULT, born) == bound


def test_the_figures_are_those_that_judged_it() -> None:
    found = finding(severity=CRITICAL, **OXYGEN | {"peak": 88})
    assert named(found, replace(DEFAULT, oxygen=Oxygen(very_low_pct=89)), ADULT) == 89
    assert named(found, None, ADULT) == 93


def test_a_critical_fever_says_from_where_beside_its_threshold() -> None:
    fever = finding(severity=CRITICAL)
    assert critical_from(fever, replace(DEFAULT, fever=Fever(critical_cc=3950))) == 3950
    assert critical_from(fever, None) is None
    assert critical_from(finding(), DEFAULT) is None
    assert critical_from(finding(severity=CRITICAL, **PULSE), DEFAULT) is None
