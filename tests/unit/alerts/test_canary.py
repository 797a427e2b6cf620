import json

from alerts.canary import DEVICE, MOST_IN_A_MESSAGE, TOPIC, Canary, Sighting, body, payload
from domain.instant import parse_rfc3339
from ingest.reading_shape import MAX_BYTES

AT = parse_rfc3339("2026-02-03T04:05:06.123456Z")


def test_a_full_message_is_one_that_a_device_may_send() -> None:
    longest = Canary(2**31 - 1, "m" * 32, AT)
    assert len(payload([longest] * MOST_IN_A_MESSAGE)) <= MAX_BYTES
    assert f"doorstep/v1/devices/{DEVICE}/readings" == TOPIC


def test_what_is_told_does_not_say_the_mark() -> None:
    sighting = Sighting(17, 3, "第三", "secret", AT, AT + 1)
    told = body(sighting)
    assert json.loads(told) == {
        "type": "canary",
        "grid": "第三",
        "sent_at": "2026-02-03T04:05:06.123456Z",
        "stored_at": "2026-02-03T04:05:06.123457Z",
    }
    assert sighting.id == "canary_17"
