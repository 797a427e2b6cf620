"""Verdicts add up to the worst; why and remedy come from the catalogue."""

import pytest

from doorstep.doctor.check import Check, Verdict, fail, ok, overall, warn

NAME = "machine.disk"


@pytest.mark.parametrize(
    ("checks", "verdict"),
    [
        ([], Verdict.OK),
        ([ok(NAME, "")], Verdict.OK),
        ([ok(NAME, ""), warn(NAME, "")], Verdict.WARN),
        ([warn(NAME, ""), fail(NAME, ""), ok(NAME, "")], Verdict.FAIL),
    ],
)
def test_the_worst_counts(checks: list[Check], verdict: Verdict) -> None:
    assert overall(checks) is verdict


def test_a_check_says_why_it_matters_and_what_to_do() -> None:
    check = fail("database.fsync", "off")
    assert "power cut" in check.why
    assert check.remedy == "Set fsync = on."


def test_only_a_failed_reachability_is_unreachable() -> None:
    assert fail("broker.reachable", "").unreachable
    assert fail("database.reachable", "").unreachable
    assert not ok("broker.reachable", "").unreachable
    assert not fail("broker.qos", "").unreachable
