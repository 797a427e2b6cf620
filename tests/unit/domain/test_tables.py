"""A roster in tables says what the same roster says in plain dicts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.people import Assignment, Device, Episode, Home, LeaveWindow, Roster, Threshold
from domain.reading import Datum, Site
from domain.tables import NO_HOME, Tables
from domain.texts import NOWHERE

instants = st.integers(0, 50)
degrees = st.floats(-90, 90)
corners = st.lists(st.tuples(degrees, degrees), min_size=3, max_size=4).map(tuple)
words = st.sampled_from(("", "a", "b", "é"))
circles = st.builds(Home, st.sampled_from(Datum), degrees, degrees, st.floats(0, 500))
polygons = st.builds(
    lambda datum, fence: Home(datum, fence[0][0], fence[0][1], 0.0, fence),
    st.sampled_from(Datum),
    corners,
)
thresholds = st.builds(Threshold, st.integers(3500, 4000), words, st.none() | instants)
windows = st.builds(LeaveWindow, instants, instants, words)
numbers = st.lists(st.integers(1, 9), unique=True)


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    """Of every kind of device, episode and assignment, in any order."""
    devices = [
        Device(
            no,
            f"w-{no}",
            draw(words),
            draw(st.sampled_from(Site)),
            draw(st.integers(1, 604_800)),
            draw(st.booleans()),
        )
        for no in draw(numbers)
    ]
    episodes = [
        Episode(
            no,
            f"e-{no}",
            draw(instants),
            draw(instants),
            draw(st.none() | circles | polygons),
            draw(st.none() | st.integers(1880, 2200)),
            draw(st.lists(words, max_size=2).map(tuple)),
            draw(st.dictionaries(st.sampled_from(Site), thresholds, max_size=2)),
            draw(st.lists(windows, max_size=2).map(tuple)),
            draw(st.sampled_from(("Asia/Shanghai", "Asia/Urumqi", "Europe/Berlin"))),
        )
        for no in draw(numbers)
    ]
    worn = {}
    if devices and episodes:
        named = st.sampled_from([episode.no for episode in episodes])
        for device in draw(st.lists(st.sampled_from(devices), unique_by=lambda d: d.no)):
            each = st.builds(Assignment, st.just(device.no), named, instants, st.none() | instants)
            given_ = draw(st.lists(each, min_size=1, max_size=3))
            worn[device.no] = tuple(sorted(given_, key=lambda each: each.from_at))
    return Roster(
        draw(st.integers(0, 9)), {d.id: d for d in devices}, {e.no: e for e in episodes}, worn
    )


def same(tables: Mapping[Any, Any], plain: Mapping[Any, Any], *strange: object) -> bool:
    """The same by every way of asking, in order of number."""
    return (
        dict(tables) == plain
        and len(tables) == len(plain)
        and all(key in tables and tables[key] == plain[key] for key in plain)
        and not any(key in tables for key in strange)
    )


@given(rosters())
def test_it_says_what_the_plain_one_says(plain: Roster) -> None:
    tables = Tables.of(plain).roster(plain.version)
    assert tables.version == plain.version
    assert same(tables.devices, plain.devices, "w-0", "")
    assert same(tables.episodes, plain.episodes, 0, 10)
    assert same(tables.assignments, plain.assignments, 0, 10)


@given(rosters(), st.integers(1, 9), instants)
def test_who_wore_a_device_is_the_same(plain: Roster, device_no: int, at: int) -> None:
    tables = Tables.of(plain).roster(plain.version)
    assert tables.assigned(device_no, at) == plain.assigned(device_no, at)


@given(rosters())
def test_what_is_in_tables_is_taken_as_it_is(plain: Roster) -> None:
    first = Tables.of(plain)
    second = Tables.of(first.roster(1))
    assert second.devices is first.devices
    assert second.episodes is first.episodes
    assert second.assignments is first.assignments


@given(rosters())
def test_the_columns_are_of_whom_they_say(plain: Roster) -> None:
    tables = Tables.of(plain)
    devices, episodes, worn = tables.devices, tables.episodes, tables.assignments
    assert list(zip(devices.no.tolist(), devices.ids, strict=True)) == sorted(
        (device.no, device.id) for device in plain.devices.values()
    )
    wanted = [*plain.devices, "w-0"]
    assert devices.numbers(wanted).tolist() == [*(d.no for d in plain.devices.values()), NOWHERE]
    for flag in ("", "a"):
        flagged = episodes.flagged(flag).tolist()
        assert flagged == [flag in plain.episodes[no].flags for no in episodes.no.tolist()]
    homes = [plain.episodes[no].home for no in episodes.no.tolist()]
    assert [datum == NO_HOME for datum in episodes.datum] == [home is None for home in homes]
    assert len(worn.device_no) == sum(map(len, plain.assignments.values()))
    places = episodes.places(worn.episode_no)
    assert (episodes.no[places] == worn.episode_no).all()


def test_nobody_has_no_place() -> None:
    tables = Tables.of(Roster(1, {}, {}, {}))
    assert tables.devices.numbers(["w-1"]).tolist() == [NOWHERE]
    for table in (tables.episodes, tables.assignments):
        with pytest.raises(KeyError):
            table[1]


def test_a_place_of_somebody_who_is_not_here_is_an_error() -> None:
    device = Device(2, "w-2", "", Site.WRIST, 60, spot=False)
    devices = Tables.of(Roster(1, {"w-2": device}, {}, {})).devices
    for number in (1, 3):
        with pytest.raises(AssertionError):
            devices.places(np.array([number], dtype=np.int32))
