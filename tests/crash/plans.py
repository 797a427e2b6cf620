"""What a crash run goes through: which faults, when, for how long. All of it follows from the seed.

Three forms. The *timed* one draws faults until its time is over. The *short* one, of the tests,
gives each broker its share of the faults, each once, so that all brokers together go through all.
The *long* one is the one that a release has to stand: so many kills, crashes and one long outage.
"""

import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

KILL: Final = "kill_ingest"
COMMON: Final = (
    "cut_after_commit",
    "cut_before_commit",
    "cut_broker",
    "cut_database",
    "cut_settling",
    "fence_ingest",
    "fill_disk",
    "freeze_ingest",
    "kill_database",
    "kill_serve",
    "second_ingest",
    "stall_database",
    "steal_session",
    "stop_database",
)
"""Every broker is put through these, and through kills of ingestion."""
OWN: Final = {
    "mosquitto": ("kill_broker", "kill_calm_broker"),
    "mosquitto-2.1": ("kill_broker",),
    "nats": ("kill_broker",),
}
"""And each broker dies in full flow."""
FORGETFUL: Final = ("mosquitto", "mosquitto-2.1")
"""They write what they confirmed at the end of that turn of their loop, not before: killed in
between they lose a few messages, which devices that wait for receipts send again.
"""
LONG_ONLY: Final = ("outage",)
KINDS: Final = sorted({KILL, *COMMON, *LONG_ONLY, *(kind for own in OWN.values() for kind in own)})

OUTAGE_S: Final = 300.0
LONG_TIMES: Final = {KILL: 100, "kill_database": 5, "stop_database": 5}
BROKER_TIMES: Final = 10
"""How often in the long form; other faults twice, and the broker's own so often."""
OVERHEAD_S: Final = {
    KILL: 4.0,
    "second_ingest": 4.0,
    "fence_ingest": 4.0,
    "fill_disk": 3.0,
    "kill_broker": 6.0,
}
"""About what a fault takes beyond what it lasts, recovery included; what is not here, 2 s."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of the schedule."""

    after_s: float
    """Since the fault before it was over."""
    kind: str
    lasts_s: float
    waits: bool
    """Whether ingestion is to be well before."""

    @property
    def takes_s(self) -> float:
        """About how long, with the calm before it."""
        return self.after_s + self.lasts_s + OVERHEAD_S.get(self.kind, 2.0)

    @override
    def __str__(self) -> str:
        waits = "" if self.waits else " (during recovery)"
        return f"+{self.after_s:.1f}s {self.kind} {self.lasts_s:.1f}s{waits}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for."""

    broker: str
    seed: int
    seconds: float
    """How long messages are sent, about."""
    per_s: float
    faults: Iterator[Fault]
    nemesis_s: float
    """No fault begins later than this."""
    disk_mb: int


def timed(broker: str, seed: int, seconds: float, per_s: float, only: Sequence[str] = ()) -> Plan:
    """Faults at random until the time is over."""
    kinds = only or possible((*(KILL,) * 3, *COMMON, *OWN[broker] * 2))
    faults = _for_ever(_rng(seed), kinds)
    # About 250 bytes of disk a reading, and what the log and a new database take.
    return Plan(broker, seed, seconds, per_s, faults, seconds, 400 + int(seconds * per_s / 4_000))


def short(broker: str, seed: int, per_s: float) -> Plan:
    """This broker's share of the faults, each once, in an order at random."""
    share = COMMON[sorted(OWN).index(broker) :: len(OWN)]
    return _once(broker, seed, per_s, (*(KILL,) * 3, *share, *OWN[broker]), longest_freeze_s=12.0)


def long(broker: str, seed: int, per_s: float) -> Plan:
    """Everything, as often as `LONG_TIMES` has it, and one outage."""
    kinds = [kind for kind in (KILL, *COMMON) for _ in range(LONG_TIMES.get(kind, 2))]
    kinds += [*OWN[broker] * BROKER_TIMES, *LONG_ONLY]
    return _once(broker, seed, per_s, kinds, longest_freeze_s=40.0)


def possible(kinds: Sequence[str]) -> tuple[str, ...]:
    """Those that can be done here: only root can mount a disk and fill it."""
    root = os.geteuid() == 0
    return tuple(kind for kind in kinds if root or kind != "fill_disk")


def _once(
    broker: str, seed: int, per_s: float, kinds: Sequence[str], longest_freeze_s: float
) -> Plan:
    rng = _rng(seed)
    drawn = list(possible(kinds))
    rng.shuffle(drawn)
    faults = [_draw(rng, kind, (0.5, 2.0), longest_freeze_s) for kind in drawn]
    seconds = sum(fault.takes_s for fault in faults)
    disk_mb = 400 + int(seconds * per_s / 2_000)
    return Plan(broker, seed, seconds, per_s, iter(faults), float("inf"), disk_mb)


def _for_ever(rng: random.Random, kinds: Sequence[str]) -> Iterator[Fault]:
    """Every one comes once before any comes again."""
    drawn = list(kinds)
    while True:
        rng.shuffle(drawn)
        for kind in drawn:
            yield _draw(rng, kind, (1.0, 4.0), 12.0)


def _draw(
    rng: random.Random, kind: str, calm_s: tuple[float, float], longest_freeze_s: float
) -> Fault:
    if kind == "outage":
        lasts_s = OUTAGE_S
    elif kind == "freeze_ingest":
        lasts_s = rng.uniform(5.0, longest_freeze_s)
    else:
        lasts_s = rng.uniform(0.0, 3.0)
    return Fault(rng.uniform(*calm_s), kind, lasts_s, waits=rng.random() < 0.7)


def _rng(seed: int) -> random.Random:
    return random.Random(f"{seed} faults")
