"""Rulebooks in a real database: which was in force when, and what that means for readings."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from domain.instant import MINUTE_US
from doorstep.settings import Settings
from rules.rulebook import DEFAULT
from store.errors import StoreMismatch
from store.rulebooks import in_force, take_up
from tests.integration.store.bench import NOW, Bench
from tests.integration.store.test_corrections import at, findings, settle

OURS = Settings().rulebook_document()


def named(version: str, **fever: Any) -> dict[str, Any]:
    return {**OURS, "version": version, "fever": {**OURS["fever"], **fever}}


@pytest.fixture
def connection(tier_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(tier_database, autocommit=True) as connection:
        yield connection


def test_the_first_holds_for_all_time(connection: psycopg.Connection) -> None:
    assert take_up(connection, OURS, NOW) == DEFAULT
    assert take_up(connection, OURS, NOW + 5) == DEFAULT


def test_a_new_version_holds_from_its_start_on(connection: psycopg.Connection) -> None:
    take_up(connection, OURS, NOW)
    strict = take_up(connection, named("strict", hold_s=0), NOW + 10)
    assert (strict.version, strict.fever.hold_s) == ("strict", 0)
    assert strict.earlier == ((NOW + 10, DEFAULT),)
    back = take_up(connection, OURS, NOW + 4)
    assert [(until_at, book.version) for until_at, book in back.earlier] == [
        (NOW + 10, "doorstep-1"),
        (NOW + 11, "strict"),
    ]
    assert take_up(connection, OURS, NOW + 20) == back


def test_the_one_of_an_instant_can_be_asked_for(connection: psycopg.Connection) -> None:
    assert in_force(connection, NOW) == DEFAULT
    take_up(connection, named("first", hold_s=60), NOW)
    take_up(connection, named("second", hold_s=0), NOW + 10)
    versions = [in_force(connection, NOW + after).version for after in (-1, 0, 9, 10, 99)]
    assert versions == ["first", "first", "first", "second", "second"]


def test_one_version_never_has_two_meanings(connection: psycopg.Connection) -> None:
    take_up(connection, OURS, NOW)
    with pytest.raises(StoreMismatch, match="doorstep-1 was in force with other figures"):
        take_up(connection, named("doorstep-1", hold_s=0), NOW + 10)
    take_up(connection, named("strict", hold_s=0), NOW + 10)
    with pytest.raises(StoreMismatch, match="doorstep-1"):
        take_up(connection, named("doorstep-1", hold_s=0), NOW + 20)


def test_a_figure_that_a_later_release_added_is_as_its_default(
    connection: psycopg.Connection,
) -> None:
    older = {key: value for key, value in OURS.items() if key != "silent"}
    take_up(connection, older, NOW)
    assert take_up(connection, OURS, NOW + 5).earlier == ()


def test_a_stored_rulebook_of_another_release_is_said_to_be_one(
    connection: psycopg.Connection,
) -> None:
    take_up(connection, OURS, NOW)
    connection.execute("""UPDATE rulebook SET document = document || '{"gone": {}}'""")
    with pytest.raises(StoreMismatch, match="stored rulebook cannot be read: /gone"):
        take_up(connection, OURS, NOW + 5)


def test_a_fever_pending_when_the_rulebook_changes_is_raised(tier_database: str) -> None:
    """Two qualifying readings under one rulebook, the third under the next, after a restart."""
    with psycopg.connect(tier_database, autocommit=True) as connection:
        first = take_up(connection, named("patient", hold_s=3600), at(0))
        before = Bench(tier_database, rulebook=first)
        before.commit(before.rows(0, [10, 15], 3840))
        before.ledger.close()
        assert findings(before) == []
        second = take_up(connection, OURS, at(18))
    bench = Bench(tier_database, rulebook=second)
    assert bench.commit(bench.rows(0, [21], 3840)).alert_events == 1
    assert findings(bench) == [("fever", 10, None)]
    assert bench.count("finding", "rulebook_version = 'doorstep-1'") == 1
    # Buffered under the first rulebook, of which the hold was an hour, and uploaded only now.
    bench.commit(bench.rows(1, [1, 5, 12, 17], 3840))
    bench.commit(bench.rows(2, [12, 17], 3840))
    bench.commit(bench.rows(2, [1, 5], 3840))
    settle(bench)
    assert findings(bench) == [("fever", 10, None)]
    assert second.earlier[0][0] == at(17) + MINUTE_US
    bench.ledger.close()


def test_a_finding_of_late_readings_names_the_rulebook_of_their_time(tier_database: str) -> None:
    with psycopg.connect(tier_database, autocommit=True) as connection:
        take_up(connection, named("early"), at(0))
        bench = Bench(tier_database, rulebook=take_up(connection, named("later"), at(100)))
    bench.commit(bench.rows(0, [200]))
    bench.commit(bench.rows(0, list(range(20)), 3840))
    settle(bench)
    assert bench.count("finding", "rulebook_version = 'early' AND late") == 1
    bench.ledger.close()


def test_a_new_one_begins_after_what_a_fast_clock_had_judged_by_the_old(
    tier_database: str,
) -> None:
    bench = Bench(tier_database)
    bench.commit(bench.rows(1, [10, 363]))
    bench.commit(bench.rows(0, [364, 20]))
    bench.ledger.close()
    with psycopg.connect(tier_database, autocommit=True) as connection:
        take_up(connection, OURS, NOW)
        assert take_up(connection, named("next"), NOW).earlier == ((at(364) + 1, DEFAULT),)
        assert in_force(connection, at(364)).version == DEFAULT.version
        assert take_up(connection, named("third"), at(370)).earlier[-1][0] == at(370)
