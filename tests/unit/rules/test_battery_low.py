"""What `battery_low` says; the cases are in `tests/golden/rules/battery_low.toml`."""

from rules.finding import Finding, Rule, Severity
from tests.unit.rules.making import T0, findings, key, minutes, reading


def test_a_finding_is_in_per_cent_and_its_worst_is_the_lowest() -> None:
    drawn = ((0, 14), (5, 9), (10, 11))
    assert findings([reading(minutes(at), battery_pct=pct) for at, pct in drawn]) == [
        Finding(
            key=key(Rule.BATTERY_LOW),
            onset_at=T0,
            ended_at=None,
            severity=Severity.ROUTINE,
            last_at=minutes(10),
            value=11,
            peak=9,
            limit=15,
            origin="rulebook",
            site="",
        )
    ]


def test_an_empty_battery_is_a_level() -> None:
    assert len(findings([reading(T0, battery_pct=0)])) == 1


def test_charging_alone_finds_nothing() -> None:
    assert not findings([reading(T0, charging=1), reading(minutes(1), charging=0)])
