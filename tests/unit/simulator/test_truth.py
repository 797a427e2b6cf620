import json
from typing import Any

import pytest

from domain.instant import DAY_US, HOUR_US, MINUTE_US, SECOND_US, parse_rfc3339
from simulator.band import battery_pct
from simulator.incident import Incident, Kind
from simulator.noise import Noise
from simulator.truth import Spell, render, spells
from simulator.wearer import Wearer, core_c, whereabouts
from tests.unit.simulator.worlds import START_AT, World, world

UNTIL_AT = START_AT + HOUR_US


def _render(played: World, until_at: int = UNTIL_AT) -> dict[str, Any]:
    worn = list(zip(played.city.residents, played.bands, strict=True))
    text = render({"scenario": "community", "complete": True}, played.schedule, worn, until_at)
    content: dict[str, Any] = json.loads(text)
    return content


def _covers(spell: Spell, at: int) -> bool:
    return spell.from_at <= at and (spell.to_at is None or at < spell.to_at)


def _near_an_edge(spell: Spell, at: int) -> bool:
    return min(abs(at - spell.from_at), abs(at - (spell.to_at or at + DAY_US))) <= 2 * SECOND_US


@pytest.mark.parametrize("seed", range(3))
def test_fever_and_out_are_true_exactly_when_body_and_place_say_so(seed: int) -> None:
    played = world("community", seed)
    seen = {"fever": 0, "out": 0}
    for band in played.bands:
        told = spells(band.wearer)
        for incident in band.wearer.incidents:
            assert incident.to_at is not None
            if (
                incident.kind not in (Kind.FEVER, Kind.OUT)
                or incident.from_at > START_AT + 9 * DAY_US
            ):
                continue
            kind = incident.kind.value
            mine = [spell for spell in told if spell.kind == kind]
            step_us = (5 * MINUTE_US if kind == "fever" else 20 * SECOND_US) - 1_000
            for at in range(incident.from_at - HOUR_US, incident.to_at + HOUR_US, step_us):
                if any(_near_an_edge(spell, at) for spell in mine):
                    continue
                true = (
                    core_c(band.wearer, at) >= 37.8
                    if kind == "fever"
                    else whereabouts(band.wearer, at).distance_m > 50
                )
                assert any(_covers(spell, at) for spell in mine) == true
            seen[kind] += 1
    assert min(seen.values()) >= 3


def _spells(*incidents: Incident) -> tuple[Spell, ...]:
    return spells(Wearer(Noise.of("truth", 1), incidents))


def test_dead_offline_and_off_are_true_from_end_to_end() -> None:
    end_at = START_AT + HOUR_US
    assert _spells(Incident(Kind.DEAD, START_AT, None)) == (
        Spell("silent", START_AT, None, (("cause", "dead"),)),
    )
    assert _spells(Incident(Kind.OFFLINE, START_AT, end_at)) == (Spell("late", START_AT, end_at),)
    assert _spells(Incident(Kind.OFF, START_AT, end_at)) == (Spell("not_worn", START_AT, end_at),)


def test_a_flat_battery_is_low_first_and_silent_then() -> None:
    flat = Incident(Kind.FLAT, START_AT, START_AT + 9 * HOUR_US, onset_s=4 * 3600)
    wearer = Wearer(Noise.of("truth", 1), (flat,))
    low, silent = spells(wearer)
    assert (low.kind, silent.kind) == ("battery_low", "silent")
    assert (
        battery_pct(wearer, low.from_at - SECOND_US)
        > 15
        >= battery_pct(wearer, low.from_at + SECOND_US)
    )
    assert silent.from_at == START_AT + 4 * HOUR_US
    assert low.to_at == silent.to_at == START_AT + 9 * HOUR_US


def test_too_slight_an_illness_is_no_fever() -> None:
    slight = Incident(Kind.FEVER, START_AT, START_AT + DAY_US, size=0.3, onset_s=3600, fall_s=3600)
    assert _spells(slight) == ()


def test_the_file_lists_every_wearer_and_what_was_simulated_of_their_incidents() -> None:
    told = _render(world("community"))
    assert (told["truth"], told["scenario"], told["complete"]) == (1, "community", True)
    assert parse_rfc3339(told["start"]) == parse_rfc3339(told["from"]) == START_AT
    assert parse_rfc3339(told["until"]) == UNTIL_AT
    assert len(told["wearers"]) == 60
    first = told["wearers"][0]
    assert {key: first[key] for key in ("person", "episode", "device", "grid", "site")} == {
        "person": "p-001",
        "episode": "e-001",
        "device": "w-000001",
        "grid": "grid-01",
        "site": "axillary",
    }
    kinds = [[one["kind"] for one in wearer["incidents"]] for wearer in told["wearers"]]
    assert kinds[:3] == [["fever"], ["out"], ["silent"]]
    assert not any(kinds[3:])


def test_what_lasts_beyond_the_end_has_no_end() -> None:
    told = _render(world("community"))
    fever, out, silent = (wearer["incidents"][0] for wearer in told["wearers"][:3])
    assert fever["to"] is None
    assert silent["to"] is None
    assert 18 < (parse_rfc3339(out["to"]) - parse_rfc3339(out["from"])) / MINUTE_US < 20


def test_what_was_over_before_the_first_reading_is_not_told() -> None:
    later = world("community", from_at=START_AT + 30 * MINUTE_US)
    kinds = [[one["kind"] for one in wearer["incidents"]] for wearer in _render(later)["wearers"]]
    assert kinds[:3] == [["fever"], [], ["silent"]]
