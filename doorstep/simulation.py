"""Composes a simulated city, a clock and a publisher from flags and settings, and runs them.

What is simulated is in `simulator`; here are the files, the signals and the time of day.
"""

import asyncio
import json
import signal
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Final

import typer

from domain.instant import HOUR_US, SECOND_US
from doorstep.settings import ConfigurationError, Settings
from ingest.sources.address import SourceSettings
from simulator import city as cities
from simulator import held, truth
from simulator.band import Band
from simulator.fleet import Fleet, Schedule, bands
from simulator.noise import Noise
from simulator.pace import CatchUp, Clock
from simulator.publisher import Broker, Publisher, Tally
from simulator.scenario import HORIZON_US, Scenario, fates

DEFAULT_HISTORY_US: Final = 6 * HOUR_US
"""How far back `--speed` begins when neither `--duration` nor `--start` says."""
_ON_THE_WAY_US: Final = 5 * SECOND_US


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for; instants and durations in microseconds, None: not said."""

    scenario: Scenario
    wearers: int
    seed: int
    rate: float | None = None
    speed: float = 1.0
    duration_us: int | None = None
    start_at: int | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """When everything happens, by which clock, and `speed` simulated seconds to a real one."""

    schedule: Schedule
    until_at: int | None
    clock: Clock
    speed: float
    patience_us: int
    """How long bands wait for a receipt, on `clock`."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """A city with its bands, ready to run."""

    options: Options
    run: Run
    city: cities.City
    bands: tuple[Band, ...]


def plan(options: Options, base: Clock, base_speed: float) -> Run:
    """Fixes the instants. With `speed` beyond 1 it begins in the past and ends when it is now."""
    now = base.now() // 1000 * 1000  # whole milliseconds, as on the wire and in the roster
    speed = base_speed * options.speed
    interval_us = round(options.scenario.interval_s * SECOND_US)
    if options.rate is not None:
        interval_us = max(1_000, round(options.wearers * speed / options.rate * SECOND_US))
    patience_us = _patience_us(options.speed, speed)
    if options.speed <= 1.0:
        until_at = None if options.duration_us is None else now + options.duration_us
        start_at = now if options.start_at is None else options.start_at
        return Run(Schedule(start_at, now, interval_us), until_at, base, speed, patience_us)
    from_at = now - (options.duration_us or _history_us(options, now))
    start_at = from_at if options.start_at is None else options.start_at
    clock = CatchUp(base, now, from_at, options.speed)
    schedule = Schedule(start_at, from_at, interval_us)
    return Run(schedule, clock.meets_at, clock, speed, patience_us)


def _patience_us(ahead: float, speed: float) -> int:
    """The service's own clock runs `ahead` times slower than the bands', and so do its receipts.

    On the way they take real time, of which `speed` simulated seconds pass in one.
    """
    return round(held.PATIENCE_US * ahead + _ON_THE_WAY_US * speed)


def _history_us(options: Options, now: int) -> int:
    if options.start_at is None:
        return DEFAULT_HISTORY_US
    return max(SECOND_US, now - options.start_at)


def simulation(options: Options, run: Run) -> Simulation:
    """The same options and start are the same people with the same fates."""
    noise = Noise.of("doorstep", options.scenario.name, options.seed)
    city = cities.build(noise, options.wearers)
    fate = fates(options.scenario, noise, options.wearers, run.schedule.start_at)
    return Simulation(options, run, city, bands(city, fate, run.schedule))


def write_roster(simulated: Simulation, path: Path) -> None:
    """The roster document of the city; `-` is standard output."""
    schedule = simulated.run.schedule
    interval_s = max(1, ceil(schedule.interval_us / SECOND_US))
    document = cities.roster(simulated.city, schedule.start_at, interval_s)
    _write(path, json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def write_truth(simulated: Simulation, path: Path, until_at: int | None = None) -> None:
    """What really happened until `until_at`; without it what is planned, marked incomplete."""
    run, options = simulated.run, simulated.options
    end_at = until_at or run.until_at or run.schedule.start_at + HORIZON_US
    head = {
        "scenario": options.scenario.name,
        "seed": options.seed,
        "complete": until_at is not None,
    }
    worn = list(zip(simulated.city.residents, simulated.bands, strict=True))
    _write(path, truth.render(head, run.schedule, worn, end_at))


def reached(run: Run) -> int:
    """The simulated instant it is now, at most the end."""
    now = run.clock.now()
    return now if run.until_at is None else min(now, run.until_at)


def _write(path: Path, text: str) -> None:
    if str(path) == "-":
        typer.echo(text, nl=False)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error


def broker(settings: Settings) -> Broker:
    """Where to publish, from the same settings as ingestion. Raises `ConfigurationError`."""
    mqtt = settings.mqtt
    try:
        source = SourceSettings(
            url=settings.mqtt_url,
            client_id=mqtt.client_id,
            username=mqtt.username,
            password=mqtt.password,
            ca_file=None if mqtt.ca_file is None else str(mqtt.ca_file),
        )
        address, tls = source.address(), source.tls_context()
    except ValueError as error:
        raise ConfigurationError(f"mqtt_url: {error}") from error
    return Broker(address.host, address.port, address.username, address.password, tls)


async def publish(simulated: Simulation, to: Broker) -> Tally:
    """Publishes until done, or until SIGINT or SIGTERM. Raises `BrokerUnreachable`."""
    run = simulated.run
    fleet = Fleet(simulated.bands, run.schedule.from_at, run.patience_us)
    publisher = Publisher(to, fleet, run.clock, run.speed)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, publisher.stop)
    return await publisher.run(run.until_at)
