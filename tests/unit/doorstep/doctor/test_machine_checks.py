"""What each thing seen of this machine is judged to be; no judgement repeats a secret."""

from dataclasses import replace

import pytest

from domain.instant import SECOND_US, parse_rfc3339
from doorstep.doctor.check import Check, Verdict
from doorstep.doctor.machine_checks import (
    GIB,
    Disk,
    Login,
    MachineFacts,
    SecretFile,
    judge,
)

NOW = parse_rfc3339("2026-02-03T04:05:06.789Z")
CLOSED = SecretFile("DOORSTEP_MQTT__PASSWORD_FILE", "/etc/doorstep/word", 0o600, reachable=True)
GOOD = MachineFacts(
    disk=Disk("/data", 50 * GIB, 100 * GIB),
    files=(CLOSED,),
    in_environment=(),
    logins=(Login("mqtt.password", "doorstep-ingest", "d41d8cd98f00b204e980"),),
)


def judged(facts: MachineFacts, now: int = NOW, journal_at: int | None = None) -> dict[str, Check]:
    return {check.name: check for check in judge(facts, now, journal_at)}


def test_a_good_machine_is_all_ok() -> None:
    checks = judge(GOOD, NOW, NOW)
    assert {check.verdict for check in checks} == {Verdict.OK}
    assert len({check.name for check in checks}) == len(checks) == 5


@pytest.mark.parametrize(
    ("free", "total", "expected"),
    [
        (10 * GIB, 100 * GIB, Verdict.OK),
        (10 * GIB - 1, 100 * GIB, Verdict.WARN),
        (2 * GIB, 100 * GIB, Verdict.WARN),
        (2 * GIB - 1, 100 * GIB, Verdict.FAIL),
        (GIB, 5 * GIB, Verdict.OK),
        (GIB - 1, 5 * GIB, Verdict.FAIL),
        (0, 0, Verdict.FAIL),
    ],
)
def test_the_disk(free: int, total: int, expected: Verdict) -> None:
    check = judged(replace(GOOD, disk=Disk("/data", free, total)))["machine.disk"]
    assert check.verdict is expected


def test_a_disk_that_cannot_be_seen_is_a_warning() -> None:
    assert judged(replace(GOOD, disk=None))["machine.disk"].verdict is Verdict.WARN


@pytest.mark.parametrize(
    ("now", "journal_at", "expected"),
    [
        (NOW, None, Verdict.OK),
        (NOW, NOW - 1, Verdict.OK),
        (NOW, NOW + 2 * SECOND_US, Verdict.OK),
        (NOW, NOW + 2 * SECOND_US + 1, Verdict.FAIL),
        (parse_rfc3339("2025-12-31T23:59:59Z"), None, Verdict.FAIL),
        (0, None, Verdict.FAIL),
    ],
)
def test_the_clock(now: int, journal_at: int | None, expected: Verdict) -> None:
    assert judged(GOOD, now, journal_at)["machine.clock"].verdict is expected


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (CLOSED, Verdict.OK),
        (replace(CLOSED, mode=0o640), Verdict.OK),
        (replace(CLOSED, mode=0o644), Verdict.FAIL),
        (replace(CLOSED, mode=0o604), Verdict.FAIL),
        (replace(CLOSED, mode=0o644, reachable=False), Verdict.OK),
        (replace(CLOSED, mode=0o444, path="/run/secrets/word"), Verdict.OK),
        (replace(CLOSED, mode=0o444, path="/run/secrets-not/word"), Verdict.FAIL),
    ],
)
def test_files_with_secrets(file: SecretFile, expected: Verdict) -> None:
    assert judged(replace(GOOD, files=(CLOSED, file)))["secrets.files"].verdict is expected


def test_passwords_in_the_environment_are_a_warning_that_names_the_variable() -> None:
    names = ("DOORSTEP_MQTT__PASSWORD",)
    check = judged(replace(GOOD, in_environment=names))["secrets.environment"]
    assert check.verdict is Verdict.WARN
    assert "DOORSTEP_MQTT__PASSWORD" in check.seen


@pytest.mark.parametrize(
    ("user", "word"),
    [
        ("doorstep", None),
        ("doorstep", ""),
        ("night-watch", "Night-Watch"),
        ("doorstep", "changeme"),
        ("doorstep", "Password"),
        ("doorstep", "x7$kQ9!"),
    ],
)
def test_what_is_no_password(user: str, word: str | None) -> None:
    facts = replace(GOOD, logins=(*GOOD.logins, Login("database_url", user, word)))
    check = judged(facts)["secrets.passwords"]
    assert check.verdict is Verdict.FAIL
    assert "database_url" in check.seen
    assert "mqtt.password" not in check.seen
    if word:
        assert word not in check.seen


def test_a_login_does_not_show_its_password() -> None:
    assert "d41d8cd98f" not in repr(GOOD)
