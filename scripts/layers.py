#!/usr/bin/env python3
"""Runs the layers of tests, cheapest first, and ends with a table of counts and times.

    scripts/layers.py            every layer
    scripts/layers.py unit meta  these

A layer that runs no test, and a test that is skipped, count as failures: nothing here may look
green because it did not happen. Further arguments after `--` go to pytest.
"""

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAYERS = {
    "unit": ("tests/unit", "-n", "auto"),
    "golden": ("tests/golden", "-n", "auto"),
    "meta": ("tests/meta",),
    "sim": ("tests/simulation", "-n", "auto"),
    "it": ("tests/integration", "-n", "auto", "--dist", "loadfile"),
    "e2e": ("tests/acceptance",),
    "crash": ("tests/crash",),
}


@dataclass
class Layer:
    """How one layer went."""

    name: str
    folder: str
    code: int
    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def good(self) -> bool:
        """Whether it ran, and ran green."""
        return self.code == 0 and self.passed > 0 and self.failed == 0 and self.skipped == 0


def run(name: str, extra: list[str]) -> Layer:
    """Runs one layer and counts what its report says."""
    folder, *options = LAYERS[name]
    if "SEED" in os.environ and name == "sim":
        options = ["-s", "-k", "faults"]  # one world, and its trace
    report = ROOT / ".pytest_cache" / f"{name}.xml"
    report.unlink(missing_ok=True)
    print(f"\n--- {name}: {folder}", flush=True)
    begun = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", folder, *options, *extra]
    done = subprocess.run([*command, f"--junit-xml={report}"], cwd=ROOT, check=False)
    layer = Layer(name, folder, done.returncode, time.monotonic() - begun)
    if report.exists():
        for suite in ET.parse(report).getroot().iter("testsuite"):
            bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skipped = int(suite.get("skipped", 0))
            layer.failed += bad
            layer.skipped += skipped
            layer.passed += int(suite.get("tests", 0)) - bad - skipped
    return layer


def main(arguments: list[str]) -> int:
    """Runs what the arguments name and prints the table; 0 only when all of it is green."""
    split = arguments.index("--") if "--" in arguments else len(arguments)
    names, extra = arguments[:split] or list(LAYERS), arguments[split + 1 :]
    for name in names:
        if name not in LAYERS:
            print(f"layers: {name} is none of {', '.join(LAYERS)}", file=sys.stderr)
            return 2
    os.environ.setdefault("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev")
    layers = [run(name, extra) for name in names]

    print(f"\n{'layer':<8}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for layer in layers:
        remark = "" if layer.good else "  <- no tests ran" if not layer.passed else "  <- not green"
        counts = f"{layer.passed:>8}{layer.failed:>8}{layer.skipped:>9}{layer.seconds:>9.1f}"
        print(f"{layer.name:<8}{counts}{remark}")
    passed, failed, skipped = (
        sum(getattr(layer, what) for layer in layers) for what in ("passed", "failed", "skipped")
    )
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if all(layer.good for layer in layers) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
