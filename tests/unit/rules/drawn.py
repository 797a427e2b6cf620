"""Histories for hypothesis to draw: troubles that come and go, with the lengths that matter.

Steps between readings and what they say lie on the bounds of the rules, and one microsecond or one
unit beside them.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from hypothesis import strategies as st

from domain.instant import DAY_US, HOUR_US, MINUTE_US, SECOND_US, parse_rfc3339
from domain.people import Home, LeaveWindow, Threshold
from domain.reading import Datum, Site
from tests.unit.rules.making import METRE_E7, NANJING, T0, Worn, minutes, reading

_SIDE: Final = 50 * METRE_E7 / 1e7
"""About 50 m of latitude; a little less of longitude."""
BLOCK: Final = Home(
    Datum.WGS84,
    NANJING.lat - _SIDE,
    NANJING.lon - _SIDE,
    0.0,
    tuple(
        (NANJING.lat + north * _SIDE, NANJING.lon + east * _SIDE)
        for north, east in ((-1, -1), (-1, 1), (0.5, 1.2), (1, 1), (1, -1))
    ),
)
KINDS: Final = (
    Worn(),
    Worn(site=Site.WRIST, birth_year=2022),
    Worn(site=Site.WRIST, interval_s=600, birth_year=2016),
    Worn(interval_s=599, birth_year=2025, home=BLOCK),
    Worn(site=Site.FOREHEAD, interval_s=3600, spot=True),
    Worn(site=Site.FINGER, interval_s=500, spot=True, home=None, birth_year=None),
    Worn(
        site=Site.ORAL,
        interval_s=500,
        birth_year=2024,
        fever={
            Site.ORAL: Threshold(3700, "dr-03", minutes(60)),
            Site.WRIST: Threshold(3800, "dr-04"),
        },
        leave=(LeaveWindow(minutes(5), minutes(40), "swab test"), LeaveWindow(T0, T0 + 1, "")),
    ),
    Worn(fever={Site.AXILLARY: Threshold(3700, "dr-03")}),
    Worn(
        homes_before=((minutes(5), None), (minutes(30), BLOCK)),
        fever_before=((minutes(30), {Site.AXILLARY: Threshold(3800, "dr-05")}),),
    ),
    Worn(spells=((T0 - DAY_US, minutes(40)), (minutes(60), None)), ends_at=minutes(180)),
)
_QUICK_US: Final = (
    *(60 * SECOND_US, 120 * SECOND_US, 150 * SECOND_US, 150 * SECOND_US, 5 * MINUTE_US - 1),
    *(
        5 * MINUTE_US,
        5 * MINUTE_US,
        450 * SECOND_US,
        10 * MINUTE_US,
        15 * MINUTE_US,
        20 * MINUTE_US,
    ),
)
_LONG_US: Final = (5 * MINUTE_US, 450 * SECOND_US, 10 * MINUTE_US, 15 * MINUTE_US, 20 * MINUTE_US)
_STEPS_US: Final = (
    *(0, 1, SECOND_US, 120 * SECOND_US - 1, 120 * SECOND_US + 1, 10 * MINUTE_US - 1),
    *(15 * MINUTE_US - 1, 20 * MINUTE_US + 1, 25 * MINUTE_US, 25 * MINUTE_US + 1),
    *(1797 * SECOND_US, 1797 * SECOND_US + 1, 30 * MINUTE_US, 30 * MINUTE_US + 1),
    *(12 * HOUR_US, 12 * HOUR_US + 1),
)
_ACCURACY_M: Final = (-0.1, 0, 5, 40, 200, 500.1)
_SITES: Final = (0, 0, 0, 0, Site.UNKNOWN, Site.AXILLARY, Site.ORAL, Site.WRIST)
_SAYS: Final[dict[str, tuple[dict[str, tuple[Any, ...]], dict[str, tuple[Any, ...]]]]] = {
    "fever": (
        {"temperature_c": (37.3, 37.5, 37.8, 38.3, 39.1), "site": (*[0] * 9, *_SITES[4:])},
        {"temperature_c": (36.5, 37.0, 37.01, 37.29), "site": (*[0] * 9, *_SITES[4:])},
    ),
    "pulse": (
        {"pulse_bpm": (111, 120, 131, 40, 141, 161, 181, 171), "steps": (-1, 0, 0, 9)},
        {"pulse_bpm": (90, 110, 41, 100), "steps": (-1, 0, 0, 9)},
    ),
    "oxygen": ({"spo2_pct": (91, 92, 93, 93)}, {"spo2_pct": (94, 95, 98)}),
    # With every accuracy these are clearly on one side of 50 m and of 70 m: the oracle measures
    # distances on a sphere.
    "away": (
        {"north_m": (104, 125, 300, 3000), "accuracy_m": _ACCURACY_M, "near_home": (-1, 0)},
        {"north_m": (0, 30, 60), "accuracy_m": _ACCURACY_M, "near_home": (-1, -1, 0, 1)},
    ),
    "off": ({"worn": (0, 0, -1, 1), "pulse_bpm": (0, 0, -1, 70)}, {"worn": (1,)}),
    "flat": (
        {"battery_pct": (3, 15, 16), "charging": (-1, 0, 0, 1)},
        {"battery_pct": (-1, 16, 29, 30), "charging": (-1, 0, 0, 1)},
    ),
}
"""By rule, what a reading says of a trouble, and of its end."""
_ANYTHING: Final = {
    "temperature_c": (37.3, 38.3, 39.1, 36.5, 37.01),
    "site": _SITES,
    "pulse_bpm": (-1, 0, 40, 70, 111, 131),
    "steps": (-1, 0, 9),
    "spo2_pct": (-1, 91, 93, 94, 95),
    "north_m": (0, 30, 60, 104, 125, 300, 3000),
    "accuracy_m": _ACCURACY_M,
    "near_home": (-1, 0, 0, 0, 1),
    "battery_pct": (-1, 15, 16, 30),
    "charging": (-1, 0, 1),
    "worn": (-1, -1, 0, 1, 1),
}
Steps = list[tuple[int, dict[str, Any]]]
"""(microseconds since the reading before, what it says) of each reading."""


def _saying(values: dict[str, tuple[Any, ...]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({name: st.sampled_from(of) for name, of in values.items()})


def _phase(
    says: st.SearchStrategy[dict[str, Any]], steps_us: Sequence[int] = (), fewest: int = 1
) -> st.SearchStrategy[Steps]:
    """Some readings at one pace, all alike or two in turn."""
    step = st.sampled_from(steps_us or _QUICK_US) | st.sampled_from(steps_us or _STEPS_US)
    drawn = st.tuples(st.integers(fewest, 5), step, st.lists(says, min_size=1, max_size=2))
    return drawn.map(lambda each: [(each[1], each[2][n % len(each[2])]) for n in range(each[0])])


def _trouble(
    values: tuple[dict[str, tuple[Any, ...]], dict[str, tuple[Any, ...]]],
) -> st.SearchStrategy[Steps]:
    """It comes, and it goes or not; at any pace, or so that it is likely to be held."""
    bad, good = (_saying(each) for each in values)
    held, over = (_phase(each, _LONG_US, 3) for each in (bad, good))
    return st.one_of(_phase(bad), _phase(good), st.builds(list.__add__, held, over))


_anything = _phase(
    st.fixed_dictionaries({}, optional={n: st.sampled_from(of) for n, of in _ANYTHING.items()})
)
hours: Final = st.lists(
    st.one_of(_anything, _trouble(_SAYS["fever"]), *(_trouble(each) for each in _SAYS.values())),
    min_size=1,
    max_size=5,
).map(lambda phases: [each for phase in phases for each in phase])
"""Steps of some hours."""


def history(worn: Worn, slot: int, steps: Sequence[tuple[int, dict[str, Any]]]) -> list[Any]:
    """Distinct readings while the device is worn: equal in time and content is one reading."""
    at, found = T0, {}
    for step_us, says in steps:
        at += step_us
        each = reading(at, slot, **says)
        if at < worn.ends_at and any(a <= at < (b or at + 1) for a, b in worn.spells):
            found[tuple(each.values())] = each
    return list(found.values())


MIDNIGHT: Final = parse_rfc3339("2026-02-02T16:00:00Z")
"""In Shanghai, where 3 February begins."""
LASTING: Final = tuple(
    replace(each, starts_at=MIDNIGHT - DAY_US, spells=((MIDNIGHT - DAY_US, None),))
    for each in (
        Worn(site=Site.WRIST),
        Worn(site=Site.WRIST, interval_s=600),
        Worn(site=Site.WRIST, timezone="Asia/Kathmandu"),
        Worn(site=Site.WRIST, fever={Site.WRIST: Threshold(3600, "dr-04", MIDNIGHT + 5 * DAY_US)}),
        Worn(site=Site.FINGER, interval_s=3600, spot=True),
    )
)
_USUAL_C: Final = (33.9, 34.0, 34.0, 34.01, 34.09)
_WARM_C: Final = (34.0, 34.7, 34.99, 35.0, 35.01, 35.2, 37.3)
_USUAL_BPM: Final = (0, 60, 60, 60, 61)
_FAST_BPM: Final = (0, 60, 62, 63, 64, 64, 66)


def _day(skin_c: Sequence[float], beats: Sequence[int]) -> st.SearchStrategy[Any]:
    return st.tuples(
        st.lists(st.sampled_from(skin_c), min_size=1, max_size=2),
        st.integers(1, 6),
        st.sampled_from((5 * MINUTE_US, 10 * MINUTE_US, 15 * MINUTE_US)),
        st.sampled_from((600 * MINUTE_US, 600 * MINUTE_US, 650 * MINUTE_US, 660 * MINUTE_US - 1)),
        st.lists(st.sampled_from(beats), min_size=1, max_size=2),
        st.sampled_from((-1, -1, -1, -1, -1, 1, 0)),
    )


days: Final = st.builds(
    list.__add__,
    st.lists(_day(_USUAL_C, _USUAL_BPM), min_size=2, max_size=5),
    st.lists(
        _day(_WARM_C, _FAST_BPM) | _day(_WARM_C, _FAST_BPM) | _day(_USUAL_C, _USUAL_BPM),
        min_size=1,
        max_size=7,
    ),
)
"""Of each day the skin from about ten on, how often, its pace and beginning; pulses at night;
whether the band was worn. First as usual, then not."""


def course(slot: int, drawn: Sequence[Any]) -> list[dict[str, Any]]:
    """Readings of some days."""
    found = []
    for day, (skin, times, step_us, begin_us, beats, worn) in enumerate(drawn):
        midnight = MIDNIGHT + day * DAY_US
        for n, bpm in enumerate(each for each in beats if each):
            at = midnight + (6 * HOUR_US + 59 * MINUTE_US) * n + 1
            found.append(reading(at, slot, pulse_bpm=bpm, steps=0, worn=worn))
        for n in range(times):
            at, celsius = midnight + begin_us + n * step_us, skin[n * len(skin) // times]
            found.append(reading(at, slot, temperature_c=celsius, worn=worn))
    return found
