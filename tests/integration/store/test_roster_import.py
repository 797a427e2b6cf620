"""Roster import on real databases: all or nothing, merged by id, read back as it was said."""

from collections.abc import Iterator

import psycopg
import pytest

from domain.instant import DAY_US, format_rfc3339, parse_rfc3339
from domain.people import Threshold
from domain.reading import Site
from store import roster
from store.roster_document import RosterRefused
from store.roster_import import export_document, import_document
from tests.acceptance import publishing

NOW = parse_rfc3339("2026-02-03T04:05:06Z")
GOOD = publishing.roster(NOW, 2)


@pytest.fixture
def connection(tier_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(tier_database) as connection:
        yield connection


def test_what_is_exported_is_what_was_imported(connection: psycopg.Connection) -> None:
    import_document(connection, GOOD, NOW)
    once = export_document(connection)
    assert [person["id"] for person in once["people"]] == ["p-0000", "p-0001"]
    import_document(connection, once, NOW)
    assert export_document(connection) == once


def test_an_object_keeps_what_a_later_file_does_not_mention(
    connection: psycopg.Connection,
) -> None:
    import_document(connection, GOOD, NOW)
    ends_at = format_rfc3339(NOW + DAY_US)
    version = import_document(connection, {"episodes": [{"id": "e-0001", "ends_at": ends_at}]}, NOW)
    people = roster.load(connection, NOW)
    changed = next(episode for episode in people.episodes.values() if episode.id == "e-0001")
    assert (version, people.version) == (2, 2)
    assert changed.ends_at == NOW + DAY_US
    assert changed.home is not None
    assert len(people.episodes) == 2


def test_an_episode_has_the_time_zone_of_its_community(connection: psycopg.Connection) -> None:
    far = {"id": "c-far", "name": "Far", "timezone": "Asia/Urumqi"}
    import_document(connection, {**GOOD, "communities": [*GOOD["communities"], far]}, NOW)
    moved = {"grids": [{"id": GOOD["grids"][0]["id"], "community": "c-far"}]}
    before = {each.timezone for each in roster.load(connection, NOW).episodes.values()}
    import_document(connection, moved, NOW)
    after = {each.timezone for each in roster.load(connection, NOW).episodes.values()}
    assert (before, "Asia/Urumqi" in after) == ({"Asia/Shanghai"}, True)


def test_one_mistake_and_nothing_is_imported(connection: psycopg.Connection) -> None:
    bad = {
        **GOOD,
        "assignments": [*GOOD["assignments"], {**GOOD["assignments"][0], "device": "w-9"}],
    }
    with pytest.raises(RosterRefused, match="w-9"):
        import_document(connection, bad, NOW)
    assert export_document(connection)["people"] == []
    assert roster.version(connection) == 0


def test_an_end_far_away_is_read_back(connection: psycopg.Connection) -> None:
    """The year 9999 is how people write "no end"."""
    import_document(connection, GOOD, NOW)
    far = {"id": "e-0001", "ends_at": "9999-12-31T23:59:59Z"}
    import_document(connection, {"episodes": [far]}, NOW)
    connection.execute("SET timezone = 'UTC'")
    ends = {
        episode["id"]: episode["ends_at"] for episode in export_document(connection)["episodes"]
    }
    assert ends["e-0001"] == far["ends_at"]
    early = {"id": "e-0001", "starts_at": "0001-01-01T00:00:00+14:00"}
    with pytest.raises(RosterRefused, match="/episodes/0/starts_at"):
        import_document(connection, {"episodes": [early]}, NOW)


def test_a_device_is_worn_once_at_a_time(connection: psycopg.Connection) -> None:
    twice = {**GOOD["assignments"][0], "episode": "e-0001"}
    with pytest.raises(RosterRefused, match="worn twice"):
        import_document(connection, {**GOOD, "assignments": [GOOD["assignments"][0], twice]}, NOW)


def test_a_device_can_be_handed_over_in_one_file(connection: psycopg.Connection) -> None:
    import_document(connection, GOOD, NOW)
    handover = format_rfc3339(NOW)
    import_document(
        connection,
        {
            "assignments": [
                {"device": "w-0000", "episode": "e-0001", "from": handover, "to": None},
                {**GOOD["assignments"][0], "to": handover},
                {**GOOD["assignments"][1], "to": handover},
            ]
        },
        NOW,
    )
    people = roster.load(connection, NOW)
    worn = people.assigned(people.devices["w-0000"].no, NOW)
    assert worn is not None
    assert people.episodes[worn.episode_no].id == "e-0001"


def test_thresholds_are_read_as_the_contract_words_them(connection: psycopg.Connection) -> None:
    document = publishing.roster(NOW, 2)
    document["episodes"][0]["thresholds"] = {"fever_c": 37.5}
    document["episodes"][1]["thresholds"] = {
        "fever_c": {"oral": {"value_c": 38.1, "origin": "dr-01", "expires_at": format_rfc3339(NOW)}}
    }
    import_document(connection, document, NOW)
    fever = {e.id: dict(e.fever) for e in roster.load(connection, NOW).episodes.values()}
    bare = Threshold(3750, "person")
    assert fever["e-0000"] == {Site.AXILLARY: bare, Site.FOREHEAD: bare}
    assert fever["e-0001"] == {Site.ORAL: Threshold(3810, "dr-01", NOW)}


def test_no_name_and_no_phone_in_what_a_version_keeps(connection: psycopg.Connection) -> None:
    document = publishing.roster(NOW, 1)
    document["people"][0] |= {"name": "张三canary", "phone": "13800000000", "address": "9-901"}
    import_document(connection, document, NOW)
    row = connection.execute("SELECT document::text FROM roster_version").fetchone()
    assert row is not None
    assert not any(secret in row[0] for secret in ("canary", "13800000000", "9-901"))
