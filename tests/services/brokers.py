"""A broker with the protocol Doorstep speaks to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.services.mosquitto import Mosquitto
from tests.services.nats import Nats


@dataclass(frozen=True, slots=True)
class Broker:
    """A running broker."""

    server: Mosquitto | Nats
    protocol: str

    @property
    def url(self) -> str:
        """What `DOORSTEP_MQTT_URL` takes."""
        return self.server.url

    @property
    def port(self) -> int:
        """Where it listens on the loopback."""
        return self.server.port


@contextmanager
def started(kind: str) -> Iterator[Broker]:
    """A broker of its own: `mosquitto` (spoken to in MQTT 5) or `nats` (in 3.1.1)."""
    if kind == "mosquitto":
        with Mosquitto() as mosquitto:
            yield Broker(mosquitto, "5")
    else:
        with Nats() as nats:
            yield Broker(nats, "3.1.1")
