"""An empty battery explains a silence: what is remembered of it, and when it must have run out."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instant import MINUTE_US, format_rfc3339
from rules.finding import Finding, Rule, Severity
from rules.silent import restore_standing
from rules.state import fresh
from tests.unit.rules.making import T0, Service, Worn, key, minutes, reading, seconds

COLUMNS = ("battery_pct", "battery_at", "discharge_pct", "discharge_at")


def silence_after(*said: dict[str, Any], minutes_later: float = 16) -> Finding:
    service = Service(Worn())
    service.receive([reading(minutes(n), **each) for n, each in enumerate(said)])
    later = minutes_later * 60
    service.tick(minutes(len(said) - 1) + seconds(later), seconds(later))
    identity = key(Rule.SILENT)
    return next(each for each in service.book.standing.values() if each.key == identity)


@pytest.mark.parametrize(
    ("levels", "explained"),
    [
        ([5], True),
        ([6], False),
        ([40], False),
        ([40, 40], False),
        # Ten percent a minute: 30 % last three minutes more, 16 have passed.
        ([50, 40, 30], True),
        # One percent a minute: 16 % last exactly as long as it has been silent, 17 % do not.
        ([18, 17, 16], True),
        ([19, 18, 17], False),
        # A single percent says how long one lasts.
        ([9, 8], True),
        ([10, 90, 89], False),
        ([], False),
    ],
)
def test_the_last_level_or_the_rate_explains(levels: list[int], *, explained: bool) -> None:
    said: list[dict[str, Any]] = [{"battery_pct": level} for level in levels]
    said = said or [{"temperature_c": 36.5}]
    assert ("battery" in silence_after(*said).detail) is explained


def test_the_charger_explains_nothing_and_starts_the_discharge_anew() -> None:
    assert not silence_after({"battery_pct": 3, "charging": 1}).detail
    assert not silence_after({"battery_pct": 50}, {"battery_pct": 40, "charging": 1}).detail
    assert not silence_after(
        {"battery_pct": 50}, {"battery_pct": 40, "charging": 1}, {"battery_pct": 30}
    ).detail
    assert silence_after({"battery_pct": 4, "charging": 1}, {"battery_pct": 4}).detail


@pytest.mark.parametrize(("level", "explained"), [(16, True), (17, False)])
def test_two_levels_within_a_minute_are_a_minute_apart(level: int, *, explained: bool) -> None:
    service = Service(Worn())
    levels = [(seconds(10), level + 1), (seconds(20), level)]
    service.receive([reading(T0 + at, battery_pct=level) for at, level in levels])
    service.tick(T0 + seconds(20) + minutes(16) - T0, seconds(16 * 60))
    (found,) = service.book.standing.values()
    assert ("battery" in found.detail) is explained


def test_the_finding_says_what_explains_it() -> None:
    found = silence_after({"battery_pct": 3})
    assert json.loads(found.detail) == {
        "battery_at": format_rfc3339(T0),
        "battery_pct": 3,
        "explained_by": "battery",
    }
    assert found.severity is Severity.ROUTINE


def test_the_explanation_survives_a_restart_and_the_end_of_the_silence() -> None:
    found = silence_after({"battery_pct": 3})
    service = Service(Worn())
    service.state = fresh(1)
    service.state["heard_at"][0] = found.onset_at
    restore_standing(service.state, 0, found)
    service.book.standing[found.key, found.onset_at] = found
    service.receive([reading(minutes(20), battery_pct=100, charging=1)])
    (ended,) = service.book.standing.values()
    assert (ended.ended_at, ended.detail) == (minutes(20), found.detail)


levels = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from([-1, 0, 1]), st.booleans()), max_size=12
)


@given(said=levels, size=st.integers(1, 12))
def test_any_cut_remembers_the_same_as_one_by_one(
    said: list[tuple[int, int, bool]], size: int
) -> None:
    sent = [
        reading(minutes(n), slot, charging=charging, **({} if unsaid else {"battery_pct": level}))
        for n, (level, charging, unsaid) in enumerate(said)
        for slot in (0, 1)
    ]
    service = Service(Worn(), Worn())
    for begin in range(0, len(sent), size):
        service.receive(sent[begin : begin + size])
    newest = start = (0, 0)
    on_charger = True
    for n, (level, charging, unsaid) in enumerate(said):
        if unsaid:
            continue
        minute = minutes(n) // MINUTE_US % 65_536
        if charging == 1 or on_charger or level > newest[0]:
            start = 0 if charging == 1 else level + 1, minute
        on_charger, newest = charging == 1, (level, minute)
    if sent:
        for slot in (0, 1):
            found = tuple(int(service.state[name][slot]) for name in COLUMNS)
            assert found == (*newest, *start)
    service.settle()
