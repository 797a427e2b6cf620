"""`make bench`: one table of figures measured side by side, and their history.

    make bench
    make bench BENCH='--quick --only ours'

Candidates take turns in rounds, so that a machine that grows slower or faster does so for all of
them, and each row is the median of its rounds. Everything runs on this machine, as processes of
their own, and nothing is left of them.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from bench import history, node_red, world
from bench.experiments import EXPERIMENTS, ONCE, wanted
from bench.lines import LINES
from bench.table import Samples, rows, text
from domain.instant import format_rfc3339
from doorstep.clock import SystemClock

QUICK: Final = 0.25


def main(arguments: Sequence[str]) -> int:
    """Runs, prints the table, appends to the history; 0 whether the bars are met or not."""
    options = _options(arguments)
    names = wanted(options.only)
    now = SystemClock().now()
    print(f"bench: {', '.join(names)}; {options.rounds} rounds", file=sys.stderr)
    # So that a plain `kill` ends all that was started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        samples = _measured(names, now, options)
    except (AssertionError, pytest.fail.Exception) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    table = rows(LINES, samples)
    machine = history.Machine.this()
    print(_heading(options, machine))
    print(text(table))
    if "node-red" in names and node_red.trouble():
        print(f"\nwithout Node-RED: {node_red.trouble()}")
    if not options.dry:
        history.append(table, format_rfc3339(now), machine, " ".join(arguments))
    return 0


def _measured(names: Sequence[str], now: int, options: argparse.Namespace) -> Samples:
    samples: dict[str, list[float]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="doorstep-bench-") as folder,
        world.standing(Path(folder), now, options.tier, dict(options.set)) as there,
    ):
        there.minutes = options.minutes
        for number in range(options.rounds):
            for name in names:
                if number and name in ONCE:
                    continue
                begun = time.monotonic()
                measured = EXPERIMENTS[name](there, QUICK if options.quick else 1.0)
                for key, value in measured.items():
                    values = value if isinstance(value, Sequence) else (value,)
                    samples.setdefault(key, []).extend(values)
                took = f"{time.monotonic() - begun:.1f} s"
                print(f"bench: round {number + 1}: {name}, {took}", file=sys.stderr)
    return samples


def _heading(options: argparse.Namespace, machine: history.Machine) -> str:
    database = "TimescaleDB" if options.tier == "timescale" else "PostgreSQL"
    return (
        f"{history.commit()} on {machine.cpu}, {machine.cores} cores, Linux {machine.kernel};"
        f" medians of {options.rounds} rounds\n"
        f"Mosquitto with its queues in memory ({', '.join(world.BROKER)});"
        f" {database}, fsync on ({', '.join(world.DATABASE)});"
        f" {world.LANES} connections publish at QoS 1\n"
    )


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Figures measured side by side.")
    parser.add_argument("--rounds", type=int, help="how often each is measured (3)")
    parser.add_argument("--quick", action="store_true", help="one round, a quarter of the messages")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        choices=EXPERIMENTS,
        metavar="NAME",
        help=f"only this, and what it is held against: {', '.join(EXPERIMENTS)}",
    )
    parser.add_argument("--minutes", type=float, help="of traffic for the memory (1)")
    parser.add_argument("--tier", choices=("plain", "timescale"), default="plain")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        metavar="NAME=VALUE",
        help="a setting of doorstep ingest, as MQTT__RECEIVE_MAXIMUM=4000",
    )
    parser.add_argument("--dry", action="store_true", help="do not append to bench/history.csv")
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.minutes = options.minutes or (0.3 if options.quick else 1.0)
    return options


def _setting(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError("NAME=VALUE")
    return name, value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
