"""Who has a subscriber for notifications follows from the roster."""

import json
from typing import Any

import psycopg

from store import notified
from store.roster_import import import_document
from tests.integration.alerts.world import NOW, World


def change(world: World, **sections: Any) -> None:
    with psycopg.connect(world.url) as connection:
        import_document(connection, json.loads(json.dumps(sections)), NOW)


def grids(world: World) -> dict[str, list[str]]:
    rows = world.rows(
        "SELECT s.id, ARRAY(SELECT g.id FROM grid g WHERE g.grid_no = ANY(s.grid_nos) ORDER BY 1)"
        " AS grids FROM subscriber s WHERE kind = 'notify'"
    )
    return {row["id"]: row["grids"] for row in rows}


def test_members_with_contacts_have_the_grids_they_may_be_asked_for(database: str) -> None:
    world = World(database)
    assert grids(world) == {}
    contacts = ["json://127.0.0.1/"]
    ids = ("dr-2", "sup-1", "admin-1")
    change(world, staff=[{"id": each, "contacts": contacts} for each in ids])
    mine = ["grid-1", "grid-2"]
    assert grids(world) == {
        "notify:dr-2": ["grid-2"],
        "notify:sup-1": mine,
        "notify:admin-1": mine,
    }
    change(world, staff=[{"id": "sup-1", "contacts": []}, {"id": "dr-2", "grids": ["grid-1"]}])
    change(world, grids=[{"id": "grid-3", "escalate_to": "admin-1"}])
    assert grids(world) == {
        "notify:dr-2": ["grid-1"],
        "notify:admin-1": ["grid-1", "grid-2", "grid-3"],
    }


def test_it_begins_with_the_next_event_and_goes_on_where_it_is(database: str) -> None:
    world = World(database)
    world.raise_alert(1)
    change(world, staff=[{"id": "dr-1", "contacts": ["json://127.0.0.1/"]}])
    before = world.rows("SELECT id, cursor FROM subscriber")
    assert [row["cursor"] for row in before] == [1]
    world.raise_alert(2)
    with psycopg.connect(world.url) as connection:
        notified.keep(connection, NOW)
    assert world.rows("SELECT id, cursor FROM subscriber") == before
