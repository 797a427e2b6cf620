"""A broker with the protocol Doorstep speaks to it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from tests.services.mosquitto import DurableMosquitto, Mosquitto
from tests.services.nats import Nats

ANSWERS_WITHIN_S = 10.0
KINDS: dict[str, tuple[Callable[[], Mosquitto | Nats], str]] = {
    "mosquitto": (Mosquitto, "5"),
    "mosquitto-2.1": (DurableMosquitto, "5"),
    "nats": (Nats, "3.1.1"),
}
"""What makes each, and the protocol it is spoken to."""


@dataclass(frozen=True, slots=True)
class Broker:
    """A running broker."""

    server: Mosquitto | Nats
    protocol: str

    @property
    def url(self) -> str:
        """What `DOORSTEP_MQTT_URL` takes."""
        return self.server.url

    def ask(self) -> None:
        """A stranger comes and goes; returns when the broker has answered."""
        asked = Client(CallbackAPIVersion.VERSION2, client_id="a-stranger")
        answered: list[object] = []
        asked.on_connect = lambda *_: answered.append(True)
        asked.connect("127.0.0.1", self.port)
        while not answered:
            assert asked.loop(ANSWERS_WITHIN_S) == MQTTErrorCode.MQTT_ERR_SUCCESS
        asked.disconnect()

    @property
    def port(self) -> int:
        """Where it listens on the loopback."""
        return self.server.port


@contextmanager
def started(kind: str) -> Iterator[Broker]:
    """A broker of its own, of one of the `KINDS`."""
    make, protocol = KINDS[kind]
    with make() as server:
        yield Broker(server, protocol)
