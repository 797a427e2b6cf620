"""Alerts over MQTT from `doorstep serve`, heard on real brokers that die, and after it died."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from alerts.delivery import Consumer, Failed, Later, Message
from alerts.feeds import mqtt_line
from alerts.feeds.mqtt import AGAIN_S, SOON_S, MqttFeed
from domain.instant import format_rfc3339
from rules.finding import Rule, Severity
from tests.integration.alerts.world import NOW, World, began, ended, leaks, worsened
from tests.services import doorstep
from tests.services.brokers import Broker, started
from tests.services.doorstep import free_port

WITHIN_S: Final = 30.0
KINDS: Final = ("mosquitto-2.1", "nats")
"""Those that still have what they confirmed when they are killed."""
CLOCK: Final = {"CLOCK__ORIGIN_AT": format_rfc3339(NOW), "CLOCK__FACTOR": "0.000001"}
"""Stands nearly still, so that no deadline passes."""


class Listener:
    """A doctors' system: a session that the broker keeps, and a client that comes back."""

    def __init__(self, port: int) -> None:
        self.had: list[tuple[str, dict[str, Any]]] = []
        """(topic, message), in order."""
        self._news = threading.Condition()
        self._granted = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="doctors", clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._subscribe
        self._client.on_subscribe = lambda *_: self._granted.set()
        self._client.on_message = self._heard
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._granted.wait(WITHIN_S)

    def _subscribe(self, *_: Any) -> None:
        self._client.subscribe("doorstep/v1/grids/+/alerts/+", qos=1)

    def _heard(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        with self._news:
            self.had.append((message.topic, json.loads(message.payload)))
            self._news.notify_all()

    def until(self, *event_ids: int) -> list[dict[str, Any]]:
        """Waits until these events have come; all that came, without what came again."""
        wanted = {f"evt_{each}" for each in event_ids}
        with self._news:
            assert self._news.wait_for(
                lambda: wanted <= {told["id"] for _, told in self.had}, WITHIN_S
            ), self.had
        return list({told["id"]: told for _, told in self.had}.values())

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture(params=KINDS)
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    with started(request.param) as broker:
        yield broker


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    listener = Listener(broker.port)
    yield listener
    listener.close()


@pytest.fixture
def serve(world: World, broker: Broker, tmp_path: Path) -> Iterator[doorstep.Process]:
    with doorstep.serve(world.url, tmp_path, MQTT_URL=broker.url, **CLOCK) as process:
        yield process


def test_new_update_and_end_say_before_and_after(
    world: World, serve: doorstep.Process, listener: Listener
) -> None:
    quiet = world.finding(2, rule=Rule.SILENT, severity=Severity.ROUTINE)
    world.record(began(quiet))
    world.record(ended(quiet, -1))
    new, cleared, end = listener.until(1, 2, 3)
    assert {topic for topic, _ in listener.had} == {"doorstep/v1/grids/grid-2/alerts/alert-1"}
    assert [told["type"] for told in (new, cleared, end)] == ["new", "update", "end"]
    assert new["before"] is None
    assert cleared["before"] == new["after"]
    assert (end["before"]["response"], end["after"]["response"]) == ("open", "closed")
    assert not leaks(json.dumps(listener.had, ensure_ascii=False))
    assert "3206" not in serve.log.read_text()


def test_nothing_is_lost_when_the_broker_is_killed(
    world: World, broker: Broker, serve: doorstep.Process, listener: Listener
) -> None:
    world.raise_alert(1)
    listener.until(1)
    broker.server.kill()
    world.raise_alert(2)
    world.record(worsened(world.finding(1)))
    world.record(worsened(world.finding(2)))
    broker.server.start()
    told = listener.until(1, 2, 3, 4)
    for alert in ("alert-1", "alert-2"):
        of_it = [each for each in told if each["after"]["id"] == alert]
        assert [each["type"] for each in of_it] == ["new", "update"]
    assert serve.process is not None
    assert serve.process.poll() is None


def test_what_happens_while_nobody_serves_is_sent_afterwards(
    world: World, serve: doorstep.Process, listener: Listener
) -> None:
    world.raise_alert(1)
    listener.until(1)
    serve.kill()
    world.raise_alert(2)
    world.raise_alert(3)
    serve.start()
    serve.wait_ready()
    told = listener.until(1, 2, 3)
    assert [each["after"]["grid"] for each in told] == ["grid-1", "grid-2", "grid-3"]


def test_it_is_off_without_a_broker_and_begins_anew(
    world: World, broker: Broker, listener: Listener, tmp_path: Path
) -> None:
    url = broker.url
    with doorstep.serve(world.url, tmp_path, MQTT_URL=url, FEEDS__MQTT="true", **CLOCK):
        world.raise_alert(1)
        listener.until(1)
    with doorstep.serve(world.url, tmp_path, MQTT_URL=url, FEEDS__MQTT="false", **CLOCK):
        assert world.rows("SELECT id FROM subscriber") == []
        world.raise_alert(2)
    with doorstep.serve(world.url, tmp_path, MQTT_URL=url, **CLOCK):
        world.raise_alert(3)
        told = listener.until(3)
    assert [each["after"]["id"] for each in told] == ["alert-1", "alert-3"]


async def test_a_start_is_no_outage_and_a_broker_that_is_not_there_is_one() -> None:
    broker_ = mqtt_line.Broker("127.0.0.1", free_port(), "doorstep-serve-1")
    feed = MqttFeed(broker_, ("5",))
    consumer = Consumer(1, "mqtt", "mqtt", None, {}, ())
    messages = [Message(1, "alert-1", "grid-1", "new", "raised", 1, None, {})]
    assert await feed.send(consumer, messages) == Later(SOON_S)
    async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(feed.run())
        while (answer := await feed.send(consumer, messages)) == Later(SOON_S):
            await asyncio.sleep(0)
        assert answer == Failed("no connection")
        assert await feed.send(consumer, messages) == Later(AGAIN_S)
        running.cancel()
