"""What `oxygen` says; `tests/golden/rules/oxygen.toml` has the cases a clinician reads."""

from rules.finding import Finding, Rule, Severity
from tests.unit.rules.making import T0, findings, key, minutes, reading


def test_a_finding_is_in_per_cent_and_its_worst_is_the_lowest() -> None:
    drawn = ((0, 93), (2, 92), (5, 93))
    assert findings([reading(minutes(at), spo2_pct=pct) for at, pct in drawn]) == [
        Finding(
            key=key(Rule.OXYGEN),
            onset_at=T0,
            ended_at=None,
            severity=Severity.URGENT,
            last_at=minutes(5),
            value=93,
            peak=92,
            limit=93,
            origin="rulebook",
            site="",
        )
    ]


def test_a_reading_without_it_breaks_nothing() -> None:
    drawn = [reading(minutes(at), spo2_pct=90) for at in (0, 2, 5)]
    other = [reading(minutes(at), temperature_c=36.5) for at in (1, 3)]
    assert len(findings(sorted([*drawn, *other], key=lambda each: each["measured_at"]))) == 1
