"""The console's own checks: its types, and the unit tests of its pure modules."""

import gzip
import json
import re
import subprocess

import pytest

import hatch_build
from tests.services.node import CONSOLE

pytestmark = pytest.mark.timeout(240)


def said(node: hatch_build.Node, script: str, *arguments: str) -> str:
    """What a program of a package says; it must say that all is well."""
    done = subprocess.run(
        [node.program, str(CONSOLE / "node_modules" / script), *arguments],
        cwd=CONSOLE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_types_hold(node: hatch_build.Node) -> None:
    words = said(node, "svelte-check/bin/svelte-check", "--fail-on-warnings")
    assert "0 errors and 0 warnings" in words


def test_the_pure_modules_do_what_they_say(node: hatch_build.Node) -> None:
    assert "failed" not in said(node, "vitest/vitest.mjs", "run", "--reporter=dot")


def test_the_lock_names_no_registry() -> None:
    lock = (CONSOLE / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert '"integrity"' in lock


def test_the_page_holds_what_it_is_meant_to_and_nothing_that_only_tests_need(
    node: hatch_build.Node,
) -> None:
    del node  # the page is built
    notices = (CONSOLE / "static" / "assets" / "third-party.md").read_text(encoding="utf-8")
    bundled = set(re.findall(r"^## (\S+) - ", notices, re.MULTILINE))
    wanted = json.loads((CONSOLE / "package.json").read_text(encoding="utf-8"))
    assert {"svelte", "uplot"} <= bundled
    assert not bundled & set(wanted["devDependencies"])


def test_the_page_is_light_for_an_old_phone(node: hatch_build.Node) -> None:
    """Compressed, script and style: at most two seconds of a line of 400 kbit/s."""
    del node
    assets = [
        path for path in (CONSOLE / "static" / "assets").iterdir() if path.suffix in {".js", ".css"}
    ]
    assert len(assets) >= 2
    assert sum(len(gzip.compress(path.read_bytes())) for path in assets) < 100_000
