"""`doorstep roster` leaves a trace: it says who is under care, and who may see them."""

import json
import subprocess

import psycopg
import pytest
from psycopg import sql

from tests.integration.alerts.world import CANARIES, World, leaks
from tests.services import doorstep


@pytest.fixture
def world(database: str) -> World:
    return World(database)


def run(world: World, *words: str, stdin: object = None) -> subprocess.CompletedProcess[str]:
    env = {"DOORSTEP_DATABASE_URL": world.url}
    return doorstep.run(["roster", *words], env, json.dumps(stdin))


def entered(world: World) -> list[tuple[str | None, str, str, list[int]]]:
    found = world.rows("SELECT * FROM audit_log ORDER BY audit_no")
    return [(row["staff"], row["what"], row["object"], row["grid_nos"]) for row in found]


def test_who_takes_the_roster_out_or_changes_it_is_entered(world: World) -> None:
    out = run(world, "export")
    assert out.returncode == 0
    assert [*leaks(out.stdout)] == [*CANARIES], "it holds everything"
    doctor = {"id": "dr-1", "grids": ["grid-1", "grid-2"]}
    assert run(world, "import", "-", stdin={"staff": [doctor]}).returncode == 0
    assert run(world, "import", "-", stdin={"staff": [{"id": "dr-1", "grids": 7}]}).returncode == 1
    assert entered(world) == [
        (None, "exported_roster", "4 people", [1, 2, 3]),
        (None, "imported_roster", "version 2: staff", [1, 2, 3]),
    ]
    assert not leaks(str(entered(world)))


def test_without_an_entry_nothing_goes_out(world: World) -> None:
    """A database that takes no entry, as a standby would not."""
    with psycopg.connect(world.url, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name)
        )
    out = run(world, "export")
    assert (out.returncode, out.stdout) == (3, "")
