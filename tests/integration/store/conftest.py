import pytest

from tests.integration.alerts.world import World


@pytest.fixture
def world(tier_database: str) -> World:
    return World(tier_database)
