"""A broker for each acceptance test: no session outlives the test that made it."""

from collections.abc import Iterator

import pytest

from tests.services.brokers import Broker, started


@pytest.fixture(params=["mosquitto", "nats"])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """Mosquitto by MQTT 5, then the embedded broker by MQTT 3.1.1."""
    with started(request.param) as running:
        yield running
