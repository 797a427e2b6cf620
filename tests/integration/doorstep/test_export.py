"""`doorstep export` as an operator meets it."""

import csv
import json
import resource
import subprocess
import sys
import tracemalloc
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from alerts.api.shapes import AlertShape
from domain.instant import DAY_US, SECOND_US, format_rfc3339, to_datetime
from doorstep.exporting import ALERT_COLUMNS, READING_COLUMNS, Asked, Form, What, export
from rules.finding import Rule
from store.partitions import make_partitions
from tests.integration.alerts.readings import store_readings
from tests.integration.alerts.world import NOW, World, began, leaks, minute
from tests.services import doorstep
from tests.unit.alerts.test_fhir import validate


@pytest.fixture
def world(database: str) -> World:
    """Two alerts in grid-1, one in grid-2; three readings of person 1, one of person 2."""
    world = World(database)
    world.record(began(world.finding(1)), began(world.finding(2)), now=NOW)
    world.record(began(world.finding(4, rule=Rule.LEFT_HOME)), now=NOW + DAY_US)
    store_readings(world, 1, [(-3, 3650, 0.0), (-2, 3660, 0.001), (-1, 3840, 0.0)])
    store_readings(world, 2, [(-1, 3700, 0.0)])
    return world


def run(world: World, *words: str) -> subprocess.CompletedProcess[str]:
    return doorstep.run(["export", *words], {"DOORSTEP_DATABASE_URL": world.url})


def rows(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(StringIO(done.stdout, newline="")))


def documents(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(each) for each in done.stdout.splitlines()]


def close(world: World, alert: str, outcome: str) -> None:
    with psycopg.connect(world.url) as connection:
        connection.execute(
            "UPDATE alert SET response = 'closed', outcome = %s, closed_at = %s,"
            " closed_severity = 'urgent' WHERE id = %s",
            [outcome, to_datetime(NOW + SECOND_US), alert],
        )


def test_alerts_with_what_came_of_them(world: World) -> None:
    close(world, "alert-1", "well")
    found = rows(run(world, "alerts"))
    assert tuple(found[0]) == ALERT_COLUMNS
    assert [(each["id"], each["outcome"], each["verdict"]) for each in found] == [
        ("alert-1", "well", "false"),
        ("alert-2", "", ""),
        ("alert-3", "", ""),
    ]
    assert found[0]["closed_at"] == "2026-02-03T04:05:07Z"
    told = documents(run(world, "alerts", "--format", "ndjson"))
    AlertShape.model_validate(told[0] | {"building": ""})
    assert told[0]["evidence"]["value"] == 38.4
    assert "building" not in told[0]


def test_readings_as_distances(world: World) -> None:
    found = rows(run(world, "readings", "--grid", "grid-1"))
    assert tuple(found[0]) == READING_COLUMNS
    assert [(each["measured_at"], each["temperature_c"], each["person"]) for each in found] == [
        (format_rfc3339(minute(-3)), "36.5", "p-1"),
        (format_rfc3339(minute(-2)), "36.6", "p-1"),
        (format_rfc3339(minute(-1)), "38.4", "p-1"),
    ]
    assert found[0]["distance_m"] == "0.0"
    assert 100 < float(found[1]["distance_m"]) < 120
    assert "site" in found[0]
    told = documents(run(world, "readings", "--format", "ndjson"))
    assert len(told) == 4
    assert not {"lat", "lon", "lat_e7"} & {*told[0]}


def test_from_to_and_grid(world: World) -> None:
    soon = format_rfc3339(NOW + SECOND_US)
    assert [each["id"] for each in rows(run(world, "alerts", "--to", soon))] == [
        "alert-1",
        "alert-2",
    ]
    assert [each["id"] for each in rows(run(world, "alerts", "--from", soon))] == ["alert-3"]
    assert [each["id"] for each in rows(run(world, "alerts", "--grid", "grid-2"))] == ["alert-2"]
    late = format_rfc3339(minute(-2))
    assert len(rows(run(world, "readings", "--from", late))) == 3


def test_fhir(world: World, tmp_path: Path) -> None:
    path = tmp_path / "bundle.json"
    done = run(world, "fhir", "--out", str(path))
    assert (done.returncode, done.stdout) == (0, "")
    entries = json.loads(path.read_text())["entry"]
    assert len(entries) == 8  # a temperature and a pulse each
    for each in entries:
        validate(each["resource"])
    assert "8 observations" in done.stderr
    told = documents(run(world, "fhir", "--format", "ndjson"))
    assert told == [each["resource"] for each in entries]


def test_nobody_is_in_it(world: World) -> None:
    for words in (["alerts"], ["alerts", "--format", "ndjson"], ["readings"], ["fhir"]):
        done = run(world, *words)
        assert done.returncode == 0
        assert not leaks(done.stdout + done.stderr)
        assert "118.79" not in done.stdout


def test_it_says_what_was_taken_out(world: World) -> None:
    (line,) = [each for each in run(world, "alerts").stderr.splitlines() if each.startswith("{")]
    said = json.loads(line)
    assert (said["message"], said["what"], said["rows"]) == ("exported", "alerts", 3)
    assert (said["whole"], "grid" in said) == (True, False)


def entered(world: World) -> list[tuple[str | None, str, str, list[int]]]:
    found = world.rows("SELECT * FROM audit_log WHERE what LIKE 'export%%' ORDER BY audit_no")
    return [(row["staff"], row["what"], row["object"], row["grid_nos"]) for row in found]


def test_each_is_in_the_audit_log_before_and_after(world: World) -> None:
    run(world, "readings", "--grid", "grid-1", "--from", "2026-02-01T00:00:00Z")
    run(world, "fhir", "--format", "ndjson")
    run(world, "alerts", "--grid", "grid-9")
    one = "readings csv from=2026-02-01T00:00:00Z grid=grid-1"
    assert entered(world) == [
        (None, "export_began", one, [1]),
        (None, "export_ended", f"3 rows: {one}", [1]),
        (None, "export_began", "fhir ndjson", [1, 2, 3]),
        (None, "export_ended", "8 rows: fhir ndjson", [1, 2, 3]),
    ]


def test_one_that_is_cut_short_is_too(world: World) -> None:
    written: list[str] = []

    def write(text: str) -> None:
        written.append(text)
        assert [what for _, what, *_ in entered(world)] == ["export_began"]
        if len(written) == 3:
            raise BrokenPipeError

    asked = Asked(What.READINGS, Form.CSV, None, None, None, NOW)
    with pytest.raises(BrokenPipeError):
        export(world.url, asked, write)
    assert [about for _, _, about, _ in entered(world)] == [
        "readings csv",
        "2 rows, cut short: readings csv",
    ]


def test_without_an_entry_nothing_goes_out(world: World, tmp_path: Path) -> None:
    """A database that takes no entry, as a standby would not."""
    with psycopg.connect(world.url, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name)
        )
    path = tmp_path / "alerts.csv"
    done = run(world, "alerts", "--out", str(path))
    assert (done.returncode, done.stdout) == (3, "")
    assert "read-only transaction" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_cell_is_no_formula(world: World) -> None:
    world.rows("UPDATE device SET id = '-2-1' WHERE id = 'w-1' RETURNING 1")
    assert [each["device"] for each in rows(run(world, "readings", "--grid", "grid-1"))] == [
        "'-2-1"
    ] * 3


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["people"], 2, "alerts, readings, fhir"),
        (["fhir", "--format", "csv"], 2, "bundle or ndjson"),
        (["alerts", "--from", "yesterday"], 2, "--from"),
        (
            ["alerts", "--from", "2026-02-02T00:00:00Z", "--to", "2026-02-02T00:00:00Z"],
            2,
            "before --to",
        ),
        (["alerts", "--grid", "grid-9"], 1, "no grid is called grid-9"),
        (["alerts", "--out", "/nowhere/alerts.csv"], 1, "No such file or directory"),
    ],
)
def test_mistakes(world: World, words: list[str], code: int, said: str) -> None:
    done = run(world, *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in " ".join(done.stderr.split())


def test_no_database_is_exit_code_4(tmp_path: Path) -> None:
    path = tmp_path / "alerts.csv"
    env = {"DOORSTEP_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere"}
    done = doorstep.run(["export", "alerts", "--out", str(path)], env)
    assert done.returncode == 4
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_line_and_no_half_file(world: World, tmp_path: Path) -> None:
    path = tmp_path / "readings.csv"
    path.write_text("yesterday's")
    done = subprocess.run(
        [sys.executable, "-m", "doorstep", "export", "readings", "--out", str(path)],
        env=doorstep._clean_environment() | {"DOORSTEP_DATABASE_URL": world.url},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"doorstep: cannot write {path}: File too large"
    assert path.read_text() == "yesterday's"
    assert [each.name for each in tmp_path.iterdir()] == ["readings.csv"]


def test_a_full_standard_output_is_one_line(world: World) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "doorstep", "export", "alerts"],
            env=doorstep._clean_environment() | {"DOORSTEP_DATABASE_URL": world.url},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert "doorstep: cannot write standard output: No space left on device" in done.stderr


def test_memory_does_not_grow_with_what_is_read(world: World) -> None:
    with psycopg.connect(world.url) as connection:
        make_partitions(connection.cursor(), NOW, [NOW // DAY_US - 1, NOW // DAY_US])
        connection.execute(
            "INSERT INTO reading (device_no, measured_at, digest, episode_no, received_at, batch,"
            " temperature_cc, pulse_bpm, lat_e7, lon_e7, accuracy_dm, datum)"
            " SELECT device_no, %(at)s + n * interval '2 s', n, episode_no, %(at)s, 1, 3650, 70,"
            " 320600000, 1187900000, 100, 0 FROM device, episode, generate_series(1, 30000) n"
            " WHERE device.id = 'w-4' AND episode.id = 'e-4'",
            {"at": to_datetime(NOW - DAY_US)},
        )
    asked = Asked(What.READINGS, Form.NDJSON, None, None, "grid-1", NOW)
    letters = 0

    def write(text: str) -> None:
        nonlocal letters
        letters += len(text)

    tracemalloc.start()
    assert export(world.url, asked, write) == 30_003
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert letters > 6_000_000
    assert peak < letters
