"""Planted words: name, phone, address and position of people are in nothing that leaves or is kept.

Notifications, webhooks, metrics, problems and log lines; MQTT is in test_mqtt_feed.py.
"""

import json
import logging
from pathlib import Path
from typing import Final

import httpx
import pytest

from rules.finding import Rule
from tests.integration.alerts.asking import post
from tests.integration.alerts.receiving import receiving
from tests.integration.alerts.test_notify import contact, give
from tests.integration.alerts.world import World, began, leaks, serving, worsened

PLACE: Final = {"lat": 32.061234, "lon": 118.791234, "home": {"lat": 32.06, "lon": 118.79}}
POSITIONS: Final = ("32.06", "118.79", "320612", "1187912")


def found(text: str) -> list[str]:
    return [*leaks(text), *(each for each in POSITIONS if each in text)]


def test_the_planted_words_would_be_seen() -> None:
    assert found(json.dumps({"name": "王小明", **PLACE})) == ["王小明", "32.06", "118.79"]


def test_nobody_is_named_or_located_in_what_leaves(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with receiving() as receiver, serving(world, tmp_path) as server:
        receiver.answers["/fails"] = (500, {})
        give(world, "dr-1", contact(receiver, "/robot"), contact(receiver, "/fails"))
        give(world, "sup-1", contact(receiver, "/robot"))
        headers = {"Authorization": f"Bearer {world.token('sup-1')}"}
        with httpx.Client(base_url=server.url, headers=headers, timeout=10) as client:
            hook = {"url": receiver.url("/hook"), "grids": ["grid-1"]}
            assert client.post("/api/v1/webhooks", json=hook).status_code == 201
            away = world.finding(1, rule=Rule.LEFT_HOME, detail=json.dumps(PLACE))
            world.record(began(away))
            world.record(worsened(away))
            (first, _) = receiver.wait_for("/robot", 2)
            post(client, "alert-1", "visit")
            receiver.wait_for("/hook", 3)
            said = [client.get(path).text for path in ("/metrics", "/api/v1/webhooks")]
            said += [client.get("/api/v1/alerts/none").text, client.get("/readyz").text]
            said.append(client.get("/api/v1/episodes/e-3").text)
    assert "not at home" in first.body["message"]
    said += [each.raw.decode() for each in receiver.had]
    said += [json.dumps(each.headers) for each in receiver.had]
    # Of our own log: what a test's tools say of their own requests is not ours.
    ours = [record for record in caplog.records if record.name.startswith(("alerts", "store"))]
    assert ours
    said += [json.dumps({k: str(v) for k, v in vars(record).items()}) for record in ours]
    for text in said:
        assert not found(text), text
    assert not [each for each in ("robot", "fails") if each in " ".join(map(str, ours))]
