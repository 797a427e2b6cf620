"""What a starting process recalls from a real database: the roster, and who was heard when."""

from typing import Any

import psycopg

from domain.instant import DAY_US, HOUR_US, MINUTE_US, format_rfc3339, from_datetime, to_datetime
from domain.people import Home, LeaveWindow, Threshold
from domain.reading import Datum, Site
from ingest.work import Beginning
from rules.rulebook import DEFAULT
from store import roster
from store.recovery import recall
from store.roster_import import import_document
from tests.acceptance import publishing
from tests.integration.store.bench import NOW, Bench

_STEP = "INSERT INTO journal VALUES (0, %s, 1, 'tick', %s, %s, 1, 'x', 0, 0, 0)"
_CLOCK_AT = (
    "SELECT receive_clock_us FROM journal WHERE shard = 0 AND now_at <= %s"
    " ORDER BY batch DESC LIMIT 1"
)


def _of_every_kind() -> dict[str, Any]:
    document = publishing.roster(NOW, 3)
    fence = [[32.0, 118.0], [32.0, 118.001], [32.001, 118.001]]
    fenced, plain, homeless = document["episodes"]
    fenced["home"] = {"polygon": fence, "datum": "gcj02"}
    fenced["leave"] = [{"from": format_rfc3339(NOW), "to": format_rfc3339(NOW + 5), "why": "swab"}]
    plain["home"] |= {"datum": "bd09", "radius_m": 80}
    plain["thresholds"] = {"fever_c": {"oral": {"value_c": 38.1, "origin": "dr-01"}}}
    homeless["home"] = None
    document["people"][1] |= {"flags": ["lives_alone", "chronic"]}
    del document["people"][2]["birth_year"]
    document["devices"][2] |= {"spot": True, "interval_s": 900}
    document["assignments"][1]["to"] = format_rfc3339(NOW)
    return document


def test_people_of_every_kind(tier_database: str) -> None:
    with psycopg.connect(tier_database) as connection:
        import_document(connection, _of_every_kind(), NOW)
        people = roster.load(connection, NOW)
        gone = roster.load(connection, NOW + 40 * DAY_US)
    fenced, plain, homeless = (people.episodes[no] for no in sorted(people.episodes))
    assert (fenced.id, fenced.starts_at, fenced.ends_at) == (
        *("e-0000", NOW - 7 * DAY_US),
        NOW + 7 * DAY_US,
    )
    corners = ((32.0, 118.0), (32.0, 118.001), (32.001, 118.001))
    assert fenced.home == Home(Datum.GCJ02, 32.0, 118.0, 0.0, corners)
    assert fenced.leave == (LeaveWindow(NOW, NOW + 5, "swab"),)
    assert (fenced.flags, fenced.birth_year, dict(fenced.fever)) == ((), 1970, {})
    assert plain.home == Home(Datum.BD09, *publishing.HOME, 80)
    assert plain.flags == ("lives_alone", "chronic")
    assert dict(plain.fever) == {Site.ORAL: Threshold(3810, "dr-01")}
    assert (homeless.home, homeless.birth_year, homeless.leave) == (None, None, ())
    spot = people.devices["w-0002"]
    assert (spot.model, spot.site, spot.interval_s, spot.spot) == (
        *("band-a", Site.AXILLARY, 900),
        True,
    )
    [ended] = people.assignments[people.devices["w-0001"].no]
    assert (ended.episode_no, ended.from_at, ended.to_at) == (plain.no, NOW - 7 * DAY_US, NOW)
    assert (len(gone.devices), len(gone.episodes), len(gone.assignments)) == (3, 0, 0)


def _silence(beginning: Beginning) -> list[tuple[int, int]]:
    """(when last heard, the receive clock then) by device id."""
    slots = [
        beginning.wearers.slots[each.episode_no, device.no]
        for _, device in sorted(beginning.roster.devices.items())
        for each in beginning.roster.assignments[device.no]
    ]
    heard_at, heard_rc = beginning.state["heard_at"], beginning.state["heard_rc"]
    return [(int(heard_at[slot]), int(heard_rc[slot])) for slot in slots]


def test_silence_counts_from_what_the_journal_says(tier_database: str) -> None:
    """By the clock of the newest step begun by then, also where the time of day went back."""
    document = publishing.roster(NOW, 12)
    worn = [NOW - DAY_US + n * MINUTE_US for n in range(12)]
    for assignment, from_at in zip(document["assignments"], worn, strict=True):
        assignment["from"] = format_rfc3339(from_at)
    with psycopg.connect(tier_database, autocommit=True) as connection:
        import_document(connection, document, NOW)
        begun = [9, 8, 2, 7, 3, 6, 4]
        for batch, minute in enumerate(begun, 1):
            at = to_datetime(NOW - DAY_US + minute * MINUTE_US)
            connection.execute(_STEP, [batch, at, 1000 + batch])
        connection.execute("UPDATE shard SET last_batch = 99, receive_clock_us = 5555")
        beginning = recall(connection, DEFAULT, NOW)
        rows = [connection.execute(_CLOCK_AT, [to_datetime(at)]).fetchone() for at in worn]
    assert [row is None for row in rows[:3]] == [True, True, False]
    assert _silence(beginning) == [
        (at, 5555 if row is None else row[0]) for at, row in zip(worn, rows, strict=True)
    ]


def test_who_was_heard_was_heard_when_it_was_received(tier_database: str) -> None:
    bench = Bench(tier_database)
    bench.commit(bench.rows(1, [10, 20]))
    bench.ledger.close()
    with psycopg.connect(tier_database, autocommit=True) as connection:
        connection.execute(
            "UPDATE journal SET receive_clock_us = 7, now_at = %s", [to_datetime(NOW)]
        )
        beginning = recall(connection, DEFAULT, NOW + HOUR_US)
        received = connection.execute("SELECT max(received_at) FROM reading").fetchone()
    assert received is not None
    assert from_datetime(received[0]) == NOW
    starts_at = NOW - 7 * DAY_US
    assert _silence(beginning) == [(starts_at, 0), (NOW, 7), (starts_at, 0)]
