"""The rulebook: every figure of the rules as data, with a version; no figure is buried in code.

A rulebook file is TOML and need only hold `version` and the figures that differ from ours; `load`
refuses what it does not know, and reports every mistake at once. `rules/default.toml` lists all
figures. Temperatures are degrees Celsius in the file (`_c`) and centi-degrees here (`_cc`), lengths
metres (`_m`) and decimetres (`_dm`). Refuses to read files: the shell does.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from math import floor
from typing import Annotated, Any, Final, NamedTuple, get_args, get_type_hints

from domain.reading import CORE_LIKE, Site


class RulebookError(ValueError):
    """The document is no rulebook; the message names every problem by its place."""


class Within(NamedTuple):
    """The bounds a figure has to keep, in the unit of its field. Both ends are allowed."""

    low: int
    high: int


_Hold = Annotated[int, Within(0, 43_200)]
_Count = Annotated[int, Within(1, 100)]
_Temperature = Annotated[int, Within(3000, 4500)]
_Beats = Annotated[int, Within(20, 300)]
_Percent = Annotated[int, Within(0, 100)]
_Length = Annotated[int, Within(0, 100_000)]


@dataclass(frozen=True, slots=True)
class Runs:
    """What all holds have in common (contract section 5, below the table)."""

    gap_intervals: _Count = 3
    gap_s: Annotated[int, Within(60, 86_400)] = 1200
    """A gap longer than the larger of the two breaks a run."""
    sparse_interval_s: Annotated[int, Within(60, 604_800)] = 600
    """A device that uploads no more often than this fulfils a hold with `sparse_readings`."""
    sparse_readings: _Count = 2


def _core_thresholds() -> dict[Site, int]:
    # Contract section 5; 37.3 at the armpit is the figure China screened by in 2020.
    return {
        Site.AXILLARY: 3730,
        Site.FOREHEAD: 3730,
        Site.ORAL: 3780,
        Site.TYMPANIC: 3780,
        Site.RECTAL: 3800,
    }


@dataclass(frozen=True, slots=True)
class Fever:
    """Figures of `rules.fever`."""

    threshold_cc: Mapping[Site, int] = field(default_factory=_core_thresholds)
    """Of each core-like site."""
    skin_cc: _Temperature = 3730
    """At a skin site this is a fever whatever the person's baseline is,"""
    skin_above_cc: Annotated[int, Within(30, 500)] = 100
    """and so is what is so far above that baseline (contract section 5)."""
    critical_cc: _Temperature = 3910
    """At a core-like site: 3 NEWS2 points (RCP 2017)."""
    hold_s: _Hold = 600
    readings: _Count = 3
    clear_below_cc: Annotated[int, Within(0, 300)] = 30
    clear_s: _Hold = 1800
    spot_above_cc: Annotated[int, Within(0, 300)] = 50
    """One reading of a spot thermometer so far above its threshold is enough."""
    spot_readings: _Count = 2
    spot_within_s: Annotated[int, Within(60, 604_800)] = 43_200


@dataclass(frozen=True, slots=True)
class Pulse:
    """Figures of `rules.pulse` for adults; those for children are in `rules.news2`."""

    low_bpm: _Beats = 40
    """3 NEWS2 points at and below this (RCP 2017),"""
    high_bpm: _Beats = 111
    """2 at and above this,"""
    very_high_bpm: _Beats = 131
    """and 3 here."""
    hold_s: _Hold = 600
    readings: _Count = 3
    clear_s: _Hold = 900


@dataclass(frozen=True, slots=True)
class Oxygen:
    """Figures of `rules.oxygen`."""

    low_pct: _Percent = 93
    """2 NEWS2 points on scale 1 (RCP 2017),"""
    very_low_pct: _Percent = 91
    """and 3."""
    clear_pct: _Percent = 95
    hold_s: _Hold = 300
    readings: _Count = 3
    clear_s: _Hold = 900


@dataclass(frozen=True, slots=True)
class NotWorn:
    """Figures of `rules.not_worn`."""

    hold_s: _Hold = 900
    readings: _Count = 2
    clear_s: _Hold = 300


@dataclass(frozen=True, slots=True)
class BatteryLow:
    """Figures of `rules.battery_low`."""

    low_pct: _Percent = 15
    clear_pct: _Percent = 30


@dataclass(frozen=True, slots=True)
class LeftHome:
    """Figures of `rules.left_home`."""

    buffer_dm: _Length = 200
    hold_s: _Hold = 120
    fixes: _Count = 2
    accuracy_floor_dm: _Length = 150
    """No fix is trusted to be better: one in three true positions is outside the 68 % radius."""
    accuracy_unknown_dm: _Length = 500
    accuracy_limit_dm: _Length = 5000
    """A fix that is worse says nothing."""
    near_home_s: _Hold = 120
    """So long after the home beacon was heard a fix is taken to be inside."""


@dataclass(frozen=True, slots=True)
class Silent:
    """Figures of `rules.silent`."""

    intervals: _Count = 3
    at_least_s: Annotated[int, Within(1, 604_800)] = 900
    fragile_age: Annotated[int, Within(0, 150)] = 80
    fragile_share: Annotated[int, Within(1, 100)] = 2
    """People who live alone, or are so old, get the limit divided by this,"""
    fragile_intervals: _Count = 2
    """but at least so many intervals"""
    fragile_grace_s: Annotated[int, Within(0, 86_400)] = 60
    """and so much more."""
    battery_pct: _Percent = 5
    """A last level of so much or less explains a silence (contract section 5)."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Figures of `rules.watch`: those of NightSignal (Alavi et al., Nat Med 2022;28:175-184)."""

    yellow_bpm: Annotated[int, Within(1, 100)] = 3
    """A night is warm so far above the median of the nights,"""
    red_bpm: Annotated[int, Within(1, 100)] = 4
    """and hot so far above it."""
    night_from_h: Annotated[int, Within(0, 11)] = 0
    night_until_h: Annotated[int, Within(1, 12)] = 7
    """By the community's clock; this hour is not part of it."""
    grace_s: Annotated[int, Within(0, 43_200)] = 1800
    """A night nobody has sent anything after is judged so long after its end."""


@dataclass(frozen=True, slots=True)
class DeviceFault:
    """Figures of `rules.device_fault`."""

    bad_pct: Annotated[int, Within(1, 100)] = 50
    """Of the last 20 messages."""
    frozen_s: Annotated[int, Within(60, 604_800)] = 21_600
    frozen_readings: Annotated[int, Within(2, 255)] = 30


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All figures, and the word a finding names them by."""

    version: str
    runs: Runs = field(default_factory=Runs)
    fever: Fever = field(default_factory=Fever)
    pulse: Pulse = field(default_factory=Pulse)
    oxygen: Oxygen = field(default_factory=Oxygen)
    left_home: LeftHome = field(default_factory=LeftHome)
    not_worn: NotWorn = field(default_factory=NotWorn)
    battery_low: BatteryLow = field(default_factory=BatteryLow)
    silent: Silent = field(default_factory=Silent)
    device_fault: DeviceFault = field(default_factory=DeviceFault)
    watch: Watch = field(default_factory=Watch)
    earlier: tuple[tuple[int, "Rulebook"], ...] = ()
    """(until_at, rulebook), ascending: what was in force before. In no file; the store knows."""


DEFAULT: Final = Rulebook(version="doorstep-1")
"""Contract section 5. The same figures are in `default.toml`."""

_SECTIONS: Final[Mapping[str, type[Any]]] = {
    "runs": Runs,
    "fever": Fever,
    "pulse": Pulse,
    "oxygen": Oxygen,
    "left_home": LeftHome,
    "not_worn": NotWorn,
    "battery_low": BatteryLow,
    "silent": Silent,
    "device_fault": DeviceFault,
    "watch": Watch,
}


def load(document: Mapping[str, Any]) -> Rulebook:
    """The rulebook a parsed TOML document describes; what it leaves out is as in `DEFAULT`.

    Raises `RulebookError` that lists every problem as `/section/key: what is wrong`.
    """
    problems = [f"/{key}: unknown" for key in document if key not in (*_SECTIONS, "version")]
    version = document.get("version")
    if not isinstance(version, str) or not 0 < len(version) <= 64:
        problems.append("/version: must be a text of 1 to 64 characters")
    sections = {
        name: _section(kind, f"/{name}", document.get(name, {}), problems)
        for name, kind in _SECTIONS.items()
    }
    if not problems:
        problems += _out_of_order(sections)
    watch = sections["watch"]
    if not problems and watch["night_from_h"] >= watch["night_until_h"]:
        problems.append("/watch/night_from_h: must be before night_until_h")
    if problems:
        raise RulebookError("; ".join(sorted(problems)))
    return Rulebook(
        str(version), **{name: kind(**sections[name]) for name, kind in _SECTIONS.items()}
    )


_IN_ORDER: Final = (
    ("left_home", "accuracy_floor_dm", "accuracy_limit_dm"),
    ("pulse", "low_bpm", "high_bpm"),
    ("pulse", "high_bpm", "very_high_bpm"),
    ("oxygen", "very_low_pct", "low_pct"),
    ("oxygen", "low_pct", "clear_pct"),
    ("battery_low", "low_pct", "clear_pct"),
    ("watch", "yellow_bpm", "red_bpm"),
)
"""(section, figure, figure that must not be below it)."""


def _out_of_order(sections: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [
        f"/{section}/{_in_file(lower)[0]}: must not exceed {_in_file(upper)[0]}"
        for section, lower, upper in _IN_ORDER
        if sections[section][lower] > sections[section][upper]
    ]


def _section(kind: type[Any], at: str, given: Any, problems: list[str]) -> dict[str, Any]:
    """The arguments of one section: what is given, checked, over the defaults."""
    if not isinstance(given, Mapping):
        problems.append(f"{at}: must be a table")
        given = {}
    hints = get_type_hints(kind, include_extras=True)
    left = dict(given)
    found: dict[str, Any] = {}
    for each in fields(kind):
        if each.default is MISSING:
            place = f"{at}/threshold_c"
            found[each.name] = _thresholds(place, left.pop("threshold_c", {}), problems)
            continue
        key, scale = _in_file(each.name)
        if key in left:
            bounds = get_args(hints[each.name])[1]
            found[each.name] = _figure(f"{at}/{key}", left.pop(key), scale, bounds, problems)
        else:
            found[each.name] = each.default
    problems.extend(f"{at}/{key}: unknown" for key in left)
    return found


def _in_file(name: str) -> tuple[str, int]:
    """The key of a field in the file, and how many of its units make one unit of the file."""
    if name.endswith("_cc"):
        return name[:-1], 100
    if name.endswith("_dm"):
        return f"{name[:-2]}m", 10
    return name, 1


def _figure(at: str, value: Any, scale: int, bounds: Within, problems: list[str]) -> int:
    whole = scale == 1
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        problems.append(f"{at}: must be a {'whole ' if whole else ''}number")
    elif not bounds.low / scale <= value <= bounds.high / scale:
        # A NaN is refused here as well: it compares with nothing.
        problems.append(f"{at}: must be from {bounds.low / scale:g} to {bounds.high / scale:g}")
    else:
        return floor(value * scale + 0.5)
    return bounds.low


def _thresholds(at: str, given: Any, problems: list[str]) -> dict[Site, int]:
    """The threshold of every core-like site. A skin site cannot be given one here."""
    thresholds = _core_thresholds()
    if not isinstance(given, Mapping):
        problems.append(f"{at}: must be a table")
        return thresholds
    words = {site.word: site for site in CORE_LIKE}
    bounds = get_args(_Temperature)[1]
    for word, value in given.items():
        if word in words:
            thresholds[words[word]] = _figure(f"{at}/{word}", value, 100, bounds, problems)
        else:
            problems.append(f"{at}/{word}: must be one of {', '.join(words)}")
    return thresholds
