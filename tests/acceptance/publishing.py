"""A device maker's program, in short: a roster of plain bands, and readings at QoS 1."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from typing import Any

import aiomqtt

from domain.instant import DAY_US, format_rfc3339

HOME = (32.0603, 118.7969)


def roster(now: int, wearers: int, site: str = "axillary", interval_s: int = 60) -> dict[str, Any]:
    """One grid, one doctor, and so many people with a band each; episodes run from a week ago."""
    starts_at, ends_at = format_rfc3339(now - 7 * DAY_US), format_rfc3339(now + 7 * DAY_US)
    return {
        "communities": [{"id": "c-01", "name": "第一社区", "timezone": "Asia/Shanghai"}],
        "grids": [{"id": "grid-01", "community": "c-01", "name": "第一网格"}],
        "staff": [{"id": "dr-01", "name": "值班医生", "role": "doctor", "grids": ["grid-01"]}],
        "people": [
            {"id": f"p-{n:04d}", "name": f"居民{n}", "birth_year": 1970} for n in range(wearers)
        ],
        "devices": [
            {"id": f"w-{n:04d}", "model": "band-a", "site": site, "interval_s": interval_s}
            for n in range(wearers)
        ],
        "episodes": [
            {
                "id": f"e-{n:04d}",
                "person": f"p-{n:04d}",
                "grid": "grid-01",
                "building": "3",
                "starts_at": starts_at,
                "ends_at": ends_at,
                "home": {"lat": HOME[0], "lon": HOME[1], "radius_m": 50},
            }
            for n in range(wearers)
        ],
        "assignments": [
            {"device": f"w-{n:04d}", "episode": f"e-{n:04d}", "from": starts_at, "to": None}
            for n in range(wearers)
        ],
    }


def topic(device: str) -> str:
    """Where a device publishes."""
    return f"doorstep/v1/devices/{device}/readings"


def reading(measured_at: int, **quantities: object) -> dict[str, object]:
    """A reading's JSON."""
    return {"measured_at": format_rfc3339(measured_at), **quantities}


async def publish(
    port: int,
    messages: Iterable[tuple[str, bytes]],
    in_flight: int = 100,
    per_s: float | None = None,
) -> None:
    """Publishes at QoS 1 and returns when the broker has confirmed everything."""
    gate = asyncio.Semaphore(in_flight)

    async def send(client: aiomqtt.Client, where: str, payload: bytes) -> None:
        try:
            await client.publish(where, payload, qos=1, timeout=60)
        finally:
            gate.release()

    async with (
        aiomqtt.Client("127.0.0.1", port, identifier="a-device-maker") as client,
        asyncio.TaskGroup() as tasks,
    ):
        client.pending_calls_threshold = in_flight + 10
        for where, payload in messages:
            await gate.acquire()
            tasks.create_task(send(client, where, payload))
            if per_s is not None:
                await asyncio.sleep(1 / per_s)


def encoded(device: str, readings: Sequence[dict[str, object]]) -> tuple[str, bytes]:
    """A message with one reading or an array."""
    body: object = readings[0] if len(readings) == 1 else list(readings)
    return topic(device), json.dumps(body).encode()
