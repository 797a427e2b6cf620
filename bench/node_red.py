"""Node-RED with mqtt-in and a PostgreSQL node from npm, driven headless on loopback.

The packages go into .cache/bench; their versions are pinned here. flow.json is what a person would
draw: mqtt in, a function that fills in the parameters, the PostgreSQL node.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bench.processes import ROOT
from tests.services.doorstep import free_port

PACKAGES: Final = ("node-red@4.1.15", "node-red-contrib-postgrestor-next@0.5.2")
FLOW: Final = Path(__file__).with_name("flow.json")
HOME: Final = ROOT / ".cache" / "bench" / "node-red"
INSTALLED_WITHIN_S: Final = 300.0
HEARS_WITHIN_S: Final = 60.0
ENDED_WITHIN_S: Final = 10.0

SETTINGS: Final = """module.exports = {
    uiHost: "127.0.0.1", httpAdminRoot: false, httpNodeRoot: false, credentialSecret: false,
    telemetry: { enabled: false, updateNotification: false },
    logging: { console: { level: "info" } },
};
"""


@cache
def trouble() -> str:
    """Why Node-RED cannot be run here; empty when it can. Installs it the first time."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return "no Node.js here"
    stamp = HOME / "installed"
    if stamp.exists() and stamp.read_text() == " ".join(PACKAGES):
        return ""
    HOME.mkdir(parents=True, exist_ok=True)
    (HOME / "package.json").write_text('{"private": true}')
    argv = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--save-exact"]
    try:
        done = subprocess.run(
            [*argv, *PACKAGES],
            cwd=HOME,
            capture_output=True,
            text=True,
            timeout=INSTALLED_WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "npm install does not end"
    if done.returncode != 0:
        return "npm install: " + (done.stderr.strip().splitlines() or ["failed"])[0]
    stamp.write_text(" ".join(PACKAGES))
    return ""


def environment(port: int, database: str) -> dict[str, str]:
    """What the flow's `${...}` stand for."""
    where = urlsplit(database)
    return {
        **os.environ,
        "BENCH_MQTT_PORT": str(port),
        "BENCH_DATABASE": where.path[1:],
        "BENCH_DATABASE_PORT": str(where.port),
        "BENCH_DATABASE_USER": where.username or "",
    }


@contextmanager
def running(folder: Path, port: int, database: str) -> Iterator[None]:
    """Node-RED with the flow; entered when it has subscribed."""
    home = folder / "node-red"
    home.mkdir(exist_ok=True)
    (home / "node_modules").unlink(missing_ok=True)
    (home / "node_modules").symlink_to(HOME / "node_modules")
    (home / "package.json").write_text((HOME / "package.json").read_text())
    (home / "settings.js").write_text(SETTINGS)
    (home / "flows.json").write_text(FLOW.read_text())
    red = HOME / "node_modules" / "node-red" / "red.js"
    argv = ["node", str(red), "--userDir", str(home), "--port", str(free_port()), "flows.json"]
    log = folder / "node-red.log"
    log.write_text("")
    with log.open("ab") as output:
        process = subprocess.Popen(
            argv,
            cwd=home,
            env=environment(port, database),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait_until_it_hears(process, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(ENDED_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_it_hears(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + HEARS_WITHIN_S
    while "Connected to broker" not in log.read_text(errors="replace"):
        tail = log.read_text(errors="replace")[-2_000:]
        assert process.poll() is None, f"Node-RED has ended:\n{tail}"
        assert time.monotonic() < deadline, f"Node-RED does not connect:\n{tail}"
        time.sleep(0.1)
