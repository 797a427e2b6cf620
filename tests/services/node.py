"""Node with all that `console/package-lock.json` names, also what only tests need."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hatch_build
from hatch_build import Node

CONSOLE = Path(__file__).resolve().parents[2] / "console"


def installed(*, page: bool) -> Node:
    """The Node that builds the page, its packages installed; and with `page` the page built."""
    found = hatch_build.node_on_path() or hatch_build.node_of_wheel()
    assert found is not None, "no Node: see hatch_build.py"
    with _one_at_a_time():
        if page:
            # First: where the lock has changed, building leaves only what building needs.
            hatch_build.build(CONSOLE)
        if missing(CONSOLE):
            hatch_build.run(found.run_npm("ci", "--ignore-scripts"), CONSOLE, found)
    assert not missing(CONSOLE)
    return found


def missing(console: Path) -> list[str]:
    """The packages for tests that are not installed as the lock has them."""
    wanted = _packages(console / "package-lock.json")
    # npm's note of what it put there.
    there = _packages(console / "node_modules" / ".package-lock.json")
    return [
        path
        for path, package in wanted.items()
        if package.get("dev") and not package.get("optional")
        if there.get(path, {}).get("integrity") != package["integrity"]
    ]


def _packages(lock: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    if lock.is_file():
        found = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return found


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Tests in other processes wait here until the first has installed and built."""
    folder = os.open(CONSOLE, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
