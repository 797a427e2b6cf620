"""Verdicts counted, rates, proposals for a swap, and what an alert's page says of it."""

import pytest

from alerts.accuracy import (
    By,
    Counted,
    Question,
    Tally,
    answer,
    group,
    proposals,
    track_record,
)
from alerts.alert import Outcome
from domain.instant import parse_rfc3339
from rules.finding import Rule

SINCE = parse_rfc3339("2026-02-03T04:05:06Z")
AWAY, HOME, WELL = Outcome.LEFT_HOME_UNAUTHORISED, Outcome.AT_HOME, Outcome.WELL


def ended(
    outcome: Outcome,
    count: int = 1,
    device: str = "w-1",
    rule: Rule = Rule.LEFT_HOME,
    version: str = "rules-1",
) -> Counted:
    model = "band-b" if device == "w-3" else "band-a"
    return Counted(device, model, rule, version, outcome, count)


ENDED = (
    ended(HOME, 4),
    ended(AWAY),
    ended(WELL, 2),
    ended(WELL, 3, "w-2", Rule.FEVER, "rules-2"),
    ended(Outcome.CONFIRMED_FEVER, 9, "w-2", Rule.FEVER),
    ended(Outcome.NO_ANSWER, 5, "w-3"),
)


def asked(by: By, **given: object) -> Question:
    return Question(by, 0, 1, **given)  # type: ignore[arg-type]


def test_the_rate_is_a_posterior_on_jeffreys_prior() -> None:
    said = Tally(confirmed=1, false=4, unknown=2).document()
    assert said == {
        "confirmed": 1,
        "false": 4,
        "unknown": 2,
        "judged": 5,
        # Beta(4.5, 1.5), integrated by the midpoint rule: 5 % below 0.437, 5 % above 0.964.
        "false_alarm_rate": {"mean": 0.75, "low": 0.437, "high": 0.964},
    }


def test_who_was_never_judged_is_anything_at_all() -> None:
    rate = Tally(unknown=7).document()["false_alarm_rate"]
    # The arcsine law: sin^2(pi/2 x 0.05).
    assert rate == {"mean": 0.5, "low": 0.006, "high": 0.994}


def test_unknown_moves_nothing_and_more_cases_narrow() -> None:
    few, many = Tally(1, 4).document(), Tally(100, 400).document()
    assert Tally(1, 4, 50).document()["false_alarm_rate"] == few["false_alarm_rate"]
    wide, narrow = (each["false_alarm_rate"] for each in (few, many))
    assert narrow["low"] > wide["low"]
    assert narrow["high"] < wide["high"]


@pytest.mark.parametrize(
    ("confirmed", "false", "proposed"),
    [
        (0, 3, False),
        (0, 4, True),
        (1, 3, True),
        (2, 2, False),
        (2, 3, False),
        (2, 4, True),
        (3, 4, False),
        (3, 5, True),
        (40, 60, False),
    ],
)
def test_a_swap_is_proposed_when_most_are_false(confirmed: int, false: int, proposed: bool) -> None:
    assert Tally(confirmed, false, 100).swap_proposed is proposed


def test_by_rule_with_each_version_of_the_rulebook() -> None:
    fever, left = answer(ENDED, asked(By.RULE)).items
    assert (fever["rule"], fever["confirmed"], fever["false"], fever["unknown"]) == (
        *("fever", 9, 3),
        0,
    )
    assert [(each["rulebook_version"], each["judged"]) for each in fever["rulebooks"]] == [
        ("rules-1", 9),
        ("rules-2", 3),
    ]
    assert (left["rule"], left["confirmed"], left["false"], left["unknown"]) == (
        *("left_home", 1, 4),
        7,
    )


def test_by_device_with_its_rules_and_whether_it_had_better_be_swapped() -> None:
    items = answer(ENDED, asked(By.DEVICE)).items
    assert [(each["device"], each["model"], each["swap_proposed"]) for each in items] == [
        ("w-1", "band-a", True),
        ("w-2", "band-a", False),
        ("w-3", "band-b", False),
    ]
    assert [(each["rule"], each["false"]) for each in items[1]["rules"]] == [("fever", 3)]
    assert proposals(ENDED) == ["w-1"]


def test_only_those_proposed_or_the_others() -> None:
    def devices(*, swap_proposed: bool) -> list[str]:
        question = asked(By.DEVICE, swap_proposed=swap_proposed)
        return [each["device"] for each in answer(ENDED, question).items]

    assert devices(swap_proposed=True) == ["w-1"]
    assert devices(swap_proposed=False) == ["w-2", "w-3"]


def test_by_model() -> None:
    a, b = answer(ENDED, asked(By.MODEL)).items
    assert (a["model"], a["devices"], a["confirmed"], a["false"]) == ("band-a", 2, 10, 7)
    assert (b["model"], b["devices"], b["judged"], b["unknown"]) == ("band-b", 1, 0, 5)


def test_pages_follow_each_other() -> None:
    first = answer(ENDED, asked(By.DEVICE, limit=2))
    assert ([each["device"] for each in first.items], first.next) == (["w-1", "w-2"], "w-2")
    second = answer(ENDED, asked(By.DEVICE, limit=2, cursor=first.next))
    assert ([each["device"] for each in second.items], second.next) == (["w-3"], None)
    whole = answer(ENDED, asked(By.DEVICE, limit=3))
    assert (len(whole.items), whole.next) == (3, None)


def test_an_alerts_page_speaks_of_the_device_and_the_rule_alone() -> None:
    said = track_record(ENDED[:3], [], Rule.LEFT_HOME, SINCE)
    assert said["since"] == "2026-02-03T04:05:06Z"
    assert said["device"]["summary"] == "this device: 4 of 5 false"
    assert said["device"]["swap_proposed"] is True
    assert said["rule"]["summary"] == "rule left_home: not judged yet"


def test_only_routine_alerts_are_grouped() -> None:
    def of(severity: str, device: str = "w-1") -> str | None:
        return group({"severity": severity, "device": device}, ["w-1"])

    assert of("routine") == "device:w-1"
    assert of("routine", "w-2") is None
    assert of("urgent") is None
    assert of("critical") is None
