import pytest

from domain.instant import DAY_US, HOUR_US, MINUTE_US
from domain.reading import Site
from simulator.band import step, switch_on
from simulator.encoder import Sample
from simulator.incident import Incident, Kind
from simulator.noise import Noise
from simulator.scenario import HORIZON_US, SCENARIOS, fates
from simulator.wearer import local_hour
from tests.unit.simulator import worlds
from tests.unit.simulator.worlds import START_AT, World, world

COMMUNITY = SCENARIOS["community"]


def _incidents(seed: int, wearers: int = 60) -> list[Incident]:
    fate = fates(COMMUNITY, Noise.of("seed", seed), wearers, START_AT)
    return [incident for incidents in fate for incident in incidents]


def _samples(played: World, index: int, until_at: int, step_us: int = MINUTE_US) -> list[Sample]:
    """Uploads of one band, asked once a `step_us`."""
    band = played.bands[index]
    state, samples = switch_on(band, START_AT), list[Sample]()
    for at in range(START_AT, until_at, step_us):
        state, fresh = step(band, state, at)
        samples += fresh
    return samples


def test_the_scenarios_of_the_contract_are_there() -> None:
    assert list(SCENARIOS) == ["calm", "fever", "walkout", "dead-band", "community"]


def test_nobody_has_two_incidents_at_once() -> None:
    for fate in fates(COMMUNITY, Noise.of("seed", 1), 3_000, START_AT):
        ends = START_AT
        for incident in fate:
            assert incident.to_at is not None
            assert ends < incident.from_at < incident.to_at < START_AT + HORIZON_US
            assert incident.kind is not Kind.FLAT or incident.blank_at < incident.to_at
            # Time to recharge, and to be well before the next.
            ends = incident.to_at + 2 * HOUR_US


@pytest.mark.parametrize("seed", range(4))
def test_a_community_has_about_five_incidents_a_day_of_every_kind(seed: int) -> None:
    incidents = _incidents(seed)
    assert 3.5 < len(incidents) / 60 < 6.5
    assert {incident.kind for incident in incidents} == {*Kind}
    first_days = [one for one in incidents if one.from_at < START_AT + 2 * DAY_US]
    assert len(first_days) >= 8


def test_walks_are_by_day() -> None:
    hours = [
        local_hour(one.from_at)
        for seed in range(5)
        for one in _incidents(seed)
        if one.kind is Kind.OUT and one.from_at > START_AT + HOUR_US
    ]
    assert len(hours) > 50
    assert min(hours) >= 8
    assert max(hours) < 20


def test_fates_do_not_depend_on_how_many_others_there_are() -> None:
    noise = Noise.of("seed", 1)
    few, many = (fates(COMMUNITY, noise, count, START_AT) for count in (10, 60))
    assert many[:10] == few


@pytest.mark.parametrize(
    ("name", "kind", "minute"),
    [("fever", "fever", 2), ("walkout", "out", 5), ("dead-band", "dead", 3)],
)
def test_every_third_wearer_has_the_named_incident(name: str, kind: str, minute: int) -> None:
    fate = fates(SCENARIOS[name], Noise.of("seed", 1), 7, START_AT)
    assert [[one.kind.value for one in incidents] for incidents in fate] == [
        [kind] if index % 3 == 0 else [] for index in range(7)
    ]
    begun = [one.from_at for incidents in fate for one in incidents]
    assert [worlds.minutes(at) for at in begun] == [minute, minute + 1, minute + 2]


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_in_the_first_hour_of_a_community_what_was_promised_can_be_noticed(seed: int) -> None:
    """A judge that knows only the contract's figures raises each in time."""
    played = world("community", seed)
    until_at = START_AT + HOUR_US
    fever, walk, dead = (_samples(played, index, until_at) for index in range(3))

    assert played.bands[0].site is Site.AXILLARY
    raised = worlds.held(fever, [worlds.feverish(one) for one in fever], 10 * MINUTE_US)
    assert raised is not None
    assert worlds.minutes(raised) <= 15
    hot = [one.measured_at for one in fever if (one.temperature_c or 0) > 37.8]
    assert worlds.minutes(hot[0]) <= 4

    home = played.bands[1].home
    outside = [worlds.outside(one, home) for one in walk]
    raised = worlds.held(walk, outside, 2 * MINUTE_US)
    assert raised is not None
    assert 7 <= worlds.minutes(raised) <= 10
    away = [one.measured_at for one, out in zip(walk, outside, strict=True) if out]
    assert 22 <= worlds.minutes(away[-1]) <= 25

    assert worlds.minutes(dead[-1].measured_at) < 3


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_in_the_first_hour_of_a_community_nobody_else_is_noticed(seed: int) -> None:
    played = world("community", seed)
    for index in range(3, 60):
        samples = _samples(played, index, START_AT + HOUR_US)
        assert len(samples) >= 59
        home = played.bands[index].home
        for one in samples:
            assert not worlds.feverish(one)
            assert not worlds.outside(one, home)
            assert not worlds.alarming_pulse(one)
            assert (one.battery_pct or 0) > 15
            assert one.worn
