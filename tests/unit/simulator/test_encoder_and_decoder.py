"""Two people read the contract: what the simulator says is what ingestion understands."""

import json

import pytest

from domain.batch import MISSING, READING
from domain.instant import DAY_US, HOUR_US, MINUTE_US, parse_rfc3339
from domain.people import Assignment, Device, Episode, Roster
from domain.reading import Site, centi
from ingest.wire import decode
from simulator.fleet import Message
from tests.unit.simulator.worlds import START_AT, World, device_of, messages, readings_of, world

FIELDS = READING.names or ()


def _roster(played: World) -> Roster:
    ends_at = START_AT + 60 * DAY_US
    numbers = range(1, len(played.bands) + 1)
    return Roster(
        version=1,
        devices={
            band.device: Device(no, band.device, "band-a", band.site, 60, spot=False)
            for no, band in zip(numbers, played.bands, strict=True)
        },
        episodes={no: Episode(no, f"e-{no}", 0, ends_at, None, 1970) for no in numbers},
        assignments={no: (Assignment(no, no, 0, None),) for no in numbers},
    )


def _rows(message: Message, roster: Roster) -> list[dict[str, int]]:
    slots = {(no, no): no for no in roster.episodes}
    decoded = decode(message.topic, message.payload, message.newest_at + 1, roster, slots)
    assert decoded.rejections == []
    assert decoded.unknown_fields == 0
    assert decoded.device_id == device_of(message)
    return [dict(zip(FIELDS, row, strict=True)) for row in decoded.rows]


def _told(reading: dict[str, object], name: str, scale: float = 1) -> int:
    value = reading.get(name)
    if value is None:
        return -1
    assert isinstance(value, int | float)
    return round(value * scale)


@pytest.mark.parametrize("name", ["community", "walkout"])
def test_every_reading_is_understood_as_it_was_meant(name: str) -> None:
    played = world(name)
    roster = _roster(played)
    understood = 0
    for message in messages(played.fleet(), START_AT + 3 * HOUR_US):
        told = readings_of(message)
        rows = _rows(message, roster)
        assert len(rows) == len(told)
        for row, reading in zip(rows, told, strict=True):
            assert row["measured_at"] == parse_rfc3339(str(reading["measured_at"]))
            assert Site(row["site"]).word == reading["site"]
            assert row["temperature_cc"] == centi(float(str(reading["temperature_c"])))
            assert row["seq"] == reading["seq"]
            for field in ("pulse_bpm", "spo2_pct", "steps", "battery_pct", "near_home", "worn"):
                assert row[field] == _told(reading, field), field
            assert row["accuracy_dm"] == pytest.approx(_told(reading, "accuracy_m", 10), abs=1)
            lat = _told(reading, "lat", 1e7) if "lat" in reading else MISSING["lat_e7"]
            assert row["lat_e7"] == pytest.approx(lat, abs=1)
        understood += len(rows)
    assert understood > 170 * len(played.bands)


def test_a_days_upload_after_an_outage_keeps_the_limits() -> None:
    fleet = world("calm", wearers=1).fleet()
    late_at = START_AT + DAY_US - MINUTE_US
    total = 0
    while (message := fleet.pop(late_at)) is not None:
        content = json.loads(message.payload)
        assert len(message.payload) <= 64 * 1024
        assert len(content) <= 1000
        total += len(content)
    assert total == 24 * 60
