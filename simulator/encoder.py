"""What a band puts on the wire: one sample, or an array of them, as JSON in UTF-8.

Written from contract section 3 alone and sharing no line with `ingest.wire`, so that the two check
each other. It says what a device says and leaves out what the device does not know.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from domain.instant import SECOND_US, to_datetime
from domain.reading import Site

PAYLOAD_LIMIT: Final = 64 * 1024
"""Bytes of one message, contract section 3."""
READINGS_LIMIT: Final = 1_000
"""Readings of one message, contract section 3."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading as its device would say it; None is left out."""

    measured_at: int
    boot: str | None = None
    seq: int | None = None
    temperature_c: float | None = None
    site: Site | None = None
    pulse_bpm: int | None = None
    spo2_pct: int | None = None
    steps: int | None = None
    lat: float | None = None
    lon: float | None = None
    accuracy_m: float | None = None
    near_home: bool | None = None
    battery_pct: int | None = None
    charging: bool | None = None
    worn: bool | None = None


_PLAIN: Final = (
    "boot",
    "seq",
    "temperature_c",
    "pulse_bpm",
    "spo2_pct",
    "steps",
    "lat",
    "lon",
    "accuracy_m",
    "near_home",
    "battery_pct",
    "charging",
    "worn",
)


def readings_topic(device: str) -> str:
    """Where a device's readings go."""
    return f"doorstep/v1/devices/{device}/readings"


def instant_text(at: int) -> str:
    """RFC 3339 in UTC, always with milliseconds; finer digits are dropped."""
    second, micros = divmod(at, SECOND_US)
    return f"{_second_text(second)}.{micros // 1000:03d}Z"


@lru_cache(maxsize=4096)
def _second_text(second: int) -> str:
    return to_datetime(second * SECOND_US).strftime("%Y-%m-%dT%H:%M:%S")


def document(sample: Sample) -> dict[str, Any]:
    """The sample as a JSON object."""
    out: dict[str, Any] = {"measured_at": instant_text(sample.measured_at)}
    for name in _PLAIN:
        value = getattr(sample, name)
        if value is not None:
            out[name] = value
    if sample.site is not None:
        out["site"] = sample.site.word
    return out


def encode(samples: Sequence[Sample]) -> bytes:
    """One message: an object for one sample, an array for several. The caller keeps the limits."""
    assert 0 < len(samples) <= READINGS_LIMIT
    content = document(samples[0]) if len(samples) == 1 else [document(one) for one in samples]
    payload = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
    assert len(payload) <= PAYLOAD_LIMIT
    return payload
