"""Judges what was seen of the database. Pure: facts in, checks out."""

import re
from collections.abc import Iterator
from typing import Final

from domain.instant import DAY_US, SECOND_US, format_rfc3339
from doorstep.doctor.check import Check, fail, ok, warn
from doorstep.doctor.nearness import is_here
from store.durability import Durability
from store.migrate import OLDEST_SERVER

NEWEST_MAJOR: Final = 18
OLDEST_TIMESCALE: Final = (2, 26)
"""Before it, rows could be lost in compressed chunks (timescaledb issue 7672 and others)."""
CLOCK_WARN_US: Final = 2 * SECOND_US
CLOCK_FAIL_US: Final = 60 * SECOND_US


def judge(facts: Durability | str, now: int) -> list[Check]:
    """The checks, in a fixed order; a database that cannot be reached is a reason.

    `now` is the service's clock, in microseconds: the partitions are made around it.
    """
    if isinstance(facts, str):
        return [fail("database.reachable", facts)]
    return [
        ok("database.reachable", f"{facts.host or 'the local socket'}, as {facts.user}"),
        _version(facts.server_version),
        _schema(facts.schema_problem),
        *_tier(facts),
        *_settings(facts),
        *_partitions(facts, now),
        _role(facts),
        _isolation(facts.isolation_problem),
        _transport(facts),
        _password(facts),
        _clock(facts),
    ]


def _version(number: int) -> Check:
    found = f"PostgreSQL {number // 10_000}.{number % 10_000}"
    if number < OLDEST_SERVER:
        return fail("database.version", found)
    if number // 10_000 > NEWEST_MAJOR:
        return warn("database.version", f"{found}: newer than what was tried")
    return ok("database.version", found)


def _schema(problem: str | None) -> Check:
    if problem is None:
        return ok("database.schema", "as this version needs it")
    return fail("database.schema", problem)


def _tier(facts: Durability) -> Iterator[Check]:
    if facts.tier is None:
        return
    if facts.tier == "plain":
        yield ok("database.tier", "plain PostgreSQL")
        return
    edition = "Apache edition" if facts.tier == "apache" else "community edition"
    found = f"TimescaleDB {facts.extension_version}, {edition}"
    if facts.extension_version is None:
        yield fail("database.tier", f"TimescaleDB, {edition}: the extension is gone")
    elif _parts(facts.extension_version) >= OLDEST_TIMESCALE:
        yield ok("database.tier", found)
    elif facts.tier == "apache":
        # It has no compression, which is where the rows went; Debian ships it.
        yield ok("database.tier", f"{found}, without compression")
    else:
        yield warn("database.tier", found)


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def _settings(facts: Durability) -> Iterator[Check]:
    # remote_write and local wait for our own disk as well; the ledger asks for `on` by itself.
    lasting = facts.synchronous_commit != "off"
    yield (ok if lasting else fail)("database.synchronous_commit", facts.synchronous_commit)
    yield (ok if facts.fsync else fail)("database.fsync", "on" if facts.fsync else "off")
    whole = facts.full_page_writes
    yield (ok if whole else fail)("database.full_page_writes", "on" if whole else "off")


def _partitions(facts: Durability, now: int) -> Iterator[Check]:
    if facts.tier != "plain":
        return
    if facts.partitions_until is None:
        yield warn("database.partitions", "there is none")
        return
    found = f"made until {format_rfc3339(facts.partitions_until)[:10]}"
    ahead = facts.partitions_until >= now + DAY_US
    yield (ok if ahead else warn)("database.partitions", found)


def _role(facts: Durability) -> Check:
    if facts.superuser:
        return warn("database.role", f"{facts.user} is a superuser")
    return ok("database.role", f"{facts.user} is an ordinary role")


def _isolation(problem: str | None) -> Check:
    if problem is None:
        return ok("database.isolation", "staff see their own grids")
    return fail("database.isolation", problem)


def _transport(facts: Durability) -> Check:
    if facts.encrypted:
        return ok("database.transport", "TLS")
    if is_here(facts.host):
        return ok("database.transport", "on this machine")
    return warn("database.transport", f"plain text to {facts.host}")


def _password(facts: Durability) -> Check:
    if facts.used_password:
        return ok("database.password", "asked for")
    if not facts.host or facts.host.startswith("/"):
        return ok("database.password", "the local socket")
    if is_here(facts.host):
        return warn("database.password", "none was asked for, on this machine")
    return warn("database.password", "none was asked for")


def _clock(facts: Durability) -> Check:
    if facts.server_at is None:
        return warn("database.clock", "the server does not tell its time")
    # Its answer was made at some moment between the question and the answer; within is no error.
    off_us = facts.server_at - min(max(facts.server_at, facts.asked_at), facts.answered_at)
    if off_us == 0:
        return ok("database.clock", "agrees with this machine's")
    found = f"{abs(off_us) / SECOND_US:.1f} s {'ahead of' if off_us > 0 else 'behind'} this machine"
    if abs(off_us) > CLOCK_FAIL_US:
        return fail("database.clock", found)
    return (warn if abs(off_us) > CLOCK_WARN_US else ok)("database.clock", found)
