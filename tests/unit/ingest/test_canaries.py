import json
from typing import Any

import pytest

from alerts.canary import DEVICE, TOPIC, Canary, payload
from domain.instant import parse_rfc3339
from domain.people import Device, Roster
from domain.reading import Site
from ingest.canaries import canaries_in
from ingest.reading_shape import read
from ingest.wire import Decoded, decode

AT = parse_rfc3339("2026-02-03T04:05:06.123456Z")
SENT = (Canary(1, "a1", AT), Canary(2**31 - 1, "a1", AT))


def decoded(body: bytes, topic: str = TOPIC) -> Decoded:
    return decode(topic, body, AT, Roster(1, {}, {}, {}), {})


def test_what_is_sent_is_what_comes_in() -> None:
    found = decoded(payload(SENT))
    assert found.canaries == SENT
    assert (found.rows, found.rejections, found.boots, found.unknown_fields) == ([], [], {}, 0)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"boot": None},
        {"seq": None},
        {"seq": 2**31},
        {"boot": "\u00e9"},
        {"measured_at": 1770091506789},
        {"measured_at": "yesterday"},
        {"steps": "none"},
    ],
)
def test_a_message_with_anything_else_in_it_is_a_strangers(spoilt: dict[str, Any]) -> None:
    good, bad = json.loads(payload(SENT))
    found = decoded(json.dumps([good, {**bad, **spoilt}]).encode())
    assert not found.canaries
    assert [each.reason.value for each in found.rejections] == ["unknown_device"]


def test_the_same_words_of_another_device_are_readings() -> None:
    body = payload(SENT)
    assert not decoded(body, "doorstep/v1/devices/w-1/readings").canaries
    readings = read(body)
    assert isinstance(readings[0], list)
    assert canaries_in("w-1", readings[0]) == ()
    assert canaries_in(None, readings[0]) == ()


def test_a_device_of_that_name_is_a_device() -> None:
    device = Device(1, DEVICE, "a", Site.WRIST, 60, spot=False)
    found = decode(TOPIC, payload(SENT), AT, Roster(1, {DEVICE: device}, {}, {}), {})
    assert not found.canaries
    assert {each.reason.value for each in found.rejections} == {"not_assigned"}
