"""Doorstep's own processes, started as an operator would, on free ports and a given database."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

READY_WITHIN_S = 30.0


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """One `doorstep` command that runs until it is stopped."""

    def __init__(self, command: list[str], env: Mapping[str, str], port: int, log: Path) -> None:
        self._command = [sys.executable, "-m", "doorstep", *command]
        self._env = {**_clean_environment(), **env}
        self.port = port
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it serves HTTP."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it; does not wait until it is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, env=self._env, stdout=log, stderr=log, start_new_session=True
            )

    def wait_ready(self, within_s: float = READY_WITHIN_S) -> None:
        """Returns when `/readyz` says 200; fails with the log's tail."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            assert self.process is not None
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"{self._command} is not ready:\n{self.tail()}")

    def unset(self, name: str) -> None:
        """From its next start on without this setting."""
        del self._env[f"DOORSTEP_{name}"]

    def kill(self) -> None:
        """kill -9, and waits until it is gone."""
        self._end(signal.SIGKILL)

    def stop(self, within_s: float = 10.0) -> int:
        """SIGTERM, and its exit code."""
        return self._end(signal.SIGTERM, within_s)

    def _end(self, number: int, within_s: float = 10.0) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        try:
            return self.process.wait(within_s)
        except subprocess.TimeoutExpired as error:
            self.process.kill()
            raise AssertionError(f"still there after {within_s} s:\n{self.tail()}") from error

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-4_000:]

    def __enter__(self) -> Self:
        self.start()
        self.wait_ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            if error is None:
                assert self.stop() == 0, self.tail()
            else:
                self.kill()


def ingest(database_url: str, mqtt_url: str, folder: Path, **settings: str) -> Process:
    """`doorstep ingest` against a database and a broker; settings as `MQTT__PROTOCOL="5"`."""
    port = free_port()
    env = {
        "DOORSTEP_DATABASE_URL": database_url,
        "DOORSTEP_MQTT_URL": mqtt_url,
        "DOORSTEP_INGEST__HTTP_PORT": str(port),
        **{f"DOORSTEP_{name}": value for name, value in settings.items()},
    }
    return Process(["ingest"], env, port, folder / "ingest.log")


def serve(database_url: str, folder: Path, **settings: str) -> Process:
    """`doorstep serve` against a database."""
    port = free_port()
    env = {
        "DOORSTEP_DATABASE_URL": database_url,
        "DOORSTEP_HTTP__PORT": str(port),
        **{f"DOORSTEP_{name}": value for name, value in settings.items()},
    }
    return Process(["serve"], env, port, folder / "serve.log")


def run(
    command: list[str], env: Mapping[str, str], stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a `doorstep` command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "doorstep", *command],
        env={**_clean_environment(), **env},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def import_roster(database_url: str, document: object) -> None:
    """`doorstep roster import` of a document."""
    env = {"DOORSTEP_DATABASE_URL": database_url}
    done = run(["roster", "import", "-"], env, json.dumps(document))
    assert done.returncode == 0, done.stderr


def _clean_environment() -> dict[str, str]:
    """Ours, without settings of a Doorstep that the developer may run."""
    return {name: value for name, value in os.environ.items() if not name.startswith("DOORSTEP_")}
