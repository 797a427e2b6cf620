import json

import pytest

from domain.instant import parse_rfc3339
from domain.reading import Site
from simulator.encoder import Sample, document, encode, instant_text, readings_topic

AT = parse_rfc3339("2026-02-03T04:05:06.789Z")
FULL = Sample(
    measured_at=AT,
    boot="a1",
    seq=1017,
    temperature_c=36.7,
    site=Site.WRIST,
    pulse_bpm=72,
    spo2_pct=97,
    steps=0,
    lat=32.0603,
    lon=118.7969,
    accuracy_m=12.0,
    near_home=True,
    battery_pct=80,
    charging=False,
    worn=True,
)


def test_the_example_of_the_contract() -> None:
    assert json.loads(encode([FULL])) == {
        "measured_at": "2026-02-03T04:05:06.789Z",
        "boot": "a1",
        "seq": 1017,
        "temperature_c": 36.7,
        "site": "wrist",
        "pulse_bpm": 72,
        "spo2_pct": 97,
        "steps": 0,
        "lat": 32.0603,
        "lon": 118.7969,
        "accuracy_m": 12.0,
        "near_home": True,
        "battery_pct": 80,
        "charging": False,
        "worn": True,
    }


def test_what_a_device_does_not_know_is_left_out() -> None:
    assert document(Sample(AT, pulse_bpm=0)) == {
        "measured_at": "2026-02-03T04:05:06.789Z",
        "pulse_bpm": 0,
    }


def test_several_readings_are_an_array_in_order() -> None:
    content = json.loads(encode([FULL, Sample(AT + 1_000, worn=False)]))
    assert [reading["measured_at"][-5:] for reading in content] == [".789Z"[-5:], ".790Z"]


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (AT + 999, "2026-02-03T04:05:06.789Z"),
        (parse_rfc3339("2026-02-03T04:05:06Z"), "2026-02-03T04:05:06.000Z"),
    ],
)
def test_instants_always_have_milliseconds(at: int, text: str) -> None:
    assert instant_text(at) == text


def test_the_topic_of_the_contract() -> None:
    assert readings_topic("w-000001") == "doorstep/v1/devices/w-000001/readings"
