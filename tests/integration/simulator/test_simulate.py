"""`doorstep simulate` as a person at a terminal meets it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.integration.simulator.listening import listener
from tests.services.doorstep import free_port
from tests.services.mosquitto import Mosquitto

WITHIN_S = 30.0


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "doorstep", "simulate", *words]


def _environment() -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("DOORSTEP_")}
    return {**ours, "PYTHONPATH": str(Path.cwd()), "COLUMNS": "200"}


def _run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(*words),
        env={**_environment(), **more},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )


def test_it_lists_the_scenarios() -> None:
    listed = _run("ls", "--json")
    assert listed.returncode == 0
    names = [one["name"] for one in json.loads(listed.stdout)["items"]]
    assert names == ["calm", "fever", "walkout", "dead-band", "community"]


def test_an_unknown_scenario_is_a_usage_error_that_names_the_known() -> None:
    refused = _run("earthquake")
    assert refused.returncode == 2
    assert "dead-band" in refused.stderr
    assert refused.stdout == ""


def test_no_broker_is_one_line_and_exit_code_4() -> None:
    port = free_port()
    refused = _run("calm", "-p", str(port))
    assert refused.returncode == 4
    assert refused.stderr.splitlines()[-1].startswith("doorstep: cannot reach the broker at")


def test_a_roster_that_cannot_be_written_is_exit_code_3(tmp_path: Path) -> None:
    refused = _run("calm", "--roster", str(tmp_path / "nowhere" / "roster.json"))
    assert refused.returncode == 3
    assert len(refused.stderr.splitlines()) == 1


def test_the_same_seed_and_start_write_the_same_roster_and_need_no_broker(tmp_path: Path) -> None:
    words = ("community", "--seed", "7", "--start", "2026-11-23T09:00:00Z", "--roster")
    printed = _run(*words, "-")
    assert printed.returncode == 0
    assert len(json.loads(printed.stdout)["people"]) == 60
    path = tmp_path / "roster.json"
    assert _run(*words, str(path)).stdout == ""
    assert path.read_text(encoding="utf-8") == printed.stdout


def test_speed_starts_in_the_past_and_stops_at_now(mosquitto: Mosquitto, tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    words = ("fever", "--speed", "3600", "--duration", "1h", "--truth", str(path))
    done = _run(*words, DOORSTEP_MQTT_URL=mosquitto.url)
    assert done.returncode == 0, done.stderr
    # 6 wearers, an hour and a second, a reading a minute.
    assert 360 <= int(done.stderr.splitlines()[-1].split()[0]) <= 366
    told = json.loads(path.read_text())
    assert told["complete"] is True
    assert [one["kind"] for one in told["wearers"][0]["incidents"]] == ["fever"]


async def test_sigterm_ends_it_in_order(mosquitto: Mosquitto, tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    words = ("calm", "--rate", "50", "-p", str(mosquitto.port), "--truth", str(path))
    async with listener(mosquitto.port) as heard:
        process = await asyncio.create_subprocess_exec(
            *_command(*words), env=_environment(), stderr=asyncio.subprocess.PIPE
        )
        await heard.until(20)
        assert json.loads(path.read_text())["complete"] is False
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            _, said = await process.communicate()
    assert process.returncode == 0
    last = said.decode().splitlines()[-1]
    assert last.endswith(" 0 messages unconfirmed")
    assert int(last.split()[0]) >= 20
    assert json.loads(path.read_text())["complete"] is True
