"""What each thing seen of a database is judged to be."""

from dataclasses import replace
from typing import Any

import pytest

from domain.instant import DAY_US, SECOND_US, parse_rfc3339
from doorstep.doctor.check import Check, Verdict
from doorstep.doctor.database_checks import judge
from store.durability import Durability

NOW = parse_rfc3339("2026-02-03T04:05:06Z")
GOOD = Durability(
    host="database",
    user="doorstep",
    superuser=False,
    encrypted=True,
    used_password=True,
    server_version=170_012,
    synchronous_commit="on",
    fsync=True,
    full_page_writes=True,
    data_directory=None,
    extension_version=None,
    schema_problem=None,
    isolation_problem=None,
    tier="plain",
    partitions_until=NOW + 3 * DAY_US,
    journal_at=None,
    asked_at=NOW,
    server_at=NOW + 2_000,
    answered_at=NOW + 5_000,
)


def judged(facts: Durability | str) -> dict[str, Check]:
    return {check.name: check for check in judge(facts, NOW)}


def test_a_good_database_is_all_ok() -> None:
    checks = judge(GOOD, NOW)
    assert {check.verdict for check in checks} == {Verdict.OK}
    assert len({check.name for check in checks}) == len(checks) == 13


def test_an_unreachable_database_is_one_check() -> None:
    checks = judged("connection refused")
    assert [*checks] == ["database.reachable"]
    assert checks["database.reachable"].unreachable


@pytest.mark.parametrize(
    ("changed", "name", "expected"),
    [
        ({"server_version": 140_017}, "version", Verdict.FAIL),
        ({"server_version": 150_000}, "version", Verdict.OK),
        ({"server_version": 190_000}, "version", Verdict.WARN),
        ({"schema_problem": "run `doorstep migrate`"}, "schema", Verdict.FAIL),
        ({"isolation_problem": "missing: doorstep_staff"}, "isolation", Verdict.FAIL),
        ({"fsync": False}, "fsync", Verdict.FAIL),
        ({"full_page_writes": False}, "full_page_writes", Verdict.FAIL),
        ({"synchronous_commit": "off"}, "synchronous_commit", Verdict.FAIL),
        ({"synchronous_commit": "local"}, "synchronous_commit", Verdict.OK),
        ({"synchronous_commit": "remote_apply"}, "synchronous_commit", Verdict.OK),
        ({"superuser": True}, "role", Verdict.WARN),
        ({"partitions_until": None}, "partitions", Verdict.WARN),
        ({"partitions_until": NOW + DAY_US}, "partitions", Verdict.OK),
        ({"partitions_until": NOW + DAY_US - 1}, "partitions", Verdict.WARN),
        ({"encrypted": False}, "transport", Verdict.WARN),
        ({"encrypted": False, "host": "::1"}, "transport", Verdict.OK),
        ({"used_password": False}, "password", Verdict.WARN),
        ({"used_password": False, "host": "127.0.0.1"}, "password", Verdict.WARN),
        ({"used_password": False, "host": "/run/postgresql"}, "password", Verdict.OK),
    ],
)
def test_each_fact(changed: dict[str, Any], name: str, expected: Verdict) -> None:
    assert judged(replace(GOOD, **changed))[f"database.{name}"].verdict is expected


@pytest.mark.parametrize(
    ("tier", "version", "expected"),
    [
        ("timescale", "2.26.0", Verdict.OK),
        ("timescale", "2.100.1-dev", Verdict.OK),
        ("timescale", "2.25.9", Verdict.WARN),
        ("timescale", None, Verdict.FAIL),
        # Debian's: the edition without the compression that lost rows.
        ("apache", "2.19.3", Verdict.OK),
        ("apache", "2.29.1", Verdict.OK),
        ("apache", None, Verdict.FAIL),
    ],
)
def test_timescale(tier: str, version: str | None, expected: Verdict) -> None:
    checks = judged(replace(GOOD, tier=tier, extension_version=version, partitions_until=None))
    assert checks["database.tier"].verdict is expected
    assert "database.partitions" not in checks


def test_without_a_schema_there_is_no_tier_to_judge() -> None:
    checks = judged(replace(GOOD, tier=None, schema_problem="no schema yet"))
    assert not {"database.tier", "database.partitions"} & {*checks}


@pytest.mark.parametrize(
    ("server_at", "expected"),
    [
        (NOW, Verdict.OK),
        (NOW + 5_000, Verdict.OK),
        (NOW - 2 * SECOND_US, Verdict.OK),
        (NOW - 2 * SECOND_US - 1, Verdict.WARN),
        (NOW + 5_000 + 60 * SECOND_US, Verdict.WARN),
        (NOW + 5_000 + 60 * SECOND_US + 1, Verdict.FAIL),
        (NOW - DAY_US, Verdict.FAIL),
        (None, Verdict.WARN),
    ],
)
def test_clocks_are_compared_with_the_time_of_the_answer(
    server_at: int | None, expected: Verdict
) -> None:
    check = judged(replace(GOOD, server_at=server_at))["database.clock"]
    assert check.verdict is expected


def test_it_says_which_clock_is_ahead() -> None:
    behind = judged(replace(GOOD, server_at=NOW - 90 * SECOND_US))["database.clock"]
    assert behind.seen == "90.0 s behind this machine"
    ahead = judged(replace(GOOD, server_at=GOOD.answered_at + 3 * SECOND_US))["database.clock"]
    assert ahead.seen == "3.0 s ahead of this machine"
