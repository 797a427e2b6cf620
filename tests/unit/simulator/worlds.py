"""Cities for tests, and a judge that knows the contract's thresholds and none of our rules."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

from domain.instant import MINUTE_US, SECOND_US, parse_rfc3339
from simulator import city as cities
from simulator.band import Band
from simulator.encoder import Sample
from simulator.fleet import Fleet, Message, Schedule, bands
from simulator.noise import Noise
from simulator.scenario import SCENARIOS, fates

START_AT = parse_rfc3339("2026-11-23T09:00:00Z")


@dataclass(frozen=True)
class World:
    city: cities.City
    bands: tuple[Band, ...]
    schedule: Schedule

    def fleet(self) -> Fleet:
        return Fleet(self.bands, self.schedule.from_at)


def world(
    scenario: str,
    seed: int = 1,
    wearers: int | None = None,
    interval_s: float = 60,
    from_at: int = START_AT,
) -> World:
    chosen = SCENARIOS[scenario]
    count = wearers or chosen.wearers
    noise = Noise.of("test", scenario, seed)
    city = cities.build(noise, count)
    schedule = Schedule(START_AT, from_at, round(interval_s * SECOND_US))
    fate = fates(chosen, noise, count, START_AT)
    return World(city, bands(city, fate, schedule), schedule)


def messages(fleet: Fleet, until_at: int) -> Iterator[Message]:
    """Everything a fleet says up to the instant, asked exactly when it is due."""
    while (next_at := fleet.next_at) is not None and next_at <= until_at:
        message = fleet.pop(next_at)
        if message is not None:
            yield message


def device_of(message: Message) -> str:
    return message.topic.split("/")[3]


def readings_of(message: Message) -> list[dict[str, object]]:
    content = json.loads(message.payload)
    return content if isinstance(content, list) else [content]


def distance_m(a: tuple[float, float], b: tuple[float, float]) -> float:
    """On a sphere; the simulator itself uses a flat map."""
    lat_a, lon_a, lat_b, lon_b = map(radians, (*a, *b))
    half = sin((lat_b - lat_a) / 2) ** 2 + cos(lat_a) * cos(lat_b) * sin((lon_b - lon_a) / 2) ** 2
    return 2 * 6_371_000 * asin(sqrt(half))


def feverish(sample: Sample) -> bool:
    """Contract section 5: axillary 37.3, skin outright 37.3."""
    return sample.temperature_c is not None and sample.temperature_c >= 37.3


def outside(sample: Sample, home: tuple[float, float], radius_m: float = 50.0) -> bool:
    """Contract section 5, `left_home`, the beacon apart."""
    if sample.lat is None or sample.lon is None:
        return False
    accuracy_m = max(sample.accuracy_m or 50.0, 15.0)
    away_m = distance_m(home, (sample.lat, sample.lon))
    return accuracy_m <= 500 and away_m - accuracy_m > radius_m + 20


def alarming_pulse(sample: Sample) -> bool:
    """NEWS2 points >= 2 at rest."""
    pulse = sample.pulse_bpm
    return pulse is not None and not sample.steps and (0 < pulse <= 40 or pulse >= 111)


def held(samples: Sequence[Sample], judged: Sequence[bool], hold_us: int) -> int | None:
    """The instant at which a run of qualifying samples first lasts so long; None if none does."""
    since: int | None = None
    for sample, yes in zip(samples, judged, strict=True):
        if not yes:
            since = None
        elif since is None:
            since = sample.measured_at
        elif sample.measured_at - since >= hold_us:
            return sample.measured_at
    return None


def minutes(at: int) -> float:
    return (at - START_AT) / MINUTE_US
