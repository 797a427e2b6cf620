"""Canaries in real databases: the newest of a grid, nothing of them elsewhere, ids of the log."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from alerts.canary import TOPIC, Canary, Sighting, payload
from alerts.canary_watch import Cut, Grid, Hop
from domain.instant import DAY_US, to_datetime
from ingest.events import Commit, Received, Woke
from ingest.gathering import Limits
from ingest.pipeline import Pipeline
from ingest.sources.port import Envelope
from store import canary_desk
from store.canaries import Place, keep
from store.canary_desk import CanaryDesk
from store.pool import Pool
from store.roster_document import RosterRefused
from store.roster_import import import_document
from tests.integration.alerts.world import NOW, World
from tests.integration.store.bench import Bench

EVERYBODYS = {"canary", "journal", "snapshot"}
"""Tables that a step with nothing but canaries may have more rows in."""


def counts(url: str) -> dict[str, int]:
    with psycopg.connect(url) as connection:
        names = [
            str(name)
            for (name,) in connection.execute(
                "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')"
                " AND relnamespace = 'public'::regnamespace ORDER BY 1"
            )
        ]
        found = {}
        for name in names:
            row = connection.execute(f"SELECT count(*) FROM {name}".encode()).fetchone()
            assert row is not None
            found[name] = int(row[0])
        return found


def grid_nos(url: str) -> dict[str, int]:
    with psycopg.connect(url) as connection:
        return {str(id_): int(no) for id_, no in connection.execute("SELECT id, grid_no FROM grid")}


def commit(url: str, canaries: list[Canary]) -> None:
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        keep(cursor, canaries, NOW)


@pytest.fixture
async def reader(world: World) -> AsyncIterator[psycopg.AsyncConnection]:
    connection = await psycopg.AsyncConnection.connect(world.url, autocommit=True)
    yield connection
    await connection.close()


@pytest.fixture
def desk(world: World) -> Iterator[CanaryDesk]:
    pool = Pool(world.url)
    pool.open()
    yield CanaryDesk(pool)
    pool.close()


def test_a_message_of_canaries_leaves_one_row_a_grid_and_nothing_else(tier_database: str) -> None:
    bench = Bench(tier_database)
    (grid_no,) = grid_nos(tier_database).values()
    before = counts(tier_database)
    pipeline = Pipeline(Limits(), bench.beginning)
    sent = [Canary(grid_no, "old", NOW), Canary(grid_no, "new", NOW + 1), Canary(99, "new", NOW)]
    messages = [Envelope((1, n), TOPIC, payload([each]), NOW) for n, each in enumerate(sent, 1)]
    pipeline.handle(Received(messages), NOW)
    (effect,) = pipeline.handle(Woke(), NOW)
    assert isinstance(effect, Commit)
    result = bench.ledger.commit(effect.work)
    bench.ledger.close()
    after = counts(tier_database)
    changed = {name for name in after if after[name] != before.get(name, 0)}
    assert changed <= EVERYBODYS
    assert after["canary"] == 1
    assert (result.stored, result.alert_events) == (0, 0)
    counted = pipeline.counters
    assert (counted.messages, counted.readings, counted.unknown_fields) == (0, 0, 0)
    assert not counted.rejections
    with psycopg.connect(tier_database) as connection:
        rows = connection.execute("SELECT mark, sent_at, stored_at FROM canary").fetchall()
    assert rows == [("new", to_datetime(NOW + 1), to_datetime(NOW))]


async def test_each_reader_has_what_came_since_its_last_look(
    world: World, reader: psycopg.AsyncConnection
) -> None:
    nos = grid_nos(world.url)
    commit(world.url, [Canary(nos["grid-1"], "before", NOW)])
    place = Place()
    assert await place.new(reader) == []
    world.raise_alert(1)
    commit(world.url, [Canary(nos["grid-2"], "a", NOW), Canary(nos["grid-1"], "b", NOW - 1)])
    world.raise_alert(2)
    assert await place.new(reader) == [
        Sighting(3, nos["grid-1"], "grid-1", "b", NOW - 1, NOW),
        Sighting(4, nos["grid-2"], "grid-2", "a", NOW, NOW),
    ]
    assert await place.new(reader) == []
    commit(world.url, [Canary(nos["grid-1"], "c", NOW)])
    place.lose()
    assert await place.new(reader) == []
    ids = [row["event_id"] for row in world.rows("SELECT event_id FROM alert_event ORDER BY 1")]
    assert ids == [2, 5]


def test_canaries_are_of_grids_in_which_somebody_is_under_care(desk: CanaryDesk) -> None:
    assert [grid.id for grid in desk.grids(NOW)] == ["grid-1", "grid-2", "grid-3"]
    assert desk.grids(NOW + 8 * DAY_US) == []


def test_supervisors_and_admins_with_contacts_are_told(world: World, desk: CanaryDesk) -> None:
    assert desk.keepers() == []
    document = {
        "staff": [
            {"id": id_, "contacts": ["json://127.0.0.1:9/"], "languages": ["zh"]}
            for id_ in ("sup-1", "admin-1", "dr-1")
        ]
    }
    with psycopg.connect(world.url) as connection:
        import_document(connection, document, NOW)
    nos = grid_nos(world.url)
    keepers = desk.keepers()
    assert [each.staff for each in keepers] == ["admin-1", "sup-1"]
    assert keepers[1].grid_nos == {nos["grid-1"], nos["grid-2"]}
    assert keepers[1].contacts == ("json://127.0.0.1:9/",)


def test_a_signal_stands_as_long_as_the_cut_does(world: World, desk: CanaryDesk) -> None:
    one, two = (Grid(no, id_) for id_, no in sorted(grid_nos(world.url).items())[:2])
    desk.keep([Cut(Hop.MQTT, (one,), everybody=False)], [Hop.INGEST], NOW)
    desk.keep([Cut(Hop.MQTT, (one, two), everybody=False)], [Hop.INGEST], NOW + 1)
    desk.keep([Cut(Hop.DATABASE, (), everybody=True)], [], NOW + 2)
    rows = world.rows("SELECT * FROM signal ORDER BY signal_no")
    first, second = rows
    assert first["kind"] == "undeliverable"
    assert first["subject"] == "canary:mqtt"
    assert first["detail"].endswith("grid-1, grid-2")
    assert first["grid_nos"] == [one.no, two.no]
    assert first["began_at"] == to_datetime(NOW)
    assert (second["kind"], second["grid_nos"], second["ended_at"]) == ("stalled", None, None)
    desk.keep([], [Hop.MQTT], NOW + 3)
    first, second = world.rows("SELECT * FROM signal ORDER BY signal_no")
    assert first["ended_at"] == to_datetime(NOW + 3)
    assert second["ended_at"] is None
    with psycopg.connect(world.url) as connection:
        canary_desk.end_signals(connection, NOW + 4)
    assert not world.rows("SELECT FROM signal WHERE ended_at IS NULL")


def test_no_roster_may_have_the_canaries_device(world: World) -> None:
    document = {"devices": [{"id": "w-9"}, {"id": "doorstep-canary"}]}
    with psycopg.connect(world.url) as connection, pytest.raises(RosterRefused) as refused:
        import_document(connection, document, NOW)
    ((pointer, why),) = refused.value.problems
    assert pointer == "/devices/1/id"
    assert "kept for canaries" in why
