import json
import re
from typing import Any

import pytest

from domain.instant import DAY_US, parse_rfc3339
from domain.reading import Site
from simulator.city import City, build, roster
from simulator.noise import Noise
from tests.unit.simulator.worlds import START_AT, distance_m


def _city(wearers: int, seed: int = 1) -> City:
    return build(Noise.of("city", seed), wearers)


def _roster(wearers: int, seed: int = 1) -> dict[str, Any]:
    return roster(_city(wearers, seed), START_AT, 60)


def _ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


@pytest.mark.parametrize(("wearers", "grids", "communities"), [(1, 1, 1), (60, 2, 1), (400, 14, 2)])
def test_it_is_closed_and_has_the_parts_of_the_contract(
    wearers: int, grids: int, communities: int
) -> None:
    document = _roster(wearers)
    counts = {part: len(items) for part, items in document.items()}
    assert counts == {
        "communities": communities,
        "grids": grids,
        "staff": grids + communities,
        "people": wearers,
        "devices": wearers,
        "episodes": wearers,
        "assignments": wearers,
    }
    for part in ("communities", "grids", "staff", "people", "devices", "episodes"):
        assert len({*_ids(document[part])}) == counts[part]
    for grid in document["grids"]:
        assert grid["community"] in _ids(document["communities"])
        assert grid["escalate_to"] in _ids(document["staff"])
    for episode in document["episodes"]:
        assert episode["person"] in _ids(document["people"])
        assert episode["grid"] in _ids(document["grids"])
    for assignment in document["assignments"]:
        assert assignment["device"] in _ids(document["devices"])
        assert assignment["episode"] in _ids(document["episodes"])


def test_each_grid_has_a_doctor_and_each_community_a_supervisor() -> None:
    staff = {one["id"]: one for one in _roster(60)["staff"]}
    assert staff["dr-01"]["grids"] == ["grid-01"]
    assert staff["dr-02"]["grids"] == ["grid-02"]
    assert staff["sup-01"]["role"] == "supervisor"
    assert staff["sup-01"]["communities"] == ["c-01"]


def test_ids_are_the_contracts() -> None:
    document = _roster(60)
    assert document["devices"][0]["id"] == "w-000001"
    assert document["people"][59]["id"] == "p-060"
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", one["id"]) for one in document["devices"])


def test_the_same_city_is_the_same_document() -> None:
    assert json.dumps(_roster(60)) == json.dumps(_roster(60))
    assert _roster(60, seed=1)["people"] != _roster(60, seed=2)["people"]


def test_episodes_run_from_the_day_before_for_two_months() -> None:
    episode = _roster(1)["episodes"][0]
    assert parse_rfc3339(episode["starts_at"]) == START_AT - DAY_US
    assert parse_rfc3339(episode["ends_at"]) == START_AT + 60 * DAY_US
    assert _roster(1)["assignments"][0] == {
        "device": "w-000001",
        "episode": "e-001",
        "from": episode["starts_at"],
        "to": None,
    }


def test_there_are_a_few_of_those_who_need_more_care() -> None:
    people = _roster(600)["people"]
    old = sum(2026 - one["birth_year"] > 80 for one in people)
    alone = sum("lives_alone" in one["flags"] for one in people)
    chronic = sum("chronic" in one["flags"] for one in people)
    assert 25 < old < 80
    assert 25 < alone < 80
    assert 50 < chronic < 140
    assert all(18 <= 2026 - one["birth_year"] < 95 for one in people)
    assert {flag for one in people for flag in one["flags"]} <= {
        "lives_alone",
        "disabled",
        "chronic",
    }


def test_no_telephone_can_be_dialled() -> None:
    assert all(one["phone"].startswith("000-") for one in _roster(60)["people"])


def test_sites_are_words_of_the_contract_and_mostly_core_like() -> None:
    devices = _roster(60)["devices"]
    sites = [Site.of(one["site"]) for one in devices]
    assert sites.count(Site.AXILLARY) == 40
    assert sites.count(Site.WRIST) == 20
    assert {one["interval_s"] for one in devices} == {60}


def test_flats_of_a_building_share_a_place_and_buildings_do_not() -> None:
    places = {(one.building, one.lat, one.lon) for one in _city(60).residents}
    assert len(places) == len({building for building, _, _ in places}) == 12
    corners = sorted((lat, lon) for _, lat, lon in places)
    assert distance_m(corners[0], corners[1]) > 50
    assert distance_m(corners[0], corners[-1]) < 1000
