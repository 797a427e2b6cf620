"""What `not_worn` says; `tests/golden/rules/not_worn.toml` has the cases a clinician reads."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rules.finding import Rule
from tests.unit.rules.making import T0, Service, Worn, findings, minutes, reading

said = st.fixed_dictionaries(
    {},
    optional={
        "worn": st.sampled_from((0, 1)),
        "pulse_bpm": st.sampled_from((0, 70)),
        "temperature_c": st.sampled_from((36.5, 38.5, 39.5)),
    },
)


def hot(at: float, **more: Any) -> dict[str, Any]:
    return reading(minutes(at), temperature_c=39.5, **more)


def test_two_readings_a_quarter_of_an_hour_apart_are_enough() -> None:
    found = findings([reading(minutes(at), worn=0) for at in (0, 15)])
    assert [each.key.rule for each in found] == [Rule.NOT_WORN]


def test_what_is_muted_does_not_depend_on_where_a_batch_ends() -> None:
    readings = [reading(minutes(at), worn=0) for at in (0, 15)]
    readings += [hot(at) for at in (20, 25, 30)]
    readings += [hot(at, worn=1) for at in (31, 36)]
    readings += [hot(at) for at in (40, 45, 50)]
    (off, fever) = findings(readings)
    assert (off.key.rule, off.ended_at) == (Rule.NOT_WORN, minutes(31))
    assert (fever.key.rule, fever.onset_at) == (Rule.FEVER, minutes(31))
    for cut in range(len(readings)):
        service = Service(Worn())
        service.receive(readings[:cut])
        service.receive(readings[cut:])
        assert service.book.of(0) == [off, fever]


@given(st.lists(st.tuples(st.integers(1, 15), said), max_size=20), st.integers(0, 20))
def test_any_split_of_many_wearers_gives_what_one_by_one_gives(
    drawn: list[tuple[int, dict[str, Any]]], cut: int
) -> None:
    at, readings = 0, []
    for step, quantities in drawn:
        at += step
        readings.append(reading(minutes(at), **quantities))
    alone = findings(readings)
    many = Service(*[Worn()] * 60)
    for part in (readings[:cut], readings[cut:]):
        many.receive(
            [
                each | {"slot": n, "device_no": n + 1, "episode_no": n + 1}
                for n in range(60)
                for each in part
            ]
        )
    for n in (0, 59):
        found = [(each.key.rule, each.onset_at, each.ended_at) for each in many.book.of(n)]
        assert found == [(each.key.rule, each.onset_at, each.ended_at) for each in alone]


def test_a_band_that_was_off_is_given_to_the_same_person_again() -> None:
    """Nothing of the batch is of the spell in which it was off."""
    service = Service(Worn(spells=((T0, minutes(30)), (minutes(60), None))))
    service.receive([reading(minutes(at), worn=0) for at in (0, 15)])
    service.receive([hot(at) for at in (60, 65, 70)])
    off, fever = service.book.of(0)
    assert (off.key.rule, off.ended_at) == (Rule.NOT_WORN, minutes(30))
    assert (fever.key.rule, fever.onset_at) == (Rule.FEVER, minutes(60))
