"""`doorstep replay`: stored history under any rulebook, and a file without a database."""

import json
import random
from pathlib import Path

import pytest

from domain.instant import DAY_US, format_rfc3339
from doorstep.looking_back import look_back
from rules.rulebook import DEFAULT, load
from tests.integration.store.bench import NOW
from tests.integration.store.test_rerun import Running
from tests.services import doorstep
from tests.unit.doorstep.test_replaying import hot
from tests.unit.store.test_roster_people import document

STRICT = {"version": "strict", "fever": {"threshold_c": {"axillary": 39.0}, "skin_c": 39.0}}


@pytest.fixture
def lived(database: str) -> Running:
    """Some days of service: readings in time and late, ticks, late work."""
    running = Running(database, random.Random(11), paged=True)
    while running.now < NOW + DAY_US:
        running.step()
    running.settle()
    running.ledger.close()
    return running


def test_under_the_same_rulebook_nothing_differs(lived: Running) -> None:
    seen = look_back(lived.url, DEFAULT, NOW - 30 * DAY_US, lived.now + 1)
    assert seen.differences == []
    raised = lived.count("alert")
    assert raised > 10
    assert len(seen.alerts) == raised
    assert {alert["rule"] for alert in seen.alerts} >= {"fever", "silent", "battery_low"}


def test_under_another_what_would_not_have_been_found_is_told(lived: Running) -> None:
    seen = look_back(lived.url, load(STRICT), NOW - 30 * DAY_US, lived.now + 1)
    assert {(each["difference"], each["rule"]) for each in seen.differences} == {
        ("missing", "fever")
    }
    assert "fever" not in {alert["rule"] for alert in seen.alerts}
    assert lived.count("finding", "rule = 'fever' AND rulebook_version = 'doorstep-1'") > 0


def test_what_is_added_names_the_bound_of_its_severity(lived: Running) -> None:
    hasty = load({"version": "hasty", "oxygen": {"readings": 2, "hold_s": 1}})
    seen = look_back(lived.url, hasty, NOW - 30 * DAY_US, lived.now + 1)
    worst = [each["summary"] for each in seen.differences if each["severity"] == "critical"]
    assert worst
    assert all("oxygen 90 %" in line and line.endswith("limit 91") for line in worst)


def test_only_what_began_in_the_time_asked_for_is_told(lived: Running) -> None:
    middle = NOW - DAY_US
    early = look_back(lived.url, DEFAULT, NOW - 30 * DAY_US, middle)
    late = look_back(lived.url, DEFAULT, middle, lived.now + 1)
    assert early.alerts
    assert late.alerts
    assert all(alert["onset_at"] < format_rfc3339(middle) for alert in early.alerts)
    assert all(alert["onset_at"] >= format_rfc3339(middle) for alert in late.alerts)


def test_the_command_over_stored_history(lived: Running, tmp_path: Path) -> None:
    rulebook = tmp_path / "strict.toml"
    rulebook.write_text('version = "strict"\n[fever]\nskin_c = 39.0\n')
    span = ["--from", format_rfc3339(NOW - 30 * DAY_US), "--to", format_rfc3339(lived.now + DAY_US)]
    done = doorstep.run(
        ["replay", *span, "--rulebook", str(rulebook), "--json"],
        {"DOORSTEP_DATABASE_URL": lived.url},
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["difference"] for line in lines if "difference" in line} == {"missing"}
    assert all(line["evidence"]["rulebook_version"] == "strict" for line in lines if "id" in line)


def test_the_command_over_a_file(tmp_path: Path) -> None:
    readings, roster = tmp_path / "r.ndjson", tmp_path / "roster.json"
    readings.write_bytes(b"\n".join([*hot(range(30)), b"nonsense"]))
    roster.write_text(json.dumps(document(devices=[{"id": "w-1", "site": "axillary"}])))
    arguments = ["replay", "--readings", str(readings), "--roster", str(roster)]
    done = doorstep.run([*arguments, "--json"], {})
    assert done.returncode == 0, done.stderr
    (alert,) = map(json.loads, done.stdout.splitlines())
    assert (alert["rule"], alert["person"], alert["building"]) == ("fever", "p", "3")
    assert f"{readings}:31: no JSON" in done.stderr
    assert "38.4 °C at the armpit" in doorstep.run(arguments, {}).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "give either"),
        (["--from", "2026-02-01T00:00:00Z"], 2, "go together"),
        (["--from", "now", "--to", "then"], 2, "--from and --to"),
        (["--from", "2026-02-02T00:00:00Z", "--to", "2026-02-01T00:00:00Z"], 2, "before"),
        (["--readings", "r", "--roster", "nowhere.json"], 2, "cannot read nowhere.json"),
        (["--readings", "r"], 2, "give either"),
        (["--readings", "r", "--roster", "r", "--rulebook", "nowhere.toml"], 3, "nowhere.toml"),
        (["--from", "2026-02-01T00:00:00Z", "--to", "2026-02-02T00:00:00Z"], 4, "connect"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], code: int, said: str) -> None:
    nowhere = {"DOORSTEP_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
    done = doorstep.run(["replay", *arguments], nowhere)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
