"""Real recordings, made by nobody here: a morning's walk, and a healthy person's skin."""

import csv
import math
from datetime import datetime
from pathlib import Path

from domain.instant import SECOND_US, from_datetime
from doorstep.clock import SystemClock
from tests.acceptance import publishing, stored
from tests.services import doorstep
from tests.services.brokers import Broker

DATA = Path(__file__).parents[3] / "shared" / "data"
RADIUS_M = 50.0
BUFFER_M = 20.0
UNKNOWN_ACCURACY_M = 50.0
HOLD_US = 120 * SECOND_US


def _fixes() -> list[tuple[int, float, float]]:
    lines = (DATA / "geolife_000_20081024.plt").read_text().splitlines()[6:]
    return [
        (_at(day, clock), float(lat), float(lon))
        for lat, lon, _, _, _, day, clock in csv.reader(lines)
    ]


def _at(day: str, clock: str) -> int:
    return from_datetime(datetime.fromisoformat(f"{day}T{clock}+00:00"))


def _metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Great-circle distance on a sphere, within 0.5 % of the ellipsoid's."""
    lat_a, lon_a, lat_b, lon_b = map(math.radians, (*a, *b))
    half = math.sin((lat_b - lat_a) / 2) ** 2
    half += math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * 6_371_000 * math.asin(math.sqrt(half))


def _first_sustained_outside(fixes: list[tuple[int, float, float]]) -> int:
    """The first fix of the first two minutes spent outside without a fix inside."""
    home = fixes[0][1:]
    since: int | None = None
    for at, lat, lon in fixes:
        if _metres(home, (lat, lon)) - UNKNOWN_ACCURACY_M <= RADIUS_M + BUFFER_M:
            since = None
        elif since is None:
            since = at
        elif at - since >= HOLD_US:
            return since
    raise AssertionError("the recording never leaves")


async def test_a_real_departure_raises_one_left_home(
    database: str, broker: Broker, tmp_path: Path
) -> None:
    now = SystemClock().now()
    fixes = _fixes()
    shift = now - fixes[-1][0]
    document = publishing.roster(now, 1)
    document["episodes"][0]["home"] = {"lat": fixes[0][1], "lon": fixes[0][2], "radius_m": RADIUS_M}
    doorstep.import_roster(database, document)
    messages = [
        publishing.encoded("w-0000", [publishing.reading(at + shift, lat=lat, lon=lon)])
        for at, lat, lon in fixes
    ]
    with doorstep.ingest(database, broker.url, tmp_path, MQTT__PROTOCOL=broker.protocol):
        await publishing.publish(broker.port, messages, in_flight=1)
        stored.wait_for(database, "SELECT count(*) FROM reading", len(fixes))
        stored.wait_for(database, "SELECT count(*) FROM late_work", 0)
    found = stored.rows(
        database,
        "SELECT rule, condition, (extract(epoch FROM onset_at) * 1000000)::bigint FROM alert",
    )
    truth = _first_sustained_outside(fixes) + shift
    assert [(rule, condition) for rule, condition, _ in found] == [("left_home", "active")]
    assert abs(found[0][2] - truth) <= HOLD_US


async def test_a_healthy_wrist_is_no_fever(database: str, broker: Broker, tmp_path: Path) -> None:
    now = SystemClock().now()
    doorstep.import_roster(database, publishing.roster(now, 1, site="wrist"))
    with (DATA / "emotibit_skin_temperature.csv").open() as file:
        values = [float(value) for _, value in csv.reader(file)]
    messages = [
        publishing.encoded(
            "w-0000",
            [
                publishing.reading(
                    now - (len(values) - n) * SECOND_US, temperature_c=value, site="wrist"
                )
            ],
        )
        for n, value in enumerate(values)
    ]
    with doorstep.ingest(database, broker.url, tmp_path, MQTT__PROTOCOL=broker.protocol):
        await publishing.publish(broker.port, messages, in_flight=1)
        stored.wait_for(database, "SELECT count(*) FROM reading", len(values))
    assert stored.one(database, "SELECT count(*) FROM finding") == 0
    assert stored.one(database, "SELECT count(*) FROM alert") == 0
