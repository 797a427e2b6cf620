"""Migration on real databases: whole or not at all, once, by an ordinary owner, on its tier."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import LiteralString
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from alerts.passwords import sha256
from alerts.tokens import Scope
from domain.instant import DAY_US, parse_rfc3339, to_datetime
from store import access, tokens
from store.errors import StoreMismatch, StoreUnreachable
from store.migrate import check_schema, migrate, migrations
from tests.services.postgres import Postgres

NOW = parse_rfc3339("2026-02-03T04:05:06Z")
BEFORE_SCOPES = (
    "WITH made AS (INSERT INTO staff (id, name, role) VALUES ('dr-1', '', 'doctor')"
    " RETURNING staff_no), session AS (INSERT INTO console_session"
    " SELECT %(word)s, staff_no, %(now)s, 'infinity' FROM made)"
    " INSERT INTO api_token SELECT %(word)s, 'dst_befo', staff_no, %(now)s, 'infinity' FROM made"
)
"""Somebody with a session and a token, as migration 0016 left them."""


def test_every_file_is_applied_once_and_the_tier_recorded(tier_server: Postgres) -> None:
    url = tier_server.empty_database()
    first, second = migrate(url, NOW), migrate(url, NOW)
    assert first.names == tuple(migration.name for migration in migrations())
    assert second.names == ()
    with psycopg.connect(url) as connection:
        check_schema(connection)
        has_hypertable = connection.execute(
            "SELECT relkind FROM pg_class WHERE oid = 'reading'::regclass"
        ).fetchone() == ("r",)
    assert (first.tier == "plain") != has_hypertable


def test_tokens_and_sessions_outlive_the_migration_that_limits_them(
    database_server: Postgres,
) -> None:
    url = database_server.empty_database()
    word = sha256("dst_before-there-were-scopes")
    with psycopg.connect(url) as connection:
        for each in migrations():
            if each.name.startswith("0017"):
                connection.execute(BEFORE_SCOPES, {"word": word, "now": to_datetime(NOW)})
            connection.execute(each.sql.encode())
        bearer = tokens.by_sha256(connection, word, NOW)
        assert bearer is not None
        assert (bearer.staff.id, bearer.scope) == ("dr-1", Scope.ACT)
        assert access.by_session(connection, word, NOW) is not None


def owned_by(url: str, name: str, role: LiteralString) -> str:
    """The url of a database of that name whose owner, with these rights, is no superuser."""
    owner, database = sql.Identifier(f"ordinary_{name}"), sql.Identifier(name)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(database))
        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(owner))
        made = sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'x' {}").format(owner, sql.SQL(role))
        connection.execute(made)
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
    parts = urlsplit(url)
    place = parts.netloc.rsplit("@", 1)[-1]
    return urlunsplit(parts._replace(netloc=f"ordinary_{name}:x@{place}", path=f"/{name}"))


def test_an_ordinary_owner_is_enough(tier_server: Postgres) -> None:
    """No superuser: what a hosted database gives. The tier is found all the same."""
    url = tier_server.empty_database()
    tier = migrate(url, NOW).tier
    owned = owned_by(url, "owned", "IN ROLE doorstep_staff, doorstep_carer")
    assert migrate(owned, NOW).tier == tier


def test_an_owner_who_may_not_take_the_roles_of_staff_hears_what_to_do(
    tier_server: Postgres,
) -> None:
    url = tier_server.empty_database()
    migrate(url, NOW)
    owned = owned_by(url, "apart", "")
    with pytest.raises(StoreMismatch, match="GRANT doorstep_staff, doorstep_carer TO ordinary_ap"):
        migrate(owned, NOW)
    with psycopg.connect(owned) as connection, pytest.raises(StoreMismatch, match="no schema yet"):
        check_schema(connection)


def test_databases_of_one_server_make_its_roles_once() -> None:
    """At the same moment, on a server that has none yet, by an owner who may make roles."""
    with Postgres() as server:
        urls = [server.empty_database() for _ in range(4)]
        names = [sql.Identifier(url.rpartition("/")[2]) for url in urls]
        server.execute("CREATE ROLE maker LOGIN CREATEROLE")
        for name in names:
            server.execute(sql.SQL("ALTER DATABASE {} OWNER TO maker").format(name))
        poor = owned_by(urls[0], "poor", "")
        with pytest.raises(StoreMismatch, match="CREATE ROLE doorstep_staff NOLOGIN ROLE ordinary"):
            migrate(poor, NOW)
        with ThreadPoolExecutor(len(urls)) as threads:
            owned = [url.replace("postgres@", "maker@") for url in urls]
            done = list(threads.map(lambda url: len(migrate(url, NOW).names), owned))
        assert done == [len(migrations())] * 4
        with psycopg.connect(owned[0]) as connection:
            connection.execute("SET ROLE doorstep_carer")
            assert connection.execute("SELECT count(*) FROM person").fetchone() == (0,)


def test_two_at_once_take_turns(tier_server: Postgres) -> None:
    url = tier_server.empty_database()
    applied: list[int] = []
    threads = [
        threading.Thread(target=lambda: applied.append(len(migrate(url, NOW).names)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied) == [0, 0, 0, len(migrations())]


def test_partitions_reach_back_as_far_as_a_reading_may_be_late(empty_database: str) -> None:
    migrate(empty_database, NOW)
    with psycopg.connect(empty_database) as connection:
        names = {
            name
            for (name,) in connection.execute(
                "SELECT relid::regclass::text FROM pg_partition_tree('reading') WHERE isleaf"
            )
        }
    assert {"reading_20260103", "reading_20260203", "reading_20260206"} <= names
    migrate(empty_database, NOW + 5 * DAY_US)
    with psycopg.connect(empty_database) as connection:
        connection.execute("SELECT 1 FROM reading_20260211")


def test_a_file_that_was_changed_after_it_was_applied_is_refused(empty_database: str) -> None:
    migrate(empty_database, NOW)
    with psycopg.connect(empty_database) as connection:
        connection.execute("UPDATE schema_migration SET sha256 = 'x' WHERE name LIKE '0002%'")
    with pytest.raises(StoreMismatch, match="0002_readings"):
        migrate(empty_database, NOW)


def test_a_schema_that_is_missing_or_newer_is_told(empty_database: str) -> None:
    with (
        psycopg.connect(empty_database) as connection,
        pytest.raises(StoreMismatch, match="doorstep migrate"),
    ):
        check_schema(connection)
    migrate(empty_database, NOW)
    with psycopg.connect(empty_database) as connection:
        connection.execute("INSERT INTO schema_migration VALUES ('9999_future.sql', 'x')")
        connection.commit()
        with pytest.raises(StoreMismatch, match="newer"):
            check_schema(connection)
    with pytest.raises(StoreMismatch, match="newer"):
        migrate(empty_database, NOW)


def test_a_database_that_is_not_there_cannot_be_reached() -> None:
    with pytest.raises(StoreUnreachable):
        migrate("postgresql://doorstep@127.0.0.1:1/doorstep", NOW)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("temperature_cc", "4501"),
        ("pulse_bpm", "19"),
        ("spo2_pct", "49"),
        ("battery_pct", "101"),
        ("lat_e7", "1"),
        ("accuracy_dm", "-1"),
        ("site", "0"),
        ("datum", "3"),
        ("steps", "-1"),
        ("seq", "-1"),
        ("measured_at", "'infinity'"),
        ("measured_at", "'-infinity'"),
        ("received_at", "'1999-01-01'"),
    ],
)
def test_the_table_refuses_what_the_wire_refuses(database: str, column: str, value: str) -> None:
    values = {
        "device_no": "1",
        "measured_at": "'2026-02-03T04:05:06Z'",
        "digest": "1",
        "episode_no": "1",
        "received_at": "'2026-02-03T04:05:06Z'",
        "batch": "1",
        column: value,
    }
    names, literals = ", ".join(values), ", ".join(values.values())
    with psycopg.connect(database) as connection:
        connection.execute("CREATE TABLE whole (LIKE reading INCLUDING CONSTRAINTS)")
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(f"INSERT INTO whole ({names}) VALUES ({literals})")
