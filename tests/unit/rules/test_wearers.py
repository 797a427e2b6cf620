"""Columns of the roster, slots that stay, and spells of wearing."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instant import DAY_US
from domain.people import Assignment, Home, LeaveWindow, Roster, Threshold
from domain.reading import Datum, Site
from domain.tables import Tables
from rules.homes import Homes
from rules.rulebook import DEFAULT, Runs
from rules.wearers import Wearers
from tests.unit.rules.making import T0, Worn, minutes, roster_of, seconds


def wearers(*worn: Worn) -> Wearers:
    return Wearers.of(roster_of(*worn), DEFAULT)


def test_one_row_for_each_pair_of_episode_and_device() -> None:
    columns = wearers(Worn(), Worn(site=Site.WRIST, interval_s=600, spot=True))
    assert columns.slots == {(1, 1): 0, (2, 2): 1}
    assert len(columns) == 2
    assert columns.episode_no.tolist() == columns.device_no.tolist() == [1, 2]
    assert columns.site.tolist() == [Site.AXILLARY, Site.WRIST]
    assert columns.spot.tolist() == [False, True]
    assert columns.sparse.tolist() == [False, True]
    assert columns.gap_us.tolist() == [seconds(1200), seconds(1800)]
    assert columns.silence_us.tolist() == [seconds(900), seconds(1800)]
    assert columns.fragile_us.tolist() == [seconds(450), seconds(1260)]


def test_nobody() -> None:
    columns = wearers()
    assert len(columns) == 0
    assert columns.spells_at(T0)[0].tolist() == []


def test_slots_stay_when_the_roster_changes() -> None:
    first = wearers(Worn(), Worn())
    grown = roster_of(Worn(ends_at=T0), Worn(), Worn())
    grown = replace(grown, episodes={n: e for n, e in grown.episodes.items() if n != 2})
    earlier = replace(grown, assignments={3: grown.assignments[3], 1: grown.assignments[1]})
    second = Wearers.of(earlier, DEFAULT, first)
    assert second.slots == {(1, 1): 0, (2, 2): 1, (3, 3): 2}
    assert second.until_at[0] == T0, "what the new roster says"
    assert second.until_at[1] == first.until_at[1], "what the old one said"
    assert second.homes.known(second.homes.shape.nonzero()[0]).tolist() == [True, False, True]
    assert first.slots == {(1, 1): 0, (2, 2): 1}, "untouched"


def test_a_wearer_who_is_gone_keeps_the_row_without_particulars() -> None:
    given = Worn(
        fever={Site.ORAL: Threshold(3900, "dr")}, leave=(LeaveWindow(T0, T0 + DAY_US, ""),)
    )
    first = wearers(given)
    second = Wearers.of(replace(roster_of(), version=2), DEFAULT, first)
    assert second.episode_no.tolist() == [1]
    assert not second.thresholds.has_any.any()
    assert not second.leave.covers(np.array([0]), np.array([T0])).any()


def test_a_spell_is_where_assignment_and_episode_meet() -> None:
    worn = Worn(starts_at=minutes(10), ends_at=minutes(100), spells=((minutes(0), minutes(200)),))
    assert wearers(worn).spells_of(0) == ((minutes(10), minutes(100)),)
    worn = replace(worn, spells=((minutes(20), None),))
    assert wearers(worn).spells_of(0) == ((minutes(20), minutes(100)),)


def test_a_device_that_comes_back_has_several_spells() -> None:
    worn = Worn(
        spells=(
            (minutes(0), minutes(10)),
            (minutes(10), minutes(20)),
            (minutes(30), minutes(40)),
        )
    )
    columns = wearers(worn, Worn())
    assert columns.spells_of(0) == ((minutes(0), minutes(20)), (minutes(30), minutes(40)))
    for at, expected in (
        (minutes(-5), (minutes(0), minutes(20))),
        (minutes(25), (minutes(0), minutes(20))),
        (minutes(30), (minutes(30), minutes(40))),
        (minutes(99), (minutes(30), minutes(40))),
    ):
        from_at, until_at = columns.spells_at(at)
        assert (from_at[0], until_at[0]) == expected
        assert (from_at[1], until_at[1]) == (columns.from_at[1], columns.until_at[1])


def test_an_assignment_outside_its_episode_is_a_spell_of_no_length() -> None:
    columns = wearers(Worn(ends_at=minutes(0), spells=((minutes(10), None),)))
    ((from_at, until_at),) = columns.spells_of(0)
    assert from_at == until_at


def test_what_is_over_when_the_episode_begins_is_none_of_its_spells() -> None:
    spells = ((minutes(0), minutes(10)), (minutes(20), None))
    columns = wearers(Worn(starts_at=minutes(10), ends_at=minutes(60), spells=spells))
    assert columns.spells_of(0) == ((minutes(20), minutes(60)),)


def test_a_device_worn_in_two_episodes_is_two_wearers() -> None:
    roster = roster_of(Worn(), Worn())
    both = (Assignment(1, 1, T0, minutes(10)), Assignment(1, 2, minutes(10), None))
    columns = Wearers.of(replace(roster, assignments={1: both}), DEFAULT)
    assert columns.slots == {(1, 1): 0, (2, 1): 1}
    assert columns.until_at[0] == columns.from_at[1] == minutes(10)


@pytest.mark.parametrize(
    ("worn", "fragile"),
    [
        (Worn(flags=("lives_alone", "chronic")), True),
        (Worn(birth_year=1946), True),
        (Worn(birth_year=1947), False),
        (Worn(birth_year=None), False),
    ],
)
def test_who_is_fragile(worn: Worn, *, fragile: bool) -> None:
    columns = wearers(worn)
    assert columns.fragile(np.array([0]), T0, 80).tolist() == [fragile]


def test_an_empty_roster_after_a_full_one() -> None:
    full = wearers(Worn(home=Home(Datum.WGS84, 1, 2, 3)))
    empty = Wearers.of(Roster(2, {}, {}, {}), DEFAULT, full)
    assert (len(empty), dict(empty.slots)) == (1, dict(full.slots))


times = st.integers(0, 40)
people = st.lists(
    st.builds(
        Worn,
        site=st.sampled_from(Site),
        interval_s=st.integers(1, 2000),
        spot=st.booleans(),
        home=st.none()
        | st.builds(Home, st.sampled_from(Datum), st.just(32.0), st.just(118.0), times),
        fever=st.dictionaries(
            st.sampled_from(Site), st.builds(Threshold, times, st.just("dr")), max_size=2
        ),
        leave=st.lists(st.builds(LeaveWindow, times, times, st.just("")), max_size=2).map(tuple),
        flags=st.lists(st.sampled_from(("lives_alone", "chronic")), unique=True).map(tuple),
        birth_year=st.none() | st.integers(1880, 2100),
        starts_at=times,
        ends_at=times,
    ),
    max_size=4,
)


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    """Anybody may have worn anything, several times, also in episodes that are not there."""
    roster = roster_of(*draw(people))
    each = st.tuples(st.integers(1, 5), times, st.none() | times).filter(
        lambda spell: spell[2] is None or spell[1] < spell[2]
    )
    worn = {
        device.no: tuple(
            Assignment(device.no, *spell)
            for spell in sorted(draw(st.lists(each, max_size=3)), key=lambda spell: spell[1])
        )
        for device in roster.devices.values()
    }
    return replace(roster, assignments={no: spells for no, spells in worn.items() if spells})


def told(roster: Roster, columns: Wearers) -> None:
    """Holds the columns against the roster, one wearer at a time."""
    devices = {device.no: device for device in roster.devices.values()}
    named = {
        (each.episode_no, each.device_no)
        for spells in roster.assignments.values()
        for each in spells
        if each.episode_no in roster.episodes
    }
    for pair, slot in columns.slots.items():
        episode = roster.episodes.get(pair[0]) if pair in named else None
        assert (columns.episode_no[slot], columns.device_no[slot]) == pair
        home = None if episode is None else episode.home
        alone, among = Homes.of([home], 1), columns.homes
        for name in ("lat", "lon", "lat_m", "lon_m", "radius_dm", "shape"):
            if home is not None or name == "shape":
                assert getattr(among, name)[slot] == getattr(alone, name)[0], name
        assert columns.thresholds.has_any[slot] == bool(episode and episode.fever)
        assert columns.leave.count[slot] == (len(episode.leave) if episode else 0)
        if episode is None:
            continue
        device = devices[pair[1]]
        assert columns.site[slot] == (device.site or Site.UNKNOWN)
        assert columns.spot[slot] == device.spot
        assert columns.gap_us[slot] == seconds(max(3 * device.interval_s, 1200))
        assert columns.silence_us[slot] == seconds(max(3 * device.interval_s, 900))
        assert columns.lives_alone[slot] == ("lives_alone" in episode.flags)
        assert columns.birth_year[slot] == (episode.birth_year or 0)
        spells = columns.spells_of(slot)
        own = [each for each in roster.assignments[pair[1]] if each.episode_no == pair[0]]
        for at in range(-1, 42):
            running = episode.starts_at <= at < episode.ends_at
            worn = any(e.from_at <= at and (e.to_at is None or at < e.to_at) for e in own)
            assert any(begin <= at < end for begin, end in spells) == (running and worn)


@given(rosters(), rosters())
def test_the_columns_say_what_the_roster_says(first: Roster, second: Roster) -> None:
    before = Wearers.of(first, DEFAULT)
    told(first, before)
    tables = Tables.of(second).roster(second.version)
    after, again = Wearers.of(second, DEFAULT, before), Wearers.of(tables, DEFAULT, before)
    told(second, after)
    assert after.slots == again.slots
    assert after.from_at.tolist() == again.from_at.tolist()


def test_an_earlier_rulebook_has_other_gaps() -> None:
    now = wearers(Worn(), Worn(interval_s=300))
    then = now.under(replace(DEFAULT, runs=Runs(gap_s=60, gap_intervals=1, sparse_interval_s=300)))
    assert then.gap_us.tolist() == [seconds(60), seconds(300)]
    assert then.sparse.tolist() == [False, True]
    assert then.homes is now.homes
    assert now.under(replace(DEFAULT, version="another")) is now
    assert then.under(DEFAULT).gap_us.tolist() == now.gap_us.tolist()


def test_who_set_a_threshold_then() -> None:
    first, second = ({Site.ORAL: Threshold(3900, origin)} for origin in ("dr-1", "dr-2"))
    columns = wearers(Worn(), Worn(fever=second, fever_before=((T0, {}), (minutes(9), first))))
    origins = [columns.origin(1, Site.ORAL, at) for at in (T0 - 1, T0, minutes(9))]
    assert origins == ["person", "dr-1", "dr-2"]
    again = Wearers.of(roster_of(Worn(), Worn(fever=second)), DEFAULT, columns)
    assert again.origin(1, Site.ORAL, T0) == "dr-2"


def test_what_held_before_comes_through_tables() -> None:
    moved = Worn(homes_before=((T0, None),), fever_before=((T0, {}),))
    roster = roster_of(Worn(), moved)
    tables = Tables.of(roster).roster(1)
    assert tables.episodes[2] == roster.episodes[2]
    columns = Wearers.of(tables, DEFAULT)
    places = columns.homes_then.places(np.array([0, 1, 1]), np.array([0, T0 - 1, T0]))
    assert columns.homes.known(places).tolist() == [True, False, True]


def test_zones_keep_their_numbers_and_wearers_theirs() -> None:
    first = Wearers.of(roster_of(Worn(timezone="Asia/Urumqi"), Worn()), DEFAULT)
    assert [first.zones.names[n] for n in first.zone] == ["Asia/Urumqi", "Asia/Shanghai"]
    worn = Worn(), Worn(timezone="Europe/Berlin"), Worn()
    second = Wearers.of(roster_of(*worn), DEFAULT, first)
    assert second.zones.names == ("Asia/Urumqi", "Asia/Shanghai", "Europe/Berlin")
    assert second.zone.tolist() == [1, 2, 1]
