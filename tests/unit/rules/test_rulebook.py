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


def test_the_shipped_file_is_the_default() -> None:
    assert load(SHIPPED) == DEFAULT


@pytest.mark.parametrize("section", ["runs", "fever", "left_home", "silent"])
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


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(RulebookError) as refusal:
        load({"fever": {"hold_s": -1, "skin_c": 0}, "silent": {"x": 1}})
    assert str(refusal.value).count("; ") == 3
