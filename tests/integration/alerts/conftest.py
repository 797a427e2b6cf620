from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.integration.alerts.world import Server, World, serving


@pytest.fixture
def world(database: str) -> World:
    return World(database)


@pytest.fixture
def server(world: World, tmp_path: Path) -> Iterator[Server]:
    with serving(world, tmp_path / "console") as server:
        yield server


@pytest.fixture
def client(server: Server, world: World) -> Iterator[httpx.Client]:
    """As dr-1, who looks after grid-1."""
    headers = {"Authorization": f"Bearer {world.token('dr-1')}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=10) as client:
        yield client


@pytest.fixture
def other(server: Server, world: World) -> Iterator[httpx.Client]:
    """As sup-1, who looks after grid-1 too."""
    headers = {"Authorization": f"Bearer {world.token('sup-1')}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=10) as client:
        yield client
