"""The partial score says what it rests on, and never more than is known."""

from alerts.vitals import NOTHING_KNOWN, Measured, Vitals, partial_news2
from domain.instant import format_rfc3339
from tests.unit.alerts.cases import at

NOW = at(0)


def test_all_three_signs() -> None:
    vitals = Vitals(Measured(3840, at(-5)), Measured(118, at(-4)), Measured(93, at(-3)))
    said = partial_news2(vitals, 1948, NOW)
    assert (said["name"], said["total"], said["missing"]) == (
        "Partial NEWS2 (temperature, pulse, oxygen)",
        5,
        [],
    )
    assert said["temperature"] == {"points": 1, "value": 38.4, "at": format_rfc3339(at(-5))}
    assert (said["pulse"]["points"], said["oxygen"]["value"]) == (2, 93)


def test_what_is_missing_is_named_and_counts_nothing() -> None:
    said = partial_news2(Vitals(pulse_bpm=Measured(72, NOW)), None, NOW)
    assert (said["total"], said["missing"]) == (0, ["temperature", "oxygen"])
    assert partial_news2(NOTHING_KNOWN, None, NOW)["missing"] == ["temperature", "pulse", "oxygen"]


def test_a_child_has_no_score() -> None:
    said = partial_news2(Vitals(pulse_bpm=Measured(72, NOW)), 2015, NOW)
    assert (said["total"], said["note"]) == (None, "not for people under 16")
