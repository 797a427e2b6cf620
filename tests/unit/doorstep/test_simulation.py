import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from domain.instant import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from doorstep.settings import ConfigurationError, load_settings
from doorstep.simulation import (
    DEFAULT_HISTORY_US,
    Options,
    broker,
    plan,
    reached,
    simulation,
    write_roster,
    write_truth,
)
from simulator.scenario import SCENARIOS

NOW = 1_770_091_506_789_000


@dataclass
class Hands:
    at: int = NOW

    def now(self) -> int:
        return self.at


def _options(
    rate: float | None = None,
    speed: float = 1.0,
    duration_us: int | None = None,
    start_at: int | None = None,
) -> Options:
    return Options(SCENARIOS["calm"], 10, 1, rate, speed, duration_us, start_at)


def test_by_default_it_begins_now_and_never_ends() -> None:
    run = plan(_options(), Hands(NOW + 123), 1.0)
    assert (run.schedule.start_at, run.schedule.from_at, run.until_at) == (NOW, NOW, None)
    assert run.schedule.interval_us == MINUTE_US


def test_a_start_in_the_past_is_gone_on_with_from_now() -> None:
    run = plan(_options(start_at=NOW - DAY_US, duration_us=HOUR_US), Hands(), 1.0)
    assert (run.schedule.start_at, run.schedule.from_at) == (NOW - DAY_US, NOW)
    assert run.until_at == NOW + HOUR_US


def test_a_rate_is_of_all_wearers_in_real_seconds() -> None:
    assert plan(_options(rate=100), Hands(), 1.0).schedule.interval_us == SECOND_US // 10
    accelerated = plan(_options(rate=100), Hands(), 60.0)
    assert accelerated.schedule.interval_us == 6 * SECOND_US
    assert accelerated.speed == 60.0
    # No two readings of a band share a millisecond.
    assert plan(_options(rate=1e9), Hands(), 1.0).schedule.interval_us == 1_000


@pytest.mark.parametrize(
    ("duration_us", "start_at", "from_at"),
    [
        (None, None, NOW - DEFAULT_HISTORY_US),
        (HOUR_US, None, NOW - HOUR_US),
        (None, NOW - DAY_US, NOW - DAY_US),
        (HOUR_US, NOW - DAY_US, NOW - HOUR_US),
    ],
)
def test_speed_begins_in_the_past_and_ends_when_it_is_now(
    duration_us: int | None, start_at: int | None, from_at: int
) -> None:
    hands = Hands()
    run = plan(_options(speed=61.0, duration_us=duration_us, start_at=start_at), hands, 1.0)
    assert run.schedule.from_at == from_at == run.clock.now()
    assert run.schedule.start_at == (from_at if start_at is None else start_at)
    assert run.until_at == NOW + (NOW - from_at) // 60
    hands.at = run.until_at
    assert run.clock.now() == run.until_at
    hands.at += HOUR_US
    assert reached(run) == run.until_at


def test_the_files_are_written_and_say_when_they_are_only_a_plan(tmp_path: Path) -> None:
    simulated = simulation(_options(), plan(_options(), Hands(), 1.0))
    write_roster(simulated, tmp_path / "roster.json")
    write_truth(simulated, tmp_path / "truth.json")
    assert len(json.loads((tmp_path / "roster.json").read_text())["devices"]) == 10
    told = json.loads((tmp_path / "truth.json").read_text())
    assert (told["complete"], told["seed"], len(told["wearers"])) == (False, 1, 10)
    write_truth(simulated, tmp_path / "truth.json", NOW + HOUR_US)
    assert json.loads((tmp_path / "truth.json").read_text())["complete"] is True


def test_a_file_that_cannot_be_written_is_a_configuration_error(tmp_path: Path) -> None:
    simulated = simulation(_options(), plan(_options(), Hands(), 1.0))
    with pytest.raises(ConfigurationError, match="cannot write"):
        write_truth(simulated, tmp_path / "no" / "truth.json")


def test_the_brokers_address_comes_from_the_settings() -> None:
    settings = load_settings({"mqtt_url": "mqtt://u:p%40@broker:1884"})
    found = broker(settings)
    assert (found.host, found.port, found.username, found.password) == ("broker", 1884, "u", "p@")
    assert found.tls is None
    assert broker(load_settings({"mqtt_url": "mqtts://broker"})).tls is not None
    with pytest.raises(ConfigurationError, match="mqtt_url"):
        broker(load_settings({"mqtt_url": "mqtt://broker/path"}))
