"""`doorstep score` as an operator meets it."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from domain.instant import DAY_US, HOUR_US, format_rfc3339
from doorstep.clock import SystemClock
from rules.finding import Rule
from tests.integration.alerts.world import NOW, World, began, ended, minute
from tests.services import doorstep
from tests.services.mosquitto import Mosquitto

WITHIN_S = 60.0


@pytest.fixture
def world(database: str) -> World:
    """A fever of person 1 that was found, and a left home of person 4 that nothing explains."""
    world = World(database)
    world.record(began(world.finding(1, onset=-100, last_at=minute(-90))))
    left = world.finding(4, onset=-50, rule=Rule.LEFT_HOME)
    world.record(began(left))
    world.record(ended(left, -40))
    return world


def told(*, complete: bool = True, **incidents: list[dict[str, Any]]) -> dict[str, Any]:
    """The truth about persons 1 to 4, over a day until `NOW`."""
    return {
        "truth": 1,
        "scenario": "fever",
        "seed": 1,
        "complete": complete,
        "start": format_rfc3339(NOW - DAY_US),
        "from": format_rfc3339(NOW - DAY_US),
        "until": format_rfc3339(NOW),
        "wearers": [
            {
                "person": f"p-{n}",
                "episode": f"e-{n}",
                "device": f"w-{n}",
                "grid": "grid-1",
                "site": "axillary",
                "incidents": incidents.get(f"of_{n}", []),
            }
            for n in range(1, 5)
        ],
    }


def fever(begins: float) -> dict[str, Any]:
    return {"kind": "fever", "from": format_rfc3339(minute(begins)), "to": None, "peak_c": 38.9}


def score(
    url: str, folder: Path, document: object, *words: str
) -> subprocess.CompletedProcess[str]:
    path = folder / "truth.json"
    path.write_text(json.dumps(document))
    env = {"DOORSTEP_DATABASE_URL": url}
    return doorstep.run(["score", "--truth", str(path), *words], env)


def test_found_and_good_enough(world: World, tmp_path: Path) -> None:
    done = score(world.url, tmp_path, told(of_1=[fever(-110)]), "--max-false-alarms", "0.25")
    assert (done.returncode, done.stderr) == (0, "")
    rows = {tuple(line.split()[:2]): line.split()[2:] for line in done.stdout.splitlines()}
    assert rows["fever", "core"] == ["1", "1", "1.00", "1200", "1200", "1", "0"]
    assert rows["left_home", "all"] == ["0", "0", "1", "1"]
    assert done.stdout.splitlines()[-1] == "4.00 wearer-days, 0.250 false alarms per wearer-day"


def test_the_card_as_json(world: World, tmp_path: Path) -> None:
    done = score(world.url, tmp_path, told(of_1=[fever(-110)]), "--json", "--rule", "fever")
    assert done.returncode == 0
    said = json.loads(done.stdout)
    assert (said["wearer_days"], said["false_per_wearer_day"], said["missed"]) == (4.0, 0.0, [])
    assert said["items"][0] == {
        "rule": "fever",
        "sites": "core",
        "spells": 1,
        "found": 1,
        "sensitivity": 1.0,
        "delay_median_s": 1200,
        "delay_p90_s": 1200,
        "alerts": 1,
        "false": 0,
        "false_per_wearer_day": 0.0,
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "fever: found 1 of 2"),
        (["--min-sensitivity", "0.5", "--max-delay", "19m"], "after 1200 s"),
        (["--min-sensitivity", "0.5", "--max-false-alarms", "0.2"], "0.250 false alarms"),
    ],
)
def test_not_good_enough_is_exit_code_1(
    world: World, tmp_path: Path, words: list[str], said: str
) -> None:
    document = told(of_1=[fever(-110)], of_2=[fever(-110)])
    done = score(world.url, tmp_path, document, *words)
    assert done.returncode == 1
    assert said in done.stderr
    assert "wearer-days" in done.stdout
    assert json.loads(score(world.url, tmp_path, document, *words, "--json").stdout)["missed"]


def test_since_leaves_out_what_was_before(world: World, tmp_path: Path) -> None:
    document = told(of_1=[fever(-110)], of_2=[fever(-110)])
    since = format_rfc3339(minute(-60))
    done = score(world.url, tmp_path, document, "--since", since, "--rule", "fever", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["items"][0]["spells"] == 0


def test_a_plan_is_looked_at_until_now(world: World, tmp_path: Path) -> None:
    document = told(complete=False, of_1=[fever(-110)]) | {
        "until": format_rfc3339(SystemClock().now() + 9_000 * DAY_US)
    }
    done = score(world.url, tmp_path, document, "--rule", "fever", "--json")
    assert done.returncode == 0, done.stderr
    assert "only a plan" in done.stderr
    assert json.loads(done.stdout)["until"] <= format_rfc3339(SystemClock().now())


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--rule", "luck"], 2, "there are fever"),
        (["--since", "yesterday"], 2, "--since"),
        (["--max-delay", "soon"], 2, "--max-delay"),
        (["--min-sensitivity", "2"], 2, "--min-sensitivity"),
        (["--since", "2030-01-01T00:00:00Z"], 1, "is over before"),
    ],
)
def test_mistakes(world: World, tmp_path: Path, words: list[str], code: int, said: str) -> None:
    done = score(world.url, tmp_path, told(), *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in " ".join(done.stderr.split())


def test_what_cannot_be_held_against_anything(world: World, tmp_path: Path) -> None:
    strangers = told()
    for number, wearer in enumerate(strangers["wearers"]):
        wearer["episode"] = f"e-900{number}"
    for document, said in (
        ("no truth", "cannot read"),
        (strangers, "none of its episodes"),
    ):
        done = score(world.url, tmp_path, document)
        assert (done.returncode, done.stdout) == (1, "")
        assert said in done.stderr
    env = {"DOORSTEP_DATABASE_URL": world.url}
    done = doorstep.run(["score", "--truth", str(tmp_path / "nowhere.json")], env)
    assert done.returncode == 1
    assert "No such file" in done.stderr
    env = {"DOORSTEP_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere"}
    assert doorstep.run(["score", "--truth", str(tmp_path / "truth.json")], env).returncode == 4


def test_a_simulated_fever_is_found(database: str, mosquitto: Mosquitto, tmp_path: Path) -> None:
    """The whole road: simulator, broker, ingestion, rules, alerts, and back to the truth."""
    env = {"DOORSTEP_DATABASE_URL": database, "DOORSTEP_MQTT_URL": mosquitto.url}
    start = format_rfc3339((SystemClock().now() - 2 * HOUR_US) // 1000 * 1000)
    words = ["fever", "--start", start, "--duration", "2h", "--speed", "600"]
    roster = doorstep.run(["simulate", *words, "--roster", "-"], env)
    doorstep.import_roster(database, json.loads(roster.stdout))
    path = tmp_path / "truth.json"
    with doorstep.ingest(database, mosquitto.url, tmp_path, MQTT__CLIENT_ID="scored"):
        done = doorstep.run(["simulate", *words, "--truth", str(path)], env)
        assert done.returncode == 0, done.stderr
        sent = int(done.stderr.splitlines()[-1].split()[0])
        deadline = time.monotonic() + WITHIN_S
        with psycopg.connect(database, autocommit=True) as connection:
            while connection.execute("SELECT count(*) FROM reading").fetchone() != (sent,):
                assert time.monotonic() < deadline
                time.sleep(0.05)
    # A message holds ten minutes of readings at that speed.
    words = ["--rule", "fever,left_home,not_worn,pulse,oxygen", "--max-delay", "40m"]
    scored = doorstep.run(["score", "--truth", str(path), *words, "--json"], env)
    assert scored.returncode == 0, scored.stderr
    said = json.loads(scored.stdout)
    assert (said["items"][0]["spells"], said["items"][0]["found"]) == (2, 2)
    assert said["false_per_wearer_day"] == 0
