"""What `pulse` says; `tests/golden/rules/pulse.toml` has the cases a clinician reads."""

from rules.finding import Finding, Rule, Severity
from tests.unit.rules.making import T0, Service, Worn, findings, key, minutes, reading


def pulses(*drawn: tuple[float, int], worn: Worn | None = None) -> list[Finding]:
    return findings([reading(minutes(at), pulse_bpm=bpm) for at, bpm in drawn], worn)


def test_a_finding_is_in_beats_and_names_the_bound() -> None:
    assert pulses((0, 125), (5, 128), (10, 120)) == [
        Finding(
            key=key(Rule.PULSE),
            onset_at=T0,
            ended_at=None,
            severity=Severity.URGENT,
            last_at=minutes(10),
            value=120,
            peak=128,
            limit=111,
            origin="rulebook",
            site="",
        )
    ]


def test_age_is_by_the_calendar_of_the_reading() -> None:
    """Born in 2024, two years old in 2026; the bound for those under two ends with 2025."""
    drawn = ((0, 145), (5, 145), (10, 145))
    assert [each.limit for each in pulses(*drawn, worn=Worn(birth_year=2024))] == [141]
    assert not pulses(*drawn, worn=Worn(birth_year=2025))


def test_who_is_said_to_be_born_later_is_of_unknown_age() -> None:
    assert len(pulses((0, 115), (5, 115), (10, 115), worn=Worn(birth_year=2027))) == 1


def test_of_unknown_age_is_an_adult() -> None:
    assert len(pulses((0, 115), (5, 115), (10, 115), worn=Worn(birth_year=None))) == 1


def test_children_and_adults_in_one_batch_have_their_own_bounds() -> None:
    service = Service(Worn(), Worn(birth_year=2022), Worn(birth_year=2025))
    service.receive(
        [reading(minutes(at), slot, pulse_bpm=145) for at in (0, 5, 10) for slot in range(3)]
    )
    limits = [[each.limit for each in service.book.of(slot)] for slot in range(3)]
    assert limits == [[111], [141], []]
    assert service.book.of(0)[0].severity is Severity.CRITICAL


def test_high_and_low_in_turn_are_one_finding_and_the_low_side_counts_as_worse() -> None:
    (found,) = pulses((0, 115), (5, 115), (10, 30), (15, 116))
    assert (found.value, found.peak, found.limit) == (116, 30, 111)
    assert found.severity is Severity.CRITICAL
    (found,) = pulses((0, 38), (5, 38), (10, 112))
    assert (found.value, found.peak, found.limit) == (112, 38, 40)
