"""Every rule meets every outcome."""

import pytest

from alerts.alert import Outcome
from alerts.verdicts import VERDICTS, Verdict, verdict
from rules.finding import Rule

C, F, U = Verdict.CONFIRMED, Verdict.FALSE, Verdict.UNKNOWN
ILL = (Rule.FEVER, Rule.PULSE, Rule.OXYGEN, Rule.WATCH)
SAYS: dict[Outcome, dict[Rule, Verdict]] = {
    Outcome.CONFIRMED_FEVER: dict.fromkeys((*ILL, Rule.SILENT), C),
    Outcome.UNWELL_REFERRED: dict.fromkeys((*ILL, Rule.SILENT), C),
    Outcome.AMBULANCE: dict.fromkeys((*ILL, Rule.SILENT), C),
    Outcome.WELL: dict.fromkeys((*ILL, Rule.SILENT), F),
    Outcome.LEFT_HOME_UNAUTHORISED: {Rule.LEFT_HOME: C},
    Outcome.LEFT_HOME_AUTHORISED: {Rule.LEFT_HOME: C},
    Outcome.NOT_AT_HOME: {Rule.LEFT_HOME: C},
    Outcome.AT_HOME: {Rule.LEFT_HOME: F, Rule.SILENT: F},
    Outcome.DEVICE_FAULT: {
        **dict.fromkeys((*ILL, Rule.LEFT_HOME, Rule.NOT_WORN), F),
        Rule.SILENT: C,
        Rule.DEVICE_FAULT: C,
    },
    Outcome.NOT_WORN: {
        **dict.fromkeys((*ILL, Rule.DEVICE_FAULT), F),
        Rule.SILENT: C,
        Rule.NOT_WORN: C,
    },
    Outcome.WRONG_ADDRESS: {},
    Outcome.REFUSED: {},
    Outcome.NO_ANSWER: {},
}
"""Seen from the door; what is not here is unknown."""


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("rule", Rule)
def test_every_outcome_says_something_of_every_rule(rule: Rule, outcome: Outcome) -> None:
    assert verdict(rule, outcome) is SAYS[outcome].get(rule, U)


@pytest.mark.parametrize("rule", Rule)
def test_what_ended_by_itself_is_not_counted(rule: Rule) -> None:
    assert verdict(rule, None) is None


@pytest.mark.parametrize("rule", Rule)
def test_no_outcome_is_both(rule: Rule) -> None:
    table = VERDICTS[rule]
    assert not {*table.confirm} & {*table.refute}
    assert table.asks.endswith("?")


def test_where_nobody_opened_no_rule_is_judged() -> None:
    for outcome in (Outcome.NO_ANSWER, Outcome.REFUSED, Outcome.WRONG_ADDRESS):
        assert {verdict(rule, outcome) for rule in Rule} == {U}
