"""The demo of `doorstep up`: soon there is something to see, and a second start goes on with it."""

import json
import signal
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from doorstep.embedded.child import wait_until
from tests.integration.embedded.stack import Up, refused

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(240)]

OPEN_ALERTS: LiteralString = "SELECT rule, count(*) FROM alert GROUP BY rule"
LATEST: LiteralString = "SELECT max(now_at) FROM journal"
READINGS: LiteralString = "SELECT count(*) FROM reading"


def rows(url: str, query: LiteralString) -> list[Any]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def test_a_demo_raises_its_alerts_within_a_minute_and_goes_on_after_a_stop(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Up(data, "--demo") as up:
        facts = up.ready()
        url = facts["database"]
        said = up.log.read_text()
        assert facts["http"] in said
        assert facts["console_password"] in said
        wanted = {"fever": 1, "left_home": 1, "silent": 1}
        assert wait_until(lambda: wanted.items() <= dict(rows(url, OPEN_ALERTS)).items(), 60), (
            f"{rows(url, OPEN_ALERTS)}\n{up.logs()}"
        )
        assert up.end(signal.SIGTERM) == 0
    state = json.loads((data / "state.json").read_text())

    with Up(data, "--demo") as up:
        url = up.ready()["database"]
        [(before,)], [(stored,)] = rows(url, LATEST), rows(url, READINGS)
        assert wait_until(lambda: rows(url, READINGS)[0][0] > stored + 60, 30), up.logs()
        assert rows(url, LATEST)[0][0] > before
        assert dict(rows(url, OPEN_ALERTS))["fever"] == 1
        assert "go on where they were" in up.log.read_text()
        again = json.loads((data / "state.json").read_text())
        assert again["demo_start_at"] == state["demo_start_at"]
        assert again["last_at"] > state["last_at"]
        assert up.end(signal.SIGINT) == 0

    code, said = refused(data)
    assert code == 3
    assert "ahead of the real time" in said
