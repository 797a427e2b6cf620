"""`python -m tests.crash`: see the package's docstring. Exit code 1 when a promise was broken."""

import argparse
import random
import sys

import typer

from tests.crash.nemesis import BROKERS, COMMON, DURABLE
from tests.crash.runner import Plan, crash


def main() -> int:
    """Runs what the arguments ask for."""
    parser = argparse.ArgumentParser("tests.crash", description="Kills everything, loses nothing.")
    parser.add_argument("--seed", type=int, help="of a run that is to be repeated")
    parser.add_argument("--seconds", type=float, default=60, help="how long faults go on")
    parser.add_argument("--rate", type=float, default=300, help="messages a second")
    parser.add_argument("--broker", choices=[*BROKERS, "both"], default="both")
    kinds = sorted({*COMMON, *DURABLE})
    parser.add_argument("--only", choices=kinds, action="append", help="this fault, of all")
    asked = parser.parse_args()
    seed = random.SystemRandom().randrange(2**32) if asked.seed is None else asked.seed
    brokers = list(BROKERS) if asked.broker == "both" else [asked.broker]
    plans = [
        Plan(broker, seed, asked.seconds, asked.rate, asked.only or BROKERS[broker])
        for broker in brokers
    ]
    good = [crash(plan, typer.echo) for plan in plans]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
