"""The rulebook: what is shipped, what may be changed, and what is refused."""

import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

import rules
from domain.reading import CORE_LIKE, Site
from rules.rulebook import DEFAULT, RulebookError, load

SHIPPED = tomllib.loads((Path(rules.__file__).parent / "default.toml").read_text("utf-8"))
VERSION = SHIPPED["version"]


def test_the_shipped_file_is_the_default() -> None:
    assert load(SHIPPED) == DEFAULT


@pytest.mark.parametrize("section", [name for name in SHIPPED if name != "version"])
def test_the_shipped_file_lists_every_figure(section: str) -> None:
    assert len(SHIPPED[section]) == len(fields(getattr(DEFAULT, section)))


def test_every_core_like_site_has_a_threshold() -> None:
    assert set(DEFAULT.fever.threshold_cc) == set(CORE_LIKE)


def test_a_version_is_all_a_rulebook_needs() -> None:
    assert load({"version": "mine"}) == replace(DEFAULT, version="mine")


def test_figures_are_taken_in_the_units_of_the_file() -> None:
    book = load(
        {
            "version": "mine",
            "fever": {"skin_c": 37.15, "hold_s": 0, "threshold_c": {"oral": 38}},
            "left_home": {"buffer_m": 12.34},
        }
    )
    assert (book.fever.skin_cc, book.fever.hold_s) == (3715, 0)
    assert book.fever.threshold_cc[Site.ORAL] == 3800
    assert book.fever.threshold_cc[Site.AXILLARY] == 3730
    assert book.left_home.buffer_dm == 123


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"version": None}, "/version: must be a text"),
        ({"version": ""}, "/version: must be a text"),
        ({"fewer": {}}, "/fewer: unknown"),
        ({"fever": 3}, "/fever: must be a table"),
        ({"fever": {"hold": 3}}, "/fever/hold: unknown"),
        ({"fever": {"hold_s": 1.5}}, "/fever/hold_s: must be a whole number"),
        ({"fever": {"hold_s": True}}, "/fever/hold_s: must be a whole number"),
        ({"fever": {"hold_s": -1}}, "/fever/hold_s: must be from 0 to 43200"),
        ({"fever": {"readings": 0}}, "/fever/readings: must be from 1 to 100"),
        ({"fever": {"skin_c": "37"}}, "/fever/skin_c: must be a number"),
        ({"fever": {"skin_c": float("nan")}}, "/fever/skin_c: must be from 30 to 45"),
        ({"fever": {"skin_c": 98.6}}, "/fever/skin_c: must be from 30 to 45"),
        ({"fever": {"threshold_c": 38}}, "/fever/threshold_c: must be a table"),
        ({"fever": {"threshold_c": {"wrist": 38}}}, "/fever/threshold_c/wrist: must be one of"),
        ({"fever": {"threshold_c": {"oral": 3}}}, "/fever/threshold_c/oral: must be from 30"),
        ({"left_home": {"buffer_m": float("inf")}}, "/left_home/buffer_m: must be from 0 to 10000"),
        (
            {"left_home": {"accuracy_floor_m": 20, "accuracy_limit_m": 10}},
            "/left_home/accuracy_floor_m: must not exceed",
        ),
        ({"watch": {"night_from_h": 7}}, "/watch/night_from_h: must be before night_until_h"),
        ({"watch": {"yellow_bpm": 5}}, "/watch/yellow_bpm: must not exceed red_bpm"),
    ],
)
def test_mistakes_are_named_by_their_place(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(RulebookError) as refusal:
        load({"version": "mine"} | change)
    assert str(refusal.value).startswith(problem)


@pytest.mark.parametrize("version", ["", "x" * 65])
def test_a_version_is_short(version: str) -> None:
    assert load({"version": "x" * 64}).version == "x" * 64
    assert load({"version": "x"}).version == "x"
    with pytest.raises(RulebookError):
        load({"version": version})


def test_figures_that_have_an_order_may_be_equal() -> None:
    assert load({"version": "mine", "watch": {"yellow_bpm": 4}}).watch.yellow_bpm == 4


HOLD, COUNT, CELSIUS, BEATS, PERCENT, METRES = (
    *((0, 43_200), (1, 100), (30, 45), (20, 300), (0, 100), (0, 10_000)),
)
BOUNDS: dict[str, dict[str, tuple[float, float]]] = {
    "runs": {
        "gap_intervals": COUNT,
        "gap_s": (60, 86_400),
        "sparse_interval_s": (60, 604_800),
        "sparse_readings": COUNT,
    },
    "fever": {
        "skin_c": CELSIUS,
        "skin_above_c": (0.3, 5),
        "critical_c": CELSIUS,
        "hold_s": HOLD,
        "readings": COUNT,
        "clear_below_c": (0, 3),
        "clear_s": HOLD,
        "spot_above_c": (0, 3),
        "spot_readings": COUNT,
        "spot_within_s": (60, 604_800),
    },
    "pulse": {
        **dict.fromkeys(("low_bpm", "high_bpm", "very_high_bpm"), BEATS),
        "hold_s": HOLD,
        "readings": COUNT,
        "clear_s": HOLD,
    },
    "oxygen": {
        **dict.fromkeys(("low_pct", "very_low_pct", "clear_pct"), PERCENT),
        "hold_s": HOLD,
        "readings": COUNT,
        "clear_s": HOLD,
    },
    "left_home": {
        "buffer_m": METRES,
        "hold_s": HOLD,
        "fixes": COUNT,
        "near_home_s": HOLD,
        **dict.fromkeys(("accuracy_floor_m", "accuracy_unknown_m", "accuracy_limit_m"), METRES),
    },
    "silent": {
        "intervals": COUNT,
        "at_least_s": (1, 604_800),
        "fragile_age": (0, 150),
        "fragile_share": (1, 100),
        "fragile_intervals": COUNT,
        "fragile_grace_s": (0, 86_400),
        "battery_pct": PERCENT,
    },
    "not_worn": {"hold_s": HOLD, "readings": COUNT, "clear_s": HOLD},
    "battery_low": {"low_pct": PERCENT, "clear_pct": PERCENT},
    "device_fault": {
        "bad_pct": (1, 100),
        "frozen_s": (60, 604_800),
        "frozen_readings": (2, 255),
    },
    "watch": {
        "yellow_bpm": (1, 100),
        "red_bpm": (1, 100),
        "night_from_h": (0, 11),
        "night_until_h": (1, 12),
        "grace_s": (0, 43_200),
    },
}
"""In the units of the file."""


def test_every_figure_has_bounds() -> None:
    figures = {name: {*keys} - {"threshold_c"} for name, keys in SHIPPED.items() if keys != VERSION}
    assert {name: {*keys} for name, keys in BOUNDS.items()} == figures


@pytest.mark.parametrize(
    ("section", "key", "bounds"),
    [(section, key, each) for section, keys in BOUNDS.items() for key, each in keys.items()],
)
def test_figures_are_taken_up_to_their_bounds(
    section: str, key: str, bounds: tuple[float, float]
) -> None:
    low, high = bounds
    step = {"c": 0.01, "m": 0.1}.get(key.rpartition("_")[2], 1)
    said = f"/{section}/{key}: must be from {low:g} to {high:g}"
    for value, taken in ((low, True), (low - step, False), (high, True), (high + step, False)):
        problems = ""
        try:
            load({"version": "mine", section: {key: value}})
        except RulebookError as refusal:
            problems = str(refusal)
        # At its bound a figure may exceed another, which is not its bounds' business.
        assert (said in problems) is not taken
        assert ("must be from" in problems) is not taken


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(RulebookError) as refusal:
        load({"fever": {"hold_s": -1, "skin_c": 0}, "silent": {"x": 1}})
    assert str(refusal.value).count("; ") == 3
