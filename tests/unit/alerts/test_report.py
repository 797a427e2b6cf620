"""The daily report: its counts, and who cannot be found in it."""

from datetime import date
from typing import Any

import pytest

from alerts.alert import Outcome
from alerts.api.shapes_report import EXAMPLE, ReportShape
from alerts.presence import Presence
from alerts.report import Delay, Facts, GridDay, Happenings, Seen, document
from domain.instant import HOUR_US, SECOND_US, parse_rfc3339
from rules.finding import Rule, Severity

ON = date(2026, 2, 3)
FROM, TO = parse_rfc3339("2026-02-02T16:00:00Z"), parse_rfc3339("2026-02-03T16:00:00Z")
WHOLE = GridDay(1, "grid-1", "Asia/Shanghai", FROM, TO, over=True)
URGENT, ROUTINE = Severity.URGENT, Severity.ROUTINE

NOTHING: dict[str, Any] = {
    "ages": [],
    "begun": 0,
    "ended": 0,
    "raised": [],
    "outcomes": [],
    "acknowledged": [],
    "visited": [],
    "open": {},
    "seen": [],
    "heard_us": 0,
    "signals": [],
}


def report(*days: GridDay, **facts: Any) -> dict[str, Any]:
    return document(ON, days or (WHOLE,), Facts(**NOTHING | facts))


def closed(rule: Rule, outcome: Outcome, count: int, *, closes: bool = True) -> Happenings:
    return Happenings(rule, URGENT, outcome, closes, count)


def ages(**people: int) -> dict[str, Any]:
    """By band, of people of so many years: `of_30=7`."""
    counted = [(int(age[3:]) if age != "unknown" else None, n) for age, n in people.items()]
    return {each["age"]: each["people"] for each in report(ages=counted)["people"]["by_age"]}


def test_nothing_has_the_whole_shape() -> None:
    said = report()
    ReportShape.model_validate(said)
    assert {*said} == {*EXAMPLE}
    assert {*said["alerts"]} == {*EXAMPLE["alerts"]}  # type: ignore[misc]
    assert said["alerts"]["open"] == {"routine": 0, "urgent": 0, "critical": 0}
    assert said["blind"] == {"heard_s": 0, "blind_s": 86_400, "signals": []}


def test_the_example_has_its_own_shape() -> None:
    ReportShape.model_validate(EXAMPLE)


@pytest.mark.parametrize(
    ("people", "shown"),
    [
        ({"of_15": 7, "of_16": 8, "of_64": 2}, {"0-15": 7, "16-64": 10}),
        ({"of_65": 5, "of_79": 1, "of_80": 9}, {"65-79": 6, "80+": 9}),
        ({"of_0": 6, "of_-1": 1, "unknown": 9}, {"0-15": 7, "unknown": 9}),
        ({"of_10": 4, "of_70": 3, "of_30": 20}, {"0-15": "<5", "65-79": "<5", "16-64": 20}),
        ({"of_10": 1, "of_70": 9, "of_30": 20}, {"0-15": "<5", "65-79": "withheld", "16-64": 20}),
        ({"of_10": 1}, {"0-15": "<5"}),
    ],
)
def test_bands_of_age_hide_small_cells(people: dict[str, int], shown: dict[str, int | str]) -> None:
    said = ages(**people)
    assert {band: count for band, count in said.items() if count != 0} == shown
    assert [*said] == ["0-15", "16-64", "65-79", "80+", "unknown"]


def test_the_total_is_exact() -> None:
    assert report(ages=[(30, 3), (None, 1)])["people"]["under_care"] == 4


def test_alerts_by_rule_and_severity() -> None:
    raised = [
        Happenings(Rule.FEVER, URGENT, None, closes=False, count=3),
        Happenings(Rule.FEVER, Severity.CRITICAL, None, closes=False, count=1),
        Happenings(Rule.BATTERY_LOW, ROUTINE, None, closes=False, count=2),
    ]
    assert report(raised=raised)["alerts"]["raised"] == [
        {"rule": "fever", "routine": 0, "urgent": 3, "critical": 1},
        {"rule": "battery_low", "routine": 2, "urgent": 0, "critical": 0},
    ]


def test_only_what_closed_is_judged_and_every_outcome_is_shown() -> None:
    outcomes = [
        closed(Rule.LEFT_HOME, Outcome.NOT_AT_HOME, 2, closes=False),
        closed(Rule.LEFT_HOME, Outcome.LEFT_HOME_AUTHORISED, 1),
        closed(Rule.LEFT_HOME, Outcome.AT_HOME, 3),
        closed(Rule.FEVER, Outcome.AT_HOME, 1),
    ]
    said = report(outcomes=outcomes)["alerts"]
    assert said["outcomes"] == [
        {"rule": "fever", "outcome": "at_home", "count": 1},
        {"rule": "left_home", "outcome": "left_home_authorised", "count": 1},
        {"rule": "left_home", "outcome": "at_home", "count": 3},
        {"rule": "left_home", "outcome": "not_at_home", "count": 2},
    ]
    assert said["verdicts"] == [
        {"rule": "fever", "confirmed": 0, "false": 0, "unknown": 1},
        {"rule": "left_home", "confirmed": 1, "false": 3, "unknown": 0},
    ]


def test_delays_open_alerts_and_presence() -> None:
    said = report(
        acknowledged=[Delay(URGENT, 3, 60, 300)],
        open={URGENT: 2},
        seen=[
            Seen(Presence.HOME, on_leave=False, silent=False),
            Seen(Presence.UNKNOWN, on_leave=True, silent=False),
            Seen(Presence.UNKNOWN, on_leave=False, silent=True),
        ],
        signals=[("session_lost", 1)],
    )
    assert said["alerts"]["acknowledged"] == [
        {"severity": "urgent", "count": 3, "median_s": 60, "p90_s": 300}
    ]
    assert said["alerts"]["open"] == {"routine": 0, "urgent": 2, "critical": 0}
    assert said["presence"] == {"home": 1, "away": 0, "unknown": 2, "on_leave": 1, "silent": 1}
    assert said["blind"]["signals"] == [{"kind": "session_lost", "count": 1}]


def test_blind_is_what_was_not_heard() -> None:
    said = report(heard_us=23 * HOUR_US)
    assert (said["blind"]["heard_s"], said["blind"]["blind_s"]) == (82_800, 3_600)
    # The journal has a step every ten seconds: a clock may run over the edge of a day.
    assert report(heard_us=24 * HOUR_US + 9 * SECOND_US)["blind"]["blind_s"] == 0


def test_a_day_that_is_not_over_says_so() -> None:
    half = GridDay(2, "grid-2", "Asia/Urumqi", FROM + 2 * HOUR_US, FROM + 5 * HOUR_US, over=False)
    said = report(WHOLE, half)
    assert said["complete"] is False
    assert [each["grid"] for each in said["grids"]] == ["grid-1", "grid-2"]
    assert said["as_of"] == "2026-02-03T16:00:00Z"
    assert report(WHOLE)["complete"] is True
