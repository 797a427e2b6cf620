"""The fixtures of the real servers. tests/conftest.py hands them to every test.

Servers are started by the first test that asks and live until the last; databases are made for each
test. A test that kills a server starts its own: `with Postgres() as server: ...`.
"""

from collections.abc import Iterator

import pytest

from tests.services.mosquitto import Mosquitto
from tests.services.nats import Nats
from tests.services.postgres import Postgres, Timescale


@pytest.fixture(scope="session")
def database_server() -> Iterator[Postgres]:
    """Plain PostgreSQL 18, from the wheel."""
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def timescale_server() -> Iterator[Timescale]:
    """PostgreSQL with TimescaleDB."""
    with Timescale() as server:
        yield server


@pytest.fixture
def database(database_server: Postgres) -> Iterator[str]:
    """The url of a new, migrated database on plain PostgreSQL."""
    url = database_server.fresh_database()
    yield url
    database_server.drop(url)


@pytest.fixture
def empty_database(database_server: Postgres) -> Iterator[str]:
    """The url of a new database on plain PostgreSQL, without a schema."""
    url = database_server.empty_database()
    yield url
    database_server.drop(url)


@pytest.fixture(params=["plain", "timescale"])
def tier_server(request: pytest.FixtureRequest) -> Postgres:
    """Each storage tier in turn."""
    name = "database_server" if request.param == "plain" else "timescale_server"
    server = request.getfixturevalue(name)
    assert isinstance(server, Postgres)
    return server


@pytest.fixture
def tier_database(tier_server: Postgres) -> Iterator[str]:
    """The url of a new, migrated database, on each storage tier in turn."""
    url = tier_server.fresh_database()
    yield url
    tier_server.drop(url)


@pytest.fixture(scope="session")
def mosquitto() -> Iterator[Mosquitto]:
    """Mosquitto for tests that leave it running; sessions and retained messages stay in it."""
    with Mosquitto() as broker:
        yield broker


@pytest.fixture(scope="session")
def nats() -> Iterator[Nats]:
    """The embedded broker for tests that leave it running."""
    with Nats() as broker:
        yield broker
