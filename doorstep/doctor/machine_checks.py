"""Judges this machine: its clock, its disk, and how secrets are kept. Pure: facts in, checks out.

It refuses to repeat a secret: findings name the setting and never the value.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from domain.instant import SECOND_US, format_rfc3339, parse_rfc3339
from doorstep.doctor.check import Check, fail, ok, warn

OLDEST_NOW: Final = parse_rfc3339("2026-01-01T00:00:00Z")
"""Before this version was made no clock is right."""
JOURNAL_SLACK_US: Final = 2 * SECOND_US
"""The journal may have been written by another machine, whose clock is a little ahead."""
GIB: Final = 1024**3
DISK_FAIL_BYTES: Final = GIB
DISK_FAIL_PCT: Final = 2
DISK_WARN_PCT: Final = 10
READ_BY_OTHERS: Final = 0o004
MOUNTED_SECRETS: Final = PurePosixPath("/run/secrets")
"""Where container engines mount secrets, readable to the only user there; the file that counts is
outside."""
SHORTEST: Final = 8
COMMON: Final = frozenset(
    {
        "admin", "administrator", "changeit", "changeme", "default", "doorstep", "guest", "letmein",
        "mosquitto", "mqtt", "nats", "pass", "passw0rd", "password", "password1", "postgres",
        "public", "qwerty", "root", "secret", "test", "timescale", "timescaledb", "12345678",
        "123456789", "1234567890", "11111111", "00000000", "qwertyuiop",
    }
)  # fmt: skip
"""What people and images leave as it was; lower case."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system that holds data of ours."""

    path: str
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A file with a secret in it."""

    name: str
    """The setting that names it."""
    path: str
    mode: int
    """Permission bits."""
    reachable: bool
    """Whether its folders let others through."""


@dataclass(frozen=True, slots=True)
class Login:
    """A user name and password that are used."""

    name: str
    """The setting."""
    user: str
    password: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """All that was seen."""

    disk: Disk | None
    """None where the data are elsewhere, or cannot be seen."""
    files: Sequence[SecretFile]
    in_environment: Sequence[str]
    """Variables that hold a password."""
    logins: Sequence[Login]


def judge(facts: MachineFacts, now: int, journal_at: int | None) -> list[Check]:
    """The checks, in a fixed order. `now` is the service's clock, as the journal is; microseconds.

    Total: never raises.
    """
    return [
        _clock(now, journal_at),
        _disk(facts.disk),
        _files(facts.files),
        _environment(facts.in_environment),
        _passwords(facts.logins),
    ]


def _clock(now: int, journal_at: int | None) -> Check:
    if now < OLDEST_NOW:
        return fail("machine.clock", f"it says {format_rfc3339(now)}")
    if journal_at is not None and journal_at > now + JOURNAL_SLACK_US:
        behind_s = (journal_at - now) // SECOND_US
        return fail("machine.clock", f"{behind_s:,} s behind the newest entry of the journal")
    return ok("machine.clock", format_rfc3339(now // SECOND_US * SECOND_US))


def _disk(disk: Disk | None) -> Check:
    if disk is None:
        return warn("machine.disk", "the disk of the data cannot be seen from here")
    free_pct = 100 * disk.free_bytes / max(1, disk.total_bytes)
    found = f"{disk.free_bytes / GIB:,.1f} GiB free ({free_pct:.0f} %) at {disk.path}"
    if disk.free_bytes < DISK_FAIL_BYTES or free_pct < DISK_FAIL_PCT:
        return fail("machine.disk", found)
    return (warn if free_pct < DISK_WARN_PCT else ok)("machine.disk", found)


def _files(files: Sequence[SecretFile]) -> Check:
    open_ones = [file for file in files if _others_can_read(file)]
    if open_ones:
        names = _listed(f"{file.name} ({file.path})" for file in open_ones)
        return fail("secrets.files", f"readable by others: {names}")
    return ok("secrets.files", f"{len(files)} closed to others" if files else "none in use")


def _others_can_read(file: SecretFile) -> bool:
    if PurePosixPath(file.path).is_relative_to(MOUNTED_SECRETS):
        return False
    return file.reachable and bool(file.mode & READ_BY_OTHERS)


def _environment(names: Sequence[str]) -> Check:
    if names:
        return warn("secrets.environment", f"a password is in {_listed(names)}")
    return ok("secrets.environment", "no password in it")


def _passwords(logins: Sequence[Login]) -> Check:
    weak = [f"{login.name} is {fault}" for login in logins if (fault := _fault(login))]
    if weak:
        return fail("secrets.passwords", _listed(weak))
    return ok("secrets.passwords", f"{len(logins)} looked at" if logins else "none in use")


def _fault(login: Login) -> str | None:
    word = login.password
    if not word:
        return "empty"
    if word.lower() == login.user.lower():
        return "the user's name"
    if word.lower() in COMMON:
        return "one that everybody tries first"
    return f"shorter than {SHORTEST} characters" if len(word) < SHORTEST else None


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)
