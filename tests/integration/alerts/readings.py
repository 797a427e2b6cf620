"""Puts readings of one person into a world's database, beside the rules."""

from collections.abc import Sequence

import psycopg

from domain.instant import DAY_US, to_datetime
from store.partitions import make_partitions
from tests.integration.alerts.world import NOW, World, minute


def store_readings(
    world: World,
    n: int,
    rows: Sequence[tuple[float, int, float]],
    device: int | None = None,
    batch: int = 1,
) -> None:
    """(minutes since NOW, centi-degrees, degrees north of home) of episode n."""
    with psycopg.connect(world.url) as connection, connection.cursor() as cursor:
        days = sorted({minute(at) // DAY_US for at, _, _ in rows})
        make_partitions(cursor, NOW, days)
        cursor.executemany(
            "INSERT INTO reading (device_no, measured_at, digest, episode_no, received_at, batch,"
            " temperature_cc, pulse_bpm, lat_e7, lon_e7, accuracy_dm, datum)"
            " SELECT device_no, %s, %s, episode_no, %s, %s, %s, 70, %s, %s, 100, 0"
            " FROM device, episode WHERE device.id = %s AND episode.id = %s",
            [
                (
                    to_datetime(minute(at)),
                    index,
                    to_datetime(minute(at)),
                    batch,
                    temperature_cc,
                    round((32.06 + north) * 1e7),
                    1_187_900_000,
                    f"w-{device or n}",
                    f"e-{n}",
                )
                for index, (at, temperature_cc, north) in enumerate(rows)
            ],
        )
