"""`python -m tests.crash`: see the package's docstring. Exit code 1 when a promise was broken."""

import argparse
import random
import sys

import typer

from tests.crash.plans import KINDS, OWN, long, timed
from tests.crash.runner import crash
from tests.crash.serving import BROKER, crash_serve, plan

LONG_BROKER = "mosquitto-2.1"
LONG_PER_S = 2_000
PER_S = 300


def main() -> int:
    """Runs what the arguments ask for."""
    parser = argparse.ArgumentParser("tests.crash", description="Kills everything, loses nothing.")
    parser.add_argument("--seed", type=int, help="of a run that is to be repeated")
    parser.add_argument("--seconds", type=float, default=60, help="how long faults go on")
    parser.add_argument("--rate", type=float, help=f"messages a second ({PER_S}, {LONG_PER_S})")
    parser.add_argument("--broker", choices=sorted(OWN), help="this one; otherwise all")
    parser.add_argument("--only", choices=KINDS, action="append", help="this fault, of all")
    parser.add_argument(
        "--long", action="store_true", help="100 kills and the rest, half an hour on mosquitto-2.1"
    )
    parser.add_argument("--serve", action="store_true", help="twenty kills of serve, nothing else")
    asked = parser.parse_args()
    seed = random.SystemRandom().randrange(2**32) if asked.seed is None else asked.seed
    if asked.serve:
        return 0 if crash_serve(plan(seed, asked.broker or BROKER), typer.echo) else 1
    if asked.long:
        plans = [long(asked.broker or LONG_BROKER, seed, asked.rate or LONG_PER_S)]
    else:
        plans = [
            timed(broker, seed, asked.seconds, asked.rate or PER_S, asked.only or ())
            for broker in ([asked.broker] if asked.broker else sorted(OWN))
        ]
    good = [crash(each, typer.echo) for each in plans]
    if not (asked.long or asked.broker or asked.only):
        good.append(crash_serve(plan(seed), typer.echo))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
