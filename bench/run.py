"""`make bench`: one table of figures measured side by side, and their history.

    make bench
    make bench BENCH='--quick --only ours'

Candidates take turns in rounds, so that a machine that grows slower or faster does so for all of
them, and each row is the median of its rounds. Everything runs on this machine, as processes of
their own, and nothing is left of them.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench import endtoend, history, world
from bench.lines import LINES
from bench.load import Stream
from bench.table import rows, text
from bench.world import World
from domain.instant import format_rfc3339
from doorstep.clock import SystemClock

Measured = Mapping[str, float | Sequence[float]]
Experiment = Callable[[World, float], Measured]
"""Measures once; the second argument shrinks what is sent."""


def _null(name: str, stream: Stream) -> Experiment:
    return lambda there, scale: endtoend.null(there, _scaled(stream, scale)).named(name)


def _ours(name: str, stream: Stream) -> Experiment:
    return lambda there, scale: endtoend.ours(there, _scaled(stream, scale)).named(name)


def _scaled(stream: Stream, scale: float) -> Stream:
    return replace(stream, messages=round(stream.messages * scale))


EXPERIMENTS: Final[dict[str, Experiment]] = {
    "null": _null("null", endtoend.SINGLE),
    "ours": _ours("ours", endtoend.SINGLE),
    "null20": _null("null20", endtoend.PACKED),
    "ours20": _ours("ours20", endtoend.PACKED),
    "duplicates": _ours("duplicates", endtoend.REPEATED),
    "late": _ours("late", endtoend.LATE),
    "seq": _ours("seq", endtoend.NUMBERED),
}
NEEDS: Final = {
    "ours": ("null",),
    "ours20": ("null20",),
    "duplicates": ("null",),
    "late": ("null",),
    "seq": ("null",),
}
QUICK: Final = 0.25


def main(arguments: Sequence[str]) -> int:
    """Runs, prints the table, appends to the history; 0 whether the bars are met or not."""
    options = _options(arguments)
    names = _wanted(options.only)
    now = SystemClock().now()
    print(f"bench: {', '.join(names)}; {options.rounds} rounds", file=sys.stderr)
    samples: dict[str, list[float]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="doorstep-bench-") as folder,
        world.standing(Path(folder), now, options.tier, dict(options.set)) as there,
    ):
        for number in range(options.rounds):
            for name in names:
                begun = time.monotonic()
                measured = EXPERIMENTS[name](there, QUICK if options.quick else 1.0)
                for key, value in measured.items():
                    values = value if isinstance(value, Sequence) else (value,)
                    samples.setdefault(key, []).extend(values)
                took = f"{time.monotonic() - begun:.1f} s"
                print(f"bench: round {number + 1}: {name}, {took}", file=sys.stderr)
    table = rows(LINES, samples)
    machine = history.Machine.this()
    print(_heading(options, machine))
    print(text(table))
    if not options.dry:
        history.append(table, format_rfc3339(now), machine)
    return 0


def _wanted(only: Sequence[str]) -> list[str]:
    wanted = set(only or EXPERIMENTS)
    for name in only:
        wanted.update(NEEDS.get(name, ()))
    return [name for name in EXPERIMENTS if name in wanted]


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
    return options


def _setting(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError("NAME=VALUE")
    return name, value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
