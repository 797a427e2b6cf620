"""Topics and payloads. What brokers make of them: tests/integration/alerts/test_mqtt_feed.py."""

import json

import pytest

from alerts.delivery import Message
from alerts.feeds.mqtt import canary_topic, payload, topic


@pytest.mark.parametrize(
    ("grid", "level"),
    [
        ("grid-03", "grid-03"),
        ("第三网格", "第三网格"),
        ("a/b", "a%2Fb"),
        ("+", "%2B"),
        ("#", "%23"),
        ("a b", "a%20b"),
        ("a%2Fb", "a%252Fb"),
        ("a\x7f", "a%7F"),
        ("a\u2028b", "a%E2%80%A8b"),
    ],
)
def test_a_grid_is_one_level_and_no_wildcard(grid: str, level: str) -> None:
    assert topic(grid, "alert-1") == f"doorstep/v1/grids/{level}/alerts/alert-1"
    assert canary_topic(grid) == f"doorstep/v1/grids/{level}/canary"


def test_a_message_says_before_and_after_and_has_an_id_that_stays() -> None:
    message = Message(17, "alert-1", "g", "new", "raised", 1, None, {"id": "alert-1", "name": "第"})
    body = payload(message)
    assert json.loads(body) == {
        "type": "new",
        "before": None,
        "after": {"id": "alert-1", "name": "第"},
        "id": "evt_17",
    }
    assert payload(message) == body
