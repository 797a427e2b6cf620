"""The devices' side: sends everything at QoS 1, and keeps each message until it is receipted.

A device of the contract (docs/wire-format.md, "Receipts"), less patient than a real one. A message
is sent again when the connection broke before the broker confirmed it; when a receipt names one of
its numbers missing; and, the oldest of its device, when that device has neither sent nor heard
anything for a while: receipts are lost with whoever is killed. A quiet device asks with one
message, as each receipt speaks of all that came before. Poison has no number, so a confirmation is
all that a device can wait for.

One thread and paho-mqtt; ids are of one connection, so no confirmation crosses over.
"""

import math
import threading
import time
from array import array
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from simulator import receipt
from tests.crash.traffic import BOOT, Message

IN_FLIGHT = 200
PAUSE_S = 0.3
CALM_WITHIN_S = 30.0
STUCK_S = 20.0
"""A connection on which nothing is confirmed for so long is given up."""
AGAIN_S = 5.0
"""What was sent may be on its way for so long, before a receipt that names it is believed."""
PATIENCE_S = 15.0
"""Of a quiet device. 500 devices a second are told, so many thousands may have to ask twice."""
LOOK_S = 1.0
"""Between two looks for quiet devices."""
RECEIPTS_QOS = 1


@dataclass(slots=True)
class Device:
    """What one device holds, and what it has heard."""

    held: set[int] = field(default_factory=set)
    """Messages sent and not receipted."""
    covered: int = 0
    """Numbers that any receipt covered, a bit each."""
    quiet_since: float = 0.0


class Publisher:
    """Run `run` in a thread; it ends when every message is receipted, and all poison confirmed."""

    def __init__(self, port: int, messages: Sequence[Message], per_s: float) -> None:
        self._port = port
        self._messages = messages
        self._per_s = per_s
        self._waiting = deque(range(len(messages)))
        self._flying: dict[int, int] = {}
        self._sent_at = array("d", bytes(8 * len(messages)))
        self._confirmed_at = 0.0
        self._looked_at = 0.0
        self.devices: defaultdict[str, Device] = defaultdict(Device)
        self.confirmed = bytearray(len(messages))
        """By message, whether the broker took it."""
        self.open = bytearray(b"\1") * len(messages)
        """By message, whether anything is still to be heard of it."""
        self._open_count = len(messages)
        self.connections = 0
        self.receipts = 0
        self.sent_again = {"unconfirmed": 0, "missing": 0, "quiet": 0}
        """How many messages were, by why."""
        self.giving_up = threading.Event()
        self.upto = len(messages)
        """Those after so many are not sent yet."""
        self._held = threading.Event()
        self._calm = threading.Event()

    @property
    def done(self) -> bool:
        """Whether everything is receipted, and what has no number confirmed."""
        return self._open_count == 0

    @property
    def idle(self) -> bool:
        """Whether everything was sent at least once."""
        return self._sent_at[-1] > 0

    def run(self) -> None:
        """Returns when it is done, or when told to give up."""
        begun_at = time.monotonic()
        while not self.done and not self.giving_up.is_set():
            with suppress(OSError):
                self._one_connection(begun_at)
            unconfirmed = {number for number in self._flying.values() if self.open[number]}
            self.sent_again["unconfirmed"] += len(unconfirmed)
            self._waiting.extendleft(sorted(unconfirmed, reverse=True))
            self._flying = {}
            self.giving_up.wait(PAUSE_S)

    def hurry(self) -> None:
        """Sends the rest as fast as it can."""
        self._per_s = math.inf
        self.upto = len(self._messages)

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
        client.on_connect = _subscribe
        client.on_publish = lambda _client, _data, mid, _code, _properties: self._confirm(mid)
        client.on_message = lambda _client, _data, message: self._hear(message)
        client.connect("127.0.0.1", self._port, keepalive=10)
        self.connections += 1
        self._confirmed_at = time.monotonic()
        while not self.done and not self.giving_up.is_set():
            now = time.monotonic()
            due = min(self.upto, (now - begun_at) * self._per_s + 1)
            if self._held.is_set() and not self._flying:
                self._calm.set()
            self._ask_for_quiet_devices(now)
            while client.is_connected() and self._may_send(due):
                self._send(client, self._waiting.popleft(), now)
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

    def _send(self, client: Client, number: int, now: float) -> None:
        if not self.open[number]:
            return  # receipted while it waited to be sent again
        message = self._messages[number]
        if message.count:
            device = self.devices[message.device]
            device.held.add(number)
            device.quiet_since = now
        self._sent_at[number] = now
        self._flying[client.publish(message.topic, message.payload, qos=1).mid] = number

    def _confirm(self, mid: int) -> None:
        number = self._flying.pop(mid)
        self.confirmed[number] = True
        self._confirmed_at = time.monotonic()
        if not self._messages[number].count:
            self._close(number)

    def _hear(self, message: MQTTMessage) -> None:
        """A receipt. One that is not understood is none, so that its device goes on waiting."""
        told, device_id = receipt.decode(bytes(message.payload)), receipt.device_of(message.topic)
        if told is None or told.boot != BOOT or device_id is None:
            return
        self.receipts += 1
        now = time.monotonic()
        missing = 0
        for begin, end in told.missing:
            missing |= numbers(begin, end)
        device = self.devices[device_id]
        device.covered |= numbers(1, told.seq) & ~missing
        device.quiet_since = now
        for number in sorted(device.held):
            readings = self._messages[number].numbers & ~device.covered
            if not readings:
                device.held.remove(number)
                self._close(number)
            elif readings & missing and now - self._sent_at[number] > AGAIN_S:
                self._again("missing", number, now)

    def _close(self, number: int) -> None:
        self._open_count -= self.open[number]
        self.open[number] = False

    def _ask_for_quiet_devices(self, now: float) -> None:
        if now - self._looked_at < LOOK_S:
            return
        self._looked_at = now
        for device in self.devices.values():
            if device.held and now - device.quiet_since > PATIENCE_S:
                device.quiet_since = now
                self._again("quiet", min(device.held), now)

    def _again(self, why: str, number: int, now: float) -> None:
        self.sent_again[why] += 1
        self._sent_at[number] = now
        self._waiting.appendleft(number)


def _subscribe(client: Client, *_: object) -> None:
    client.subscribe(receipt.TOPIC, RECEIPTS_QOS)


def numbers(begin: int, end: int) -> int:
    """The numbers from begin to end, both included, a bit each."""
    return (1 << (end + 1)) - (1 << begin)
