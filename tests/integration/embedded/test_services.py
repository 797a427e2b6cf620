"""The servers of the tests do what tests rely on."""

import socket

import aiomqtt
import psycopg
import pytest

from doorstep.embedded.child import wait_until
from tests.services.mosquitto import Mosquitto
from tests.services.nats import Nats
from tests.services.postgres import Postgres
from tests.services.proxy import Proxy

pytestmark = pytest.mark.integration


def test_each_tier_is_migrated_and_is_what_it_says(
    tier_database: str, request: pytest.FixtureRequest
) -> None:
    expected = "plain" if "plain" in request.node.name else "apache"
    with psycopg.connect(tier_database) as connection:
        row = connection.execute("SELECT tier, server_version FROM storage_profile").fetchone()
    assert row is not None
    assert row[0] == expected
    assert int(row[1].split(".")[0]) >= 15


def test_databases_are_new_each_time(database: str, database_server: Postgres) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("CREATE TABLE mine (n int)")
    other = database_server.fresh_database()
    with psycopg.connect(other) as connection:
        assert connection.execute("SELECT to_regclass('mine')").fetchone() == (None,)
    database_server.drop(other)


def test_a_database_keeps_what_was_committed_through_a_kill() -> None:
    with Postgres() as server:
        server.execute("CREATE TABLE kept (n int)")
        server.execute("INSERT INTO kept VALUES (1)")
        server.kill()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(server.url)
        server.start()
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (1,)


@pytest.mark.parametrize("kind", [Mosquitto, Nats])
async def test_a_broker_keeps_a_session_and_its_queue_through_a_kill(
    kind: type[Mosquitto | Nats],
) -> None:
    with kind() as broker:

        def client(name: str) -> aiomqtt.Client:
            return aiomqtt.Client(
                "127.0.0.1", broker.port, identifier=name, clean_session=False, timeout=10
            )

        async with client("reader") as reader:
            await reader.subscribe("t/#", qos=1)
        async with client("writer") as writer:
            for number in range(20):
                await writer.publish("t/x", str(number), qos=1)
        if isinstance(broker, Mosquitto):
            broker.save()
        broker.kill()
        broker.start()
        async with client("reader") as reader:
            got = [await anext(reader.messages) for _ in range(20)]
    assert [bytes(message.payload) for message in got] == [b"%d" % n for n in range(20)]


def test_a_proxy_cuts_refuses_and_loses(database_server: Postgres) -> None:
    with Proxy(database_server.port) as proxy:
        url = database_server.url_of("postgres", proxy.port)
        with psycopg.connect(url, autocommit=True) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
            proxy.cut()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", proxy.port), timeout=1)
        proxy.accept()
        with psycopg.connect(url, autocommit=True) as connection:
            assert connection.execute("SELECT 2").fetchone() == (2,)
        assert proxy.accepted == 2


def test_a_lost_reply_is_not_a_lost_request(database_server: Postgres, database: str) -> None:
    name = database.rpartition("/")[2]
    with Proxy(database_server.port) as proxy:
        connection = psycopg.connect(database_server.url_of(name, proxy.port), autocommit=True)
        connection.execute("CREATE TABLE kept (n int)")
        proxy.lose_replies()
        connection.pgconn.send_query(b"INSERT INTO kept VALUES (1)")
        with psycopg.connect(database, autocommit=True) as witness:
            assert wait_until(lambda: _rows(witness) == [(1,)], 5)
        proxy.cut()
        connection.close()


def _rows(connection: psycopg.Connection) -> list[tuple[int]]:
    return connection.execute("SELECT n FROM kept").fetchall()
