"""What the doctor finds at real databases, and through its probe at each storage tier."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from domain.instant import DAY_US, SECOND_US, to_datetime
from doorstep.clock import SystemClock
from store.durability import Durability, examine
from tests.integration.doctor.visiting import nobody_there, visit
from tests.services.mosquitto import Mosquitto
from tests.services.postgres import Postgres

pytestmark = pytest.mark.integration

ROLE = "doorstep_ordinary"


def examined(url: str) -> Durability:
    return examine(url, SystemClock().now)


@pytest.fixture
def ordinary(tier_server: Postgres, tier_database: str) -> Iterator[str]:
    """The url of a role that owns nothing and may read the tables."""
    name = tier_database.rpartition("/")[2]
    tier_server.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ROLE)))
    grant = sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}")
    tier_server.execute(grant.format(sql.Identifier(ROLE)), name)
    yield tier_database.replace("postgres@", f"{ROLE}@")
    tier_server.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(ROLE)), name)
    tier_server.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(ROLE)))


def test_both_tiers_pass(tier_database: str, mosquitto: Mosquitto) -> None:
    found = visit(tier_database, mosquitto.url)
    assert (found.code, found.failed()) == (0, set())
    for name in ("version", "schema", "isolation", "tier", "fsync", "full_page_writes", "clock"):
        assert found.verdict(f"database.{name}") == "ok"
    assert found.verdict("database.role") == "warn"


def test_settings_that_lose_commits_fail(mosquitto: Mosquitto) -> None:
    with Postgres("fsync=off", "synchronous_commit=off", "full_page_writes=off") as careless:
        found = visit(careless.fresh_database(), mosquitto.url)
    assert found.code == 1
    assert found.failed() == {
        "database.fsync",
        "database.synchronous_commit",
        "database.full_page_writes",
    }
    assert found.items["database.fsync"]["remedy"] == "Set fsync = on."


def test_a_setting_of_the_database_alone_is_seen(database_server: Postgres, database: str) -> None:
    name = sql.Identifier(database.rpartition("/")[2])
    database_server.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name))
    assert examined(database).synchronous_commit == "off"


def test_an_ordinary_role_is_enough(ordinary: str, tier_server: Postgres) -> None:
    facts = examined(ordinary)
    assert (facts.user, facts.superuser) == (ROLE, False)
    assert facts.schema_problem is None
    assert facts.tier == ("plain" if tier_server.name == "postgres" else "apache")
    assert (facts.extension_version is None) == (tier_server.name == "postgres")
    assert facts.isolation_problem == "we may not take doorstep_carer"
    assert facts.data_directory is None
    assert not facts.used_password


def test_the_servers_clock_is_this_machines(database: str) -> None:
    facts = examined(database)
    assert facts.server_at is not None
    assert facts.asked_at - SECOND_US < facts.server_at < facts.answered_at + SECOND_US


def test_partitions_are_seen_by_their_bounds(database: str) -> None:
    now = SystemClock().now()
    facts = examined(database)
    assert facts.partitions_until is not None
    assert facts.partitions_until == (now // DAY_US + 4) * DAY_US


def test_a_table_that_shows_everybodys_people_fails(database: str, mosquitto: Mosquitto) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("ALTER TABLE person DISABLE ROW LEVEL SECURITY")
    found = visit(database, mosquitto.url)
    assert found.failed() == {"database.isolation"}


def test_a_database_without_a_schema_fails(empty_database: str, mosquitto: Mosquitto) -> None:
    found = visit(empty_database, mosquitto.url)
    assert found.code == 1
    assert found.failed() == {"database.schema"}
    assert "doorstep migrate" in found.seen("database.schema")


def test_a_clock_behind_the_journal_fails(database: str, mosquitto: Mosquitto) -> None:
    ahead = to_datetime(SystemClock().now() + DAY_US)
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO journal (shard, batch, epoch, kind, now_at, receive_clock_us,"
            " roster_version, rulebook_version, readings, duplicates, rejections)"
            " VALUES (0, 1, 1, 'batch', %s, 0, 0, 'x', 0, 0, 0)",
            [ahead],
        )
    found = visit(database, mosquitto.url)
    assert found.code == 1
    assert found.failed() == {"machine.clock"}
    assert "behind the newest entry of the journal" in found.seen("machine.clock")


def test_no_database_is_exit_code_4_and_the_rest_is_checked(mosquitto: Mosquitto) -> None:
    found = visit(f"{nobody_there('postgresql')}/doorstep", mosquitto.url)
    assert found.code == 4
    assert found.failed() == {"database.reachable"}
    assert found.verdict("broker.offline_queue") == "ok"
    assert found.stderr.startswith("doorstep: database.reachable: ")
    assert found.stderr.count("\n") == 1
