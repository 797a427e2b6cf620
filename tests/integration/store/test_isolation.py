"""The database keeps staff to their grids, whatever statement is sent under their role.

Raw SQL, without the filters of `store`: what would be seen if one were forgotten. dr-1 looks after
grid-1 with e-1 and e-4, dr-2 after grid-2 with e-2; every episode has an alert and readings.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql

from alerts.staff import Role, Staff
from alerts.subscription import Subscription
from domain.instant import to_datetime
from store import subscribers
from store.pool import Pool
from store.provision import CARER, STAFF
from tests.integration.alerts.readings import store_readings
from tests.integration.alerts.world import NOW, World, began, minute
from tests.services.postgres import Postgres

pytestmark = pytest.mark.integration

SEEN: Final = {
    "person": ("SELECT id FROM person", {"p-1", "p-4"}, {"p-2", "p-3"}),
    "episode": ("SELECT id FROM episode", {"e-1", "e-4"}, {"e-2", "e-3"}),
    "alert": (
        "SELECT e.id FROM alert JOIN episode e USING (episode_no)",
        {"e-1", "e-4"},
        {"e-2", "e-3"},
    ),
    "alert_event": ("SELECT after ->> 'episode' FROM alert_event", {"e-1", "e-4"}, {"e-2", "e-3"}),
    "finding": (
        "SELECT d.id FROM finding JOIN device d USING (device_no)",
        {"w-1", "w-4"},
        {"w-2", "w-3"},
    ),
    "assignment": (
        "SELECT d.id FROM assignment JOIN device d USING (device_no)",
        {"w-1", "w-4"},
        {"w-2", "w-3"},
    ),
    "rejected_message": (
        "SELECT coalesce(device_id, 'none') FROM rejected_message",
        {"w-1", "w-5", "unknown", "none"},
        {"w-2"},
    ),
    "rejection": ("SELECT detail FROM rejection", {"w-1", "w-5", "unknown", "none"}, {"w-2"}),
}
"""Table: what dr-1 sees of it, and what is there and they do not."""

NOTHING_PERSONAL: Final = {
    "boot",
    "community",
    "device",
    "event_counter",
    "gap",
    "grid",
    "journal",
    "rulebook",
    "shard",
    "staff",
    "staff_community",
    "staff_grid",
}
"""What staff may read without a policy: no row of these is about somebody under care."""
GUARDED: Final = {"staff_reading"}
"""Views that look at the grid themselves."""


@pytest.fixture
def peopled(world: World) -> World:
    world.record(*(began(world.finding(n)) for n in range(1, 5)))
    for n in range(1, 5):
        store_readings(world, n, [(-3, 3800, 0.0), (-2, 3810, 0.0), (-1, 3820, 0.0)])
    with psycopg.connect(world.url) as connection:
        for index, device in enumerate(("w-1", "w-2", "w-5", "unknown", None)):
            connection.execute(
                "INSERT INTO rejected_message VALUES (%s, 't', %s, '{}', 2, 'x', %s, %s, 1, 1)",
                [bytes([index]), device, to_datetime(NOW), to_datetime(NOW)],
            )
            connection.execute(
                "INSERT INTO rejection VALUES (%s, -1, 'not_json', '', %s, false, 1)",
                [bytes([index]), device or "none"],
            )
    return world


@contextmanager
def asking(
    world: World, *grids: str, role: str = CARER, staff: str = "dr-1"
) -> Iterator[psycopg.Connection]:
    """A transaction as `store.pool.Pool.of` opens it."""
    with psycopg.connect(world.url) as connection:
        rows = connection.execute("SELECT grid_no FROM grid WHERE id = ANY(%s)", [list(grids)])
        nos = ",".join(str(no) for (no,) in rows)
        connection.execute(
            "SELECT set_config('doorstep.grid_nos', %s, true),"
            " set_config('doorstep.staff', %s, true), set_config('doorstep.staff_no',"
            " (SELECT staff_no::text FROM staff WHERE id = %s), true),"
            " set_config('role', %s, true)",
            [f"{{{nos}}}", staff, staff, role],
        )
        yield connection


def first(connection: psycopg.Connection, statement: str, *arguments: Any) -> list[Any]:
    return [row[0] for row in connection.execute(statement.encode(), arguments).fetchall()]


def denied(connection: psycopg.Connection, statement: str, *arguments: Any) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
        connection.execute(statement.encode(), arguments)


class TestLooking:
    @pytest.mark.parametrize("table", SEEN)
    def test_only_the_own_grids_rows_are_there(self, peopled: World, table: str) -> None:
        statement, own, foreign = SEEN[table]
        with psycopg.connect(peopled.url) as connection:
            assert set(first(connection, statement)) == own | foreign
        for role in (STAFF, CARER):
            with asking(peopled, "grid-1", role=role) as connection:
                assert set(first(connection, statement)) == own

    def test_who_says_nothing_sees_nothing(self, peopled: World) -> None:
        for grids in ("", "{}", None):
            with psycopg.connect(peopled.url) as connection:
                if grids is not None:
                    connection.execute("SELECT set_config('doorstep.grid_nos', %s, true)", [grids])
                connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(CARER)))
                for table in ("person", "episode", "alert", "alert_event", "finding", "assignment"):
                    statement = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
                    assert connection.execute(statement).fetchone() == (0,), table

    def test_what_is_said_ends_with_the_transaction(self, peopled: World) -> None:
        with psycopg.connect(peopled.url, autocommit=True) as connection:
            with connection.transaction():
                connection.execute("SELECT set_config('doorstep.grid_nos', '{1,2,3}', true)")
                connection.execute("SET LOCAL ROLE doorstep_carer")
                assert first(connection, "SELECT id FROM person")
            assert first(connection, "SELECT current_user") == ["postgres"]
            connection.execute("SET ROLE doorstep_carer")
            assert first(connection, "SELECT id FROM person") == []

    def test_who_sees_an_alert_sees_whose_it_is(self, peopled: World) -> None:
        """An alert stays in its grid when the episode moves on; nobody may lose sight of it."""
        with psycopg.connect(peopled.url) as connection:
            connection.execute(
                "UPDATE episode SET grid_no = (SELECT grid_no FROM grid WHERE id = 'grid-2')"
                " WHERE id = 'e-1'"
            )
        with asking(peopled, "grid-1") as connection:
            assert set(first(connection, "SELECT id FROM person")) == {"p-1", "p-4"}
            nos = first(connection, "SELECT episode_no FROM episode WHERE id = 'e-1'")
            assert first(connection, "SELECT staff_last_at(%s)", *nos) == [None], "but no readings"

    def test_names_are_for_carers(self, peopled: World) -> None:
        with asking(peopled, "grid-1") as connection:
            assert len(first(connection, "SELECT name FROM person WHERE phone IS NOT NULL")) == 2
        with asking(peopled, "grid-1", role=STAFF) as connection:
            for column in ("name", "phone", "address", "*"):
                denied(connection, f"SELECT {column} FROM person")
            denied(connection, "SELECT id FROM person WHERE name LIKE '王%%'")

    def test_secrets_and_whole_files_are_for_nobody(self, peopled: World) -> None:
        with asking(peopled, "grid-1") as connection:
            for statement in (
                "SELECT 1 FROM api_token",
                "SELECT 1 FROM console_session",
                "SELECT password_hash FROM staff",
                "SELECT document FROM roster_version",
                "SELECT payload FROM rejected_message",
                "SELECT rules FROM snapshot",
                "SELECT value FROM episode_before",
                "SELECT secret FROM subscriber_secret",
            ):
                denied(connection, statement)

    def test_what_may_be_read_without_a_policy_is_about_nobody(self, peopled: World) -> None:
        """A migration that grants a table to staff gives it a policy, or a word above."""
        bare = peopled.rows(
            "SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace"
            " AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relrowsecurity"
            " AND (has_any_column_privilege('doorstep_carer', c.oid, 'SELECT')"
            "  OR has_any_column_privilege('doorstep_carer', c.oid, 'UPDATE')"
            "  OR has_table_privilege('doorstep_carer', c.oid, 'DELETE'))"
        )
        assert {row["relname"] for row in bare} == NOTHING_PERSONAL | GUARDED


READINGS: Final = (
    "SELECT r.digest FROM staff_reading r WHERE r.episode_no = %s ORDER BY r.measured_at"
)


class TestReadings:
    def test_they_come_through_the_view_alone(self, peopled: World) -> None:
        numbers = {row["id"]: row["episode_no"] for row in peopled.rows("SELECT * FROM episode")}
        with asking(peopled, "grid-1") as connection:
            assert first(connection, READINGS, numbers["e-1"]) == [0, 1, 2]
            assert first(connection, "SELECT staff_last_at(%s)", numbers["e-1"]) == [
                to_datetime(minute(-1))
            ]
            fix = "SELECT digest FROM staff_last_fix(%s, '-infinity', NULL, 5000)"
            assert first(connection, fix, numbers["e-1"]) == [2]
            assert len(first(connection, "SELECT 1 FROM staff_reading")) == 6, "of e-1 and e-4"
            for foreign in ("e-2", "e-3"):
                number = numbers[foreign]
                assert first(connection, READINGS, number) == []
                assert first(connection, "SELECT staff_last_at(%s)", number) == [None]
                assert first(connection, fix, number) == []
            denied(connection, "DELETE FROM staff_reading")
            denied(connection, "INSERT INTO staff_reading SELECT * FROM staff_reading")
            denied(connection, "SELECT 1 FROM reading")
            denied(connection, "DELETE FROM reading")

    def test_nor_out_of_the_parts_the_table_has(self, peopled: World) -> None:
        parts = peopled.rows(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits"
            " WHERE inhparent = 'reading'::regclass"
        )
        assert parts
        with asking(peopled, "grid-1") as connection:
            for part in parts:
                denied(connection, f"SELECT 1 FROM {part['name']}")

    def test_a_condition_of_ones_own_is_not_tried_on_foreign_ones(self, peopled: World) -> None:
        """Else an error, or a function that remembers, would tell of them."""
        with psycopg.connect(peopled.url) as connection:
            connection.execute(
                "UPDATE reading SET pulse_bpm = 0 WHERE episode_no ="
                " (SELECT episode_no FROM episode WHERE id = 'e-2')"
            )
        with asking(peopled, "grid-1") as connection:
            divided = "SELECT digest FROM staff_reading WHERE 1 / pulse_bpm < 2"
            assert len(first(connection, divided)) == 6

    def test_a_table_of_ones_own_does_not_get_in_its_way(self, peopled: World) -> None:
        """A function's search path is fixed, and the temporary schema comes last in it."""
        numbers = {row["id"]: row["episode_no"] for row in peopled.rows("SELECT * FROM episode")}
        with asking(peopled, "grid-1") as connection:
            connection.execute("CREATE TEMPORARY TABLE episode (episode_no int, grid_no int)")
            connection.execute("INSERT INTO pg_temp.episode SELECT %s, 1", [numbers["e-2"]])
            connection.execute(
                "CREATE FUNCTION pg_temp.staff_grids() RETURNS int[] LANGUAGE sql"
                " AS $$ SELECT '{1,2,3}'::int[] $$"
            )
            connection.execute("SET LOCAL search_path = pg_temp, public")
            assert first(connection, "SELECT staff_last_at(%s)", numbers["e-2"]) == [None]
            assert first(connection, READINGS, numbers["e-2"]) == []


class TestWriting:
    def test_a_foreign_alert_cannot_be_moved(self, peopled: World) -> None:
        before = peopled.rows("SELECT * FROM alert WHERE grid_no <> 1 ORDER BY id")
        with asking(peopled, "grid-1") as connection:
            changed = connection.execute("UPDATE alert SET assignee = 'dr-1'")
            assert changed.rowcount == 2
            locked = connection.execute("SELECT id FROM alert FOR UPDATE").fetchall()
            assert len(locked) == 2
        assert peopled.rows("SELECT * FROM alert WHERE grid_no <> 1 ORDER BY id") == before

    def test_nor_an_own_one_out_of_sight_or_out_of_the_world(self, peopled: World) -> None:
        with asking(peopled, "grid-1") as connection:
            for statement in (
                "UPDATE alert SET grid_no = 2",
                "UPDATE alert SET episode_no = 2",
                "DELETE FROM alert",
                "DELETE FROM alert_event",
                "UPDATE alert_event SET note = ''",
                "TRUNCATE alert_event",
                "INSERT INTO alert SELECT * FROM alert",
                "UPDATE episode SET grid_no = 1",
                "DELETE FROM episode",
                "UPDATE person SET name = ''",
                "DELETE FROM finding",
                "UPDATE assignment SET episode_no = 1",
                "INSERT INTO staff_grid VALUES (1, 2)",
                "UPDATE staff SET role = 'supervisor'",
                "ALTER TABLE alert DISABLE ROW LEVEL SECURITY",
                "DROP POLICY staff_grids ON alert",
            ):
                denied(connection, statement)

    def test_the_log_is_of_own_alerts_in_ones_own_name(self, peopled: World) -> None:
        insert = (
            "INSERT INTO alert_event (event_id, alert_id, grid_no, type, kind, at, actor, after)"
            " SELECT 1000, %s, (SELECT grid_no FROM grid WHERE id = %s), 'update', 'noted', now(),"
            " %s, '{}'"
        )
        alerts = {
            row["episode"]: row["id"]
            for row in peopled.rows(
                "SELECT a.id, e.id AS episode FROM alert a JOIN episode e USING (episode_no)"
            )
        }
        with asking(peopled, "grid-1") as connection:
            denied(connection, insert, alerts["e-2"], "grid-2", "dr-1")
            denied(connection, insert, alerts["e-2"], "grid-1", "dr-1")
            denied(connection, insert, alerts["e-1"], "grid-2", "dr-1")
            denied(connection, insert, alerts["e-1"], "grid-1", "dr-2")
            connection.execute(insert.encode(), [alerts["e-1"], "grid-1", "dr-1"])

    def test_who_looks_only_writes_nothing(self, peopled: World) -> None:
        with asking(peopled, "grid-1", role=STAFF) as connection:
            denied(connection, "UPDATE alert SET assignee = 'dr-1'")
            denied(connection, "SELECT id FROM alert FOR UPDATE")
            denied(connection, "UPDATE event_counter SET last_event_id = 7")
            denied(connection, "SELECT 1 FROM idempotency_key")

    def test_keys_are_ones_own(self, peopled: World) -> None:
        for staff in ("dr-1", "dr-2"):
            with asking(peopled, "grid-1", staff=staff) as connection:
                connection.execute(
                    "INSERT INTO idempotency_key SELECT staff_no(), 'k', 'x', 0, '{}', now()"
                )
                assert first(connection, "SELECT count(*) FROM idempotency_key") == [1]
                denied(
                    connection,
                    "INSERT INTO idempotency_key VALUES (staff_no() + 1, 'k', 'x', 0, '{}', now())",
                )
        assert len(peopled.rows("SELECT * FROM idempotency_key")) == 2


class TestLogins:
    """What it means to leave the role again."""

    def test_a_shared_login_is_itself_again(self, peopled: World) -> None:
        """The policies hold back our own mistakes, not somebody who can send whole statements."""
        with asking(peopled, "grid-1") as connection:
            connection.execute("RESET ROLE")
            assert len(first(connection, "SELECT id FROM person")) == 4

    def test_a_login_that_can_only_be_staff_is_nobody_then(
        self, peopled: World, tier_server: Postgres
    ) -> None:
        name = "doorstep_test_desk"
        tier_server.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))
        made = sql.SQL("CREATE ROLE {} LOGIN NOINHERIT IN ROLE doorstep_staff, doorstep_carer")
        tier_server.execute(made.format(sql.Identifier(name)))
        url = peopled.url.replace("postgres@", f"{name}@")
        with psycopg.connect(url) as connection:
            denied(connection, "SELECT 1 FROM person")
            connection.execute("SELECT set_config('doorstep.grid_nos', '{1}', true)")
            connection.execute("SET LOCAL ROLE doorstep_carer")
            assert len(first(connection, "SELECT name FROM person")) == 2
            connection.execute("RESET ROLE")
            denied(connection, "SELECT 1 FROM person")


def test_the_pool_asks_as_the_role_of_who_asks_and_no_longer(peopled: World) -> None:
    grid = peopled.rows("SELECT grid_no FROM grid WHERE id = 'grid-1'")[0]["grid_no"]
    pool = Pool(peopled.url)
    pool.open()
    try:
        for role, taken in ((Role.DOCTOR, CARER), (Role.AUDITOR, STAFF)):
            with pool.of(Staff(7, "dr-1", "One", role, {"grid-1": grid})) as connection:
                assert first(connection, "SELECT current_user::text") == [taken]
                assert first(connection, "SELECT staff_no()") == [7]
                assert set(first(connection, "SELECT id FROM episode")) == {"e-1", "e-4"}
            with pool.of_service() as again:
                assert first(again, "SELECT current_user::text") == ["postgres"]
                assert first(again, "SELECT staff_grids()") == [[]]
        with pool.of(Staff(8, "dr-9", "Nine", Role.DOCTOR, {})) as connection:
            assert first(connection, "SELECT id FROM episode") == []
    finally:
        pool.close()


def test_webhooks_are_there_for_whom_all_their_grids_are(peopled: World) -> None:
    nos = {row["id"]: row["grid_no"] for row in peopled.rows("SELECT id, grid_no FROM grid")}
    one, two = nos["grid-1"], nos["grid-2"]
    with psycopg.connect(peopled.url) as connection:
        for name, grids in (
            ("own", (one,)),
            ("both", (one, two)),
            ("foreign", (two,)),
            ("all", None),
        ):
            subscribers.keep(connection, Subscription(name, "webhook", "", grids, {}), NOW)
        connection.execute(
            "INSERT INTO delivery (subscriber_no, event_id, alert_id, state, due_at) SELECT"
            " subscriber_no, event_id, alert_id, 'waiting', at FROM subscriber, alert_event"
        )
    ours = "(SELECT subscriber_no FROM subscriber WHERE id = 'own')"
    with asking(peopled, "grid-1", role=STAFF) as connection:
        assert first(connection, "SELECT id FROM subscriber") == ["own"]
        elsewhere = f"SELECT 1 FROM delivery WHERE subscriber_no <> {ours}"
        assert first(connection, elsewhere) == []
        assert connection.execute("DELETE FROM subscriber WHERE id <> 'own'").rowcount == 0
        denied(connection, "UPDATE subscriber SET grid_nos = %s", [two])
