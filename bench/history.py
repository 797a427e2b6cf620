"""Appends the rows of a run to bench/history.csv, with the commit and the machine they are of."""

import csv
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

from bench.processes import ROOT
from bench.table import Row

FILE: Final = Path(__file__).with_name("history.csv")
COLUMNS: Final = (
    *("commit", "at", "cpu", "cores", "kernel", "how"),
    *("row", "figure", "unit", "against", "baseline", "ratio"),
)


@dataclass(frozen=True, slots=True)
class Machine:
    """What the figures depend on beside the code."""

    cpu: str
    cores: int
    kernel: str

    @staticmethod
    def this() -> "Machine":
        """The one we run on."""
        cpu = platform.processor() or platform.machine()
        information = Path("/proc/cpuinfo")
        if information.exists():
            for line in information.read_text().splitlines():
                name, _, value = line.partition(":")
                if name.strip() == "model name":
                    cpu = value.strip()
                    break
        return Machine(cpu, os.cpu_count() or 0, platform.release())


def commit() -> str:
    """The commit that is checked out; with a + when files differ from it."""
    return _git("rev-parse", "--short=10", "HEAD") + (
        "+" if _git("status", "--porcelain", "--", ".", ":!bench/history.csv") else ""
    )


def append(table: Sequence[Row], at: str, machine: Machine, how: str, file: Path = FILE) -> None:
    """Adds a line for each row; `how` tells short runs and other settings from the plain ones."""
    new = not file.exists()
    which = (commit(), at, *astuple(machine), how)
    with file.open("a", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        if new:
            writer.writerow(COLUMNS)
        for row in table:
            baseline = "" if row.baseline is None else _plain(row.baseline)
            ratio = "" if row.ratio is None else _plain(row.ratio)
            what = (row.name, _plain(row.figure), row.unit, row.against, baseline, ratio)
            writer.writerow((*which, *what))


def _plain(value: float) -> str:
    """Six digits that count, without an exponent."""
    return f"{value:.0f}" if abs(value) >= 1e5 else f"{value:.6g}"


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
