"""The devices' side: sends everything at QoS 1, and keeps each message until it is confirmed.

A message that was not confirmed when the connection broke is sent again on the next one, as a
device does. One thread and paho-mqtt; ids are of one connection, so no confirmation crosses over.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from tests.crash.traffic import Message

IN_FLIGHT = 200
PAUSE_S = 0.3
CALM_WITHIN_S = 30.0
STUCK_S = 20.0
"""A connection on which nothing is confirmed for so long is given up."""


class Publisher:
    """Run `run` in a thread; `confirmed` grows until it holds every message's number."""

    def __init__(self, port: int, messages: Sequence[Message], per_s: float) -> None:
        self._port = port
        self._messages = messages
        self._per_s = per_s
        self._waiting = deque(range(len(messages)))
        self._flying: dict[int, int] = {}
        self._confirmed_at = 0.0
        self.confirmed: set[int] = set()
        self.connections = 0
        self.sent_again = 0
        self.giving_up = threading.Event()
        self._held = threading.Event()
        self._calm = threading.Event()

    @property
    def done(self) -> bool:
        """Whether everything is confirmed."""
        return len(self.confirmed) == len(self._messages)

    def run(self) -> None:
        """Returns when everything is confirmed, or when told to give up."""
        begun_at = time.monotonic()
        while not self.done and not self.giving_up.is_set():
            with suppress(OSError):
                self._one_connection(begun_at)
            self.sent_again += len(self._flying)
            self._waiting.extendleft(sorted(self._flying.values(), reverse=True))
            self._flying = {}
            self.giving_up.wait(PAUSE_S)

    def hurry(self) -> None:
        """Sends the rest as fast as it can."""
        self._per_s = math.inf

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Within, nothing is sent and nothing is on its way."""
        self._calm.clear()
        self._held.set()
        try:
            assert self._calm.wait(CALM_WITHIN_S) or self.done, "the broker confirms nothing"
            yield
        finally:
            self._held.clear()

    def _one_connection(self, begun_at: float) -> None:
        client = Client(CallbackAPIVersion.VERSION2, client_id="all-devices", clean_session=True)
        client.max_inflight_messages_set(IN_FLIGHT)
        client.on_publish = lambda _client, _data, mid, _code, _properties: self._confirm(mid)
        client.connect("127.0.0.1", self._port, keepalive=10)
        self.connections += 1
        self._confirmed_at = time.monotonic()
        while not self.done and not self.giving_up.is_set():
            now = time.monotonic()
            due = min(len(self._messages), (now - begun_at) * self._per_s + 1)
            if self._held.is_set() and not self._flying:
                self._calm.set()
            while client.is_connected() and self._may_send(due):
                number = self._waiting.popleft()
                message = self._messages[number]
                mid = client.publish(message.topic, message.payload, qos=1).mid
                self._flying[mid] = number
            if client.loop(0.01) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return
            if not self._flying and client.is_connected():
                self._confirmed_at = now
            if now - self._confirmed_at > STUCK_S:
                return
        client.disconnect()

    def _may_send(self, due: float) -> bool:
        if self._held.is_set() or len(self._flying) >= IN_FLIGHT:
            return False
        return len(self._waiting) > 0 and self._waiting[0] < due

    def _confirm(self, mid: int) -> None:
        self.confirmed.add(self._flying.pop(mid))
        self._confirmed_at = time.monotonic()
