from collections.abc import AsyncIterator

import pytest

from domain.instant import HOUR_US
from store.outbox import Outbox
from tests.integration.alerts.world import NOW, World


@pytest.fixture
def world(tier_database: str) -> World:
    return World(tier_database)


@pytest.fixture
async def outbox(world: World) -> AsyncIterator[Outbox]:
    """On whose clock it is an hour later than in real time."""
    made = Outbox(world.url, lambda: NOW + HOUR_US)
    yield made
    await made.close()
