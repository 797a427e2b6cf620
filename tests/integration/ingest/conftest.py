"""Every broker with every version of MQTT it is spoken to in."""

from collections.abc import Iterator

import pytest

from tests.integration.ingest.harness import Stage
from tests.services.mosquitto import Mosquitto
from tests.services.nats import Nats


@pytest.fixture(
    params=[(Mosquitto, "5"), (Mosquitto, "3.1.1"), (Nats, "3.1.1")],
    ids=["mosquitto-5", "mosquitto-3.1.1", "nats-3.1.1"],
)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A broker of its own, and the version to speak to it."""
    kind, protocol = request.param
    with kind() as broker:
        yield Stage(broker, protocol)
