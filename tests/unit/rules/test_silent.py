"""Silence: who is counted, from when, on which clock, and what ends it."""

from typing import Any

import numpy as np
import pytest

from domain.instant import DAY_US, HOUR_US, SECOND_US
from rules.finding import Change, Finding, Rule, Severity
from rules.rulebook import DEFAULT
from rules.silent import begin, restore, restore_standing
from rules.wearers import Wearers
from tests.unit.rules.making import T0, Service, Worn, key, minutes, reading, roster_of, seconds


def heard(worn: Worn | None = None) -> Service:
    """Somebody heard at T0, on both clocks 0."""
    service = Service(worn or Worn(), Worn())
    service.receive([reading(T0, temperature_c=36.5), reading(T0, 1, temperature_c=36.5)])
    return service


def silences(service: Service, slot: int = 0) -> list[Finding]:
    identity = key(Rule.SILENT, number=slot + 1)
    return [each for each in service.book.standing.values() if each.key == identity]


def first_silent(worn: Worn, upto_s: int = 20_000, born: int | None = None) -> int | None:
    """The seconds of receive clock after which it is found."""
    service = heard(worn)
    for second in range(0, upto_s, 10):
        service.tick(T0 + seconds(second), seconds(second))
        if silences(service):
            return second
    return None


def test_silence_has_all_its_particulars() -> None:
    service = heard()
    service.tick(minutes(14.99), seconds(899))
    assert not silences(service)
    service.tick(minutes(15), seconds(900))
    assert silences(service) == [
        Finding(
            key=key(Rule.SILENT),
            onset_at=T0,
            ended_at=None,
            severity=Severity.ROUTINE,
            last_at=minutes(15),
            value=900,
            peak=900,
            limit=900,
            origin="rulebook",
            site="",
        )
    ]
    assert not service.tick(minutes(16), seconds(960)).changes, "told once"


@pytest.mark.parametrize(
    ("worn", "limit_s", "severity"),
    [
        pytest.param(Worn(interval_s=60), 900, "routine", id="a quarter of an hour"),
        pytest.param(Worn(interval_s=600), 1800, "routine", id="three intervals"),
        pytest.param(Worn(flags=("lives_alone",)), 450, "urgent", id="alone: half"),
        pytest.param(Worn(flags=("chronic",)), 900, "routine", id="not alone"),
        pytest.param(Worn(birth_year=1946), 450, "urgent", id="80 this year"),
        pytest.param(Worn(birth_year=1947), 900, "routine", id="79"),
        pytest.param(Worn(birth_year=None), 900, "routine", id="age unknown"),
        pytest.param(
            Worn(interval_s=600, birth_year=1930),
            1260,
            "urgent",
            id="at least two intervals and a minute",
        ),
    ],
)
def test_limits(worn: Worn, limit_s: int, severity: str) -> None:
    service = heard(worn)
    service.tick(T0 + seconds(limit_s - 1), seconds(limit_s - 1))
    assert not silences(service)
    service.tick(T0 + seconds(limit_s), seconds(limit_s))
    (finding,) = silences(service)
    assert (finding.limit, finding.severity.word) == (limit_s, severity)


def test_any_reading_ends_it_however_late_it_was_measured() -> None:
    service = heard()
    service.tick(minutes(20), seconds(1200))
    late = reading(T0 - DAY_US // 2, temperature_c=36.5) | {"received_at": minutes(21)}
    service.clock_us = seconds(1260)
    done = service.receive([late])
    assert [each.change for each in done.changes] == [Change.ENDED]
    (finding,) = silences(service)
    assert (finding.ended_at, finding.last_at, finding.value, finding.peak) == (
        minutes(21),
        minutes(21),
        1260,
        1260,
    )
    assert done.late, "it is heard, and judged in its place later"
    service.tick(minutes(35), seconds(1260 + 899))
    assert len(silences(service)) == 1
    service.tick(minutes(36), seconds(1260 + 900))
    assert {each.onset_at for each in silences(service)} == {T0, minutes(21)}


def test_it_ends_with_the_first_of_several_and_is_counted_from_the_last() -> None:
    service = heard()
    service.tick(minutes(20), seconds(1200))
    service.receive(
        [
            reading(minutes(m), temperature_c=36.5) | {"received_at": minutes(30 - m)}
            for m in (1, 2, 3)
        ]
    )
    (finding,) = silences(service)
    assert finding.ended_at == minutes(27)
    assert service.state["heard_at"][0] == minutes(29)


def test_the_receive_clock_may_have_run_long_before() -> None:
    service = Service(Worn(ends_at=minutes(40)))
    service.clock_us = seconds(10_000)
    service.receive([reading(T0, temperature_c=36.5)])
    service.tick(minutes(14), seconds(10_899))
    assert not silences(service)
    service.tick(minutes(15), seconds(10_900))
    assert silences(service)[0].value == 900
    service.tick(minutes(40), seconds(12_400))
    assert silences(service)[0].value == 2400


def test_only_the_receive_clock_counts() -> None:
    service = heard()
    service.tick(minutes(600), seconds(10))
    assert not silences(service), "we were the ones who heard nothing"


def test_what_was_measured_in_the_future_is_no_excuse() -> None:
    service = heard()
    service.receive([reading(minutes(5), temperature_c=36.5) | {"received_at": T0}])
    service.tick(minutes(15), seconds(900))
    assert len(silences(service)) == 1


class TestNeverHeard:
    def test_it_is_counted_from_the_first_tick_that_finds_the_device_worn(self) -> None:
        service = Service(Worn(spells=((minutes(10), None),)))
        service.tick(minutes(9), seconds(5000))
        service.tick(minutes(11), seconds(5100))
        service.tick(minutes(25), seconds(5999))
        assert not silences(service)
        service.tick(minutes(26), seconds(6000))
        (finding,) = silences(service)
        assert (finding.onset_at, finding.value) == (minutes(10), 900)

    def test_or_from_the_start_of_the_episode(self) -> None:
        service = Service(Worn(starts_at=minutes(10)))
        service.tick(minutes(12), 0)
        service.tick(minutes(30), seconds(900))
        (finding,) = silences(service)
        assert finding.onset_at == minutes(10)

    def test_the_spell_begins_and_ends_to_the_microsecond(self) -> None:
        service = Service(Worn(spells=((minutes(10), minutes(25)),)))
        assert not len(service.tick(minutes(10) - 1, 0).slots)
        assert len(service.tick(minutes(10), 0).slots) == 1
        assert not service.tick(minutes(25), seconds(900)).changes
        service = Service(Worn(spells=((minutes(10), minutes(25)),)))
        service.tick(minutes(10), 0)
        assert service.tick(minutes(25) - 1, seconds(900)).changes

    def test_nobody_is_counted_twice(self) -> None:
        service = Service(Worn())
        assert len(service.tick(T0, seconds(500)).slots) == 1
        assert len(service.tick(T0 + SECOND_US, seconds(501)).slots) == 0


class TestNotWorn:
    def test_nobody_is_silent_after_the_end(self) -> None:
        service = heard(Worn(ends_at=minutes(10)))
        service.tick(minutes(60), seconds(3600))
        assert not silences(service)
        assert len(silences(service, 1)) == 1

    def test_silence_ends_with_the_episode(self) -> None:
        service = heard(Worn(ends_at=minutes(30)))
        service.tick(minutes(20), seconds(1200))
        service.tick(minutes(31), seconds(1860))
        (finding,) = silences(service)
        assert finding.ended_at == minutes(30)
        assert not service.tick(minutes(90), seconds(9000)).changes or silences(service, 1)
        assert len(silences(service)) == 1

    def test_a_device_put_on_again_is_counted_anew(self) -> None:
        spells = ((T0, minutes(30)), (minutes(90), None))
        service = heard(Worn(spells=spells))
        service.tick(minutes(20), seconds(1200))
        for minute in (31, 60, 91, 105):
            service.tick(minutes(minute), seconds(60 * minute))
        (ended,) = silences(service)
        assert ended.ended_at == minutes(30)
        service.tick(minutes(106), seconds(60 * 106))
        assert {each.onset_at for each in silences(service)} == {T0, minutes(90)}


def test_a_clock_that_was_set_back_gives_no_two_silences_one_onset() -> None:
    service = heard()
    service.tick(minutes(20), seconds(1200))
    service.clock_us = seconds(1200)
    service.receive([reading(T0 + 1, temperature_c=36.5) | {"received_at": T0 - SECOND_US}])
    (first,) = silences(service)
    assert first.ended_at == first.onset_at
    service.tick(minutes(40), seconds(2400))
    assert [each.onset_at for each in silences(service)] == [T0, T0 + 1]


def test_nor_does_a_device_that_was_not_taken_off_before_it_was_heard_after_all() -> None:
    service = heard()
    service.tick(minutes(20), seconds(1200))
    for spells in (((T0 - DAY_US, minutes(-5)),), ((T0 - DAY_US, None),)):
        roster = roster_of(Worn(spells=spells), Worn())
        service.wearers = Wearers.of(roster, DEFAULT, service.wearers)
        service.tick(minutes(21), seconds(1260))
    service.tick(minutes(36), seconds(2160))
    assert [(each.onset_at, each.ended_at) for each in silences(service)] == [
        (T0, T0),
        (T0 + 1, None),
    ]


def test_it_can_be_restored_after_a_restart() -> None:
    service = heard()
    service.tick(minutes(20), seconds(1200))
    before = service.state.copy()
    standing = silences(service)[0]
    both, at = np.array([0, 1]), np.array([T0, T0])
    restore(service.state, both, at, np.array([0, 0]))
    restore_standing(service.state, 0, standing)
    restore_standing(service.state, 1, silences(service, 1)[0])
    assert service.state.tobytes() == before.tobytes()
    restore(service.state, both[:1], np.array([0]), np.array([0]))
    assert (service.state["heard_at"][0], service.state["heard_rc"][0]) == (0, 0)


def test_a_silence_that_stands_is_restored_with_its_own_onset() -> None:
    """A reading may be theirs since that came later, and was another's then."""
    service = heard()
    service.tick(minutes(20), seconds(1200))
    standing = silences(service)[0]
    restore(service.state, np.array([0]), np.array([minutes(9)]), np.array([seconds(540)]))
    restore_standing(service.state, 0, standing)
    service.receive([reading(minutes(25), temperature_c=36.5)])
    (ended,) = silences(service)
    assert (ended.onset_at, ended.ended_at) == (standing.onset_at, minutes(25))


def test_a_silence_that_stands_keeps_its_onset_when_the_spell_is_said_to_begin_later() -> None:
    service = heard()
    service.tick(minutes(20), seconds(1200))
    standing = silences(service)[0]
    later = roster_of(Worn(starts_at=minutes(10)), Worn())
    service.wearers = Wearers.of(later, DEFAULT, service.wearers)
    begin(service.state, service.wearers, minutes(21), seconds(1260))
    service.tick(minutes(21), seconds(1260))
    service.receive([reading(minutes(25), temperature_c=36.5)])
    (ended,) = silences(service)
    assert (ended.onset_at, ended.ended_at) == (standing.onset_at, minutes(25))


def test_counting_begins_for_all_as_the_first_tick_would_have_it() -> None:
    """Worn, worn again, now, not yet, no more, just no more; and two who were heard."""
    again = Worn(spells=((T0, minutes(1)), (minutes(5), None)))
    now, later = Worn(starts_at=minutes(9)), Worn(starts_at=minutes(60))
    over, ends = Worn(ends_at=minutes(2)), Worn(ends_at=minutes(9))
    first = Worn(starts_at=minutes(1))
    service = Service(Worn(), again, now, later, over, ends, Worn(), first)
    service.receive([reading(minutes(1), slot, temperature_c=36.5) for slot in (1, 6, 7)])
    begun = service.state.copy()
    begin(begun, service.wearers, minutes(9), seconds(7))
    service.tick(minutes(9), seconds(7))
    assert begun.tobytes() == service.state.tobytes()
    assert begun["heard_rc"].tolist() == [seconds(7)] * 3 + [0] * 5


def test_it_is_told_before_what_the_clock_says_of_the_night() -> None:
    service = Service(Worn())
    three = T0 - 5 * HOUR_US
    service.receive(
        [
            reading(three + day * DAY_US, pulse_bpm=bpm, steps=0)
            for day, bpm in enumerate((60, 60, 60, 66, 66))
        ]
    )
    changes = service.tick(T0 + 4 * DAY_US, seconds(900)).changes
    assert [each.finding.key.rule for each in changes] == [Rule.SILENT, Rule.WATCH]


def test_ends_of_silence_are_told_before_what_the_reading_says() -> None:
    service = heard()
    service.tick(minutes(20), seconds(1200))
    hot: Any = [reading(minutes(m), temperature_c=38.5) for m in (30, 35, 40)]
    rules = [each.finding.key.rule for each in service.receive(hot).changes]
    assert rules == [Rule.SILENT, Rule.FEVER]
