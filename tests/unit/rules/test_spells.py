"""What is active when a device is taken off or an episode ends."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.reading import Site
from rules import spells
from rules.finding import Change, Rule
from rules.rulebook import DEFAULT
from rules.wearers import Wearers
from tests.unit.rules.making import T0, Service, Worn, minutes, reading, roster_of, seconds

HOT = [reading(minutes(m), temperature_c=38.5) for m in (0, 5, 10, 12)]


def test_a_finding_ends_with_the_episode() -> None:
    service = Service(Worn(ends_at=minutes(30)))
    service.receive(HOT)
    assert not [each for each in service.tick(minutes(30) - 1).changes if each.finding.ended_at]
    (change,) = service.tick(minutes(30)).changes
    assert (change.change, change.finding.ended_at) == (Change.ENDED, minutes(30))
    assert change.finding.last_at == minutes(12)
    assert not service.tick(minutes(32)).changes


def test_so_does_a_silence() -> None:
    service = Service(Worn(ends_at=minutes(30)))
    service.receive([reading(T0, temperature_c=36)])
    service.tick(minutes(20), seconds(1200))
    assert not service.tick(minutes(30) - 1).changes
    (change,) = service.tick(minutes(30)).changes
    assert (change.finding.key.rule, change.finding.ended_at) == (Rule.SILENT, minutes(30))


def test_nothing_is_left_pending() -> None:
    service = Service(Worn(ends_at=minutes(30)))
    service.receive(HOT[:2])
    done = service.tick(minutes(31))
    assert not done.changes
    assert not done.rows.going("fever_core").any()
    assert service.tick(minutes(32)).slots.tolist() == []


def test_a_reading_of_the_episode_that_comes_after_its_end_is_judged_with_the_rest() -> None:
    service = Service(Worn(ends_at=minutes(30)))
    service.receive(HOT)
    service.tick(minutes(31))
    done = service.receive([reading(minutes(20), temperature_c=39.5)])
    assert done.late == [(0, minutes(20))]
    service.settle(minutes(32))
    (finding,) = service.book.of(0)
    assert (finding.ended_at, finding.last_at, finding.peak) == (minutes(30), minutes(20), 3950)
    assert not service.tick(minutes(33)).changes


def test_a_device_that_comes_back_begins_anew() -> None:
    worn = Worn(spells=((T0, minutes(30)), (minutes(40), None)))
    service = Service(worn)
    service.receive(HOT)
    service.tick(minutes(31))
    again = [reading(minutes(m), temperature_c=38.5) for m in (41, 46, 51)]
    service.receive(again)
    assert [each.onset_at for each in service.book.of(0)] == [minutes(0), minutes(41)]
    assert service.replay(0, minutes(60))[1] == service.book.of(0)


def test_also_when_nobody_looked_in_between() -> None:
    worn = Worn(spells=((T0, minutes(30)), (minutes(40), None)))
    service = Service(worn)
    service.receive([*HOT, reading(minutes(12), north_m=900, accuracy_m=5)])
    service.tick(minutes(45), 1)
    (finding,) = service.book.of(0)
    assert finding.ended_at == minutes(30)


def test_an_end_that_is_moved_before_the_onset_leaves_no_negative_interval() -> None:
    service = Service(Worn())
    service.receive(HOT)
    moved = Service(Worn(ends_at=minutes(-10)))
    service.wearers = moved.wearers
    (change,) = service.tick(minutes(31)).changes
    assert change.finding.ended_at == change.finding.onset_at == minutes(0)


times = st.lists(st.integers(0, 89), unique=True, max_size=14)


@given(
    hot=times,
    cool=times,
    site=st.sampled_from((Site.AXILLARY, Site.WRIST)),
    data=st.data(),
)
def test_when_the_end_is_noticed_does_not_matter(
    hot: list[int], cool: list[int], site: Site, data: st.DataObject
) -> None:
    spells = ((T0, minutes(30)), (minutes(40), minutes(60)), (minutes(61), minutes(90)))
    worn = Worn(site=site, interval_s=600, spells=spells)
    pending: list[dict[str, Any]] = [
        reading(minutes(m), temperature_c=c)
        for m, c in sorted({**dict.fromkeys(cool, 36.0), **dict.fromkeys(hot, 38.0)}.items())
        if any(from_at <= minutes(m) < (until_at or 0) for from_at, until_at in spells)
    ]
    service = Service(worn)
    whole = Service(worn)
    whole.receive(pending)
    expected = whole.replay(0, minutes(99))[1]
    now = 0
    for each in data.draw(st.permutations(pending)):
        now = max(now, data.draw(st.integers(now, 95)))
        service.tick(minutes(now))
        service.receive([each])
        if data.draw(st.booleans()):
            service.settle(minutes(now))
    service.tick(minutes(99))
    service.settle(minutes(99))
    service.tick(minutes(100))
    assert service.book.of(0) == expected
    assert all(each.key.rule is Rule.FEVER and each.ended_at for each in expected)


def test_who_wore_it_at_an_instant() -> None:
    once = Worn(spells=((minutes(0), minutes(10)),))
    twice = Worn(spells=((minutes(0), minutes(10)), (minutes(20), minutes(30))))
    wearers = Service(once, twice).wearers
    times = (-1, 0, 9, 10, 19, 20, 29, 30)
    at = np.array([minutes(each) for each in times])
    slots = np.repeat([0, 1], len(at))
    first, second = spells.worn(slots, np.tile(at, 2), wearers).reshape(2, -1)
    assert [time for time, found in zip(times, first, strict=True) if found] == [0, 9]
    assert [time for time, found in zip(times, second, strict=True) if found] == [0, 9, 20, 29]


def test_the_spells_of_one_wearer_say_nothing_of_the_next() -> None:
    away = Worn(spells=((T0, minutes(10)), (minutes(20), None)))
    wearers = Wearers.of(roster_of(away, Worn()), DEFAULT)
    at = np.array([minutes(15)] * 2)
    assert spells.worn(np.array([0, 1]), at, wearers).tolist() == [False, True]
