"""`doorstep up` as an operator starts it, and what must be gone when it has gone."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from doorstep.embedded.child import wait_until

CHECKOUT = Path(__file__).resolve().parents[3]
READY_WITHIN_S = 60.0
GONE_WITHIN_S = 15.0


def command(data: Path, *words: str) -> list[str]:
    """The command line, on free ports unless the words say otherwise."""
    ports = ["--http-port", "0", "--mqtt-port", "0"]
    return [sys.executable, "-m", "doorstep", "up", "--data", str(data), *ports, *words]


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DOORSTEP_")}
    return {**kept, "PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}


def refused(data: Path, *words: str) -> tuple[int, str]:
    """Starts one that is expected to end by itself: its exit code and what it said."""
    done = subprocess.run(
        command(data, *words),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


class Up:
    """A running `doorstep up`. Leaving its `with` kills what is left of it."""

    def __init__(self, data: Path, *words: str, become: Callable[[], None] | None = None) -> None:
        self.data = data
        self.facts: dict[str, Any] = {}
        """What the ready line said, for those who keep it here."""
        self.log = data.with_name(f"{data.name}.stderr")
        with self.log.open("ab") as stderr:
            self.process = subprocess.Popen(
                command(data, *words),
                env=environment(),
                cwd="/",
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
                preexec_fn=become,  # noqa: PLW1509 - a test has one thread
            )

    def ready(self) -> dict[str, Any]:
        """Waits for the one line of standard output."""
        assert self.process.stdout is not None
        readable = select.select([self.process.stdout], [], [], READY_WITHIN_S)[0]
        line = self.process.stdout.readline() if readable else b""
        assert line, f"not ready:\n{self.log.read_text()}\n{self.logs()}"
        facts = json.loads(line)
        assert isinstance(facts, dict)
        return facts

    def family(self) -> list[psutil.Process]:
        """Its processes, itself first."""
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def part(self, words: str) -> psutil.Process:
        """The child whose command line has these words."""
        (found,) = (
            child
            for child in psutil.Process(self.process.pid).children()
            if words in " ".join(child.cmdline())
        )
        return found

    def end(self, number: signal.Signals) -> int:
        """Sends a signal; its exit code, once nothing of it is left."""
        family = self.family()
        self.process.send_signal(number)
        code = self.process.wait(GONE_WITHIN_S)
        left = psutil.wait_procs(family[1:], 5)[1]
        left = [process for process in left if process.status() != psutil.STATUS_ZOMBIE]
        assert not left, f"{left}\n{self.log.read_text()}"
        return code

    def rest_of_stdout(self) -> bytes:
        """What came after the ready line, now that it has ended."""
        assert self.process.stdout is not None
        return self.process.stdout.read()

    def logs(self) -> str:
        """The ends of all its logs."""
        folder = self.data / "log"
        if not folder.exists():
            return ""
        return "\n".join(
            f"--- {log.name}\n{log.read_text(errors='replace')[-2_000:]}"
            for log in sorted(folder.iterdir())
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            family = self.family()
            self.process.kill()
            psutil.wait_procs(family, GONE_WITHIN_S)
        if self.process.stdout is not None:
            self.process.stdout.close()
        assert wait_until(lambda: self.process.poll() is not None, GONE_WITHIN_S)
