"""What a band keeps of what it has sent, until the service says that it is committed.

Theory of operation. A puback is the broker's word, and a broker can be wiped; a receipt is the
service's (contract section 3). So a band holds the numbers it has sent: a receipt lets go of all up
to its `seq` except what it names as missing, and what is missing and still held is sent again. When
no receipt has come for a time (the service sends one at least every five minutes), what is held is
sent again from the oldest, a bounded part of it; after the third time in vain it is left at that,
until there is a receipt: a service may not send any. What is sent again is the same readings, which
the service knows by their content.

A sample is a function of its tick, so a run of numbers and the tick of the first is all there is to
hold. How long a band remembers is the band's business (`forget`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from domain.instant import MINUTE_US
from simulator.receipt import Receipt

PATIENCE_US: Final = 6 * MINUTE_US
"""How long a band waits for a receipt: the service's five minutes, and one for the way."""
TRIES: Final = 3
"""How often all is sent again without a receipt in between."""
AGAIN_LIMIT: Final = 1_000
"""How many readings are sent again at one time for want of a receipt."""
_PAUSES: Final = 12
"""Into so many parts of the patience: receipts that go on naming what is on its way."""


@dataclass(frozen=True, slots=True)
class Run:
    """Samples with the numbers `first` to `last`, one a tick."""

    first: int
    last: int
    shift: int
    """A sample's tick less its number."""

    def part(self, low: int, high: int) -> "Run":
        """What of it is within low to high, which overlap it."""
        return Run(max(self.first, low), min(self.last, high), self.shift)


@dataclass(frozen=True, slots=True)
class Held:
    """What one band holds of its boot, in rising order, and since when it has been waiting."""

    runs: tuple[Run, ...] = ()
    wanted: tuple[Run, ...] = ()
    """Of these, what is to be sent again."""
    wanted_at: int = 0
    """Not before then."""
    heard_at: int = 0
    """The last receipt, or when there began to be something to wait for."""
    tries: int = 0
    """How often all was sent again since the last receipt."""


def sent(held: Held, samples: Iterable[tuple[int, int]], now: int) -> Held:
    """Holds what was sent for the first time: (number, tick), numbers higher than any before."""
    runs = [*held.runs]
    for number, tick in samples:
        if runs and runs[-1].last + 1 == number and runs[-1].shift == tick - number:
            runs[-1] = Run(runs[-1].first, number, runs[-1].shift)
        else:
            runs.append(Run(number, number, tick - number))
    return replace(held, runs=tuple(runs), heard_at=held.heard_at if held.runs else now)


def forget(held: Held, before_tick: int) -> Held:
    """Lets go of what was measured before a tick: memory is full."""
    if not held.runs or held.runs[0].first + held.runs[0].shift >= before_tick:
        return held
    return replace(
        held, runs=_since(held.runs, before_tick), wanted=_since(held.wanted, before_tick)
    )


def receipted(held: Held, receipt: Receipt, now: int) -> Held:
    """Lets go of what is committed, and wants to send again what is missing of what is held."""
    missing = _within(held.runs, receipt.missing, receipt.seq)
    return replace(
        held,
        runs=(*missing, *_above(held.runs, receipt.seq)),
        wanted=(*missing, *_above(held.wanted, receipt.seq)),
        heard_at=now,
        tries=0,
    )


def due_at(held: Held, patience_us: int) -> int | None:
    """When something is to be sent again, unless a receipt comes first; None: nothing is."""
    if held.wanted:
        return held.wanted_at
    if held.runs and held.tries < TRIES:
        return held.heard_at + patience_us
    return None


def again(
    held: Held, now: int, patience_us: int, limit: int
) -> tuple[Held, tuple[tuple[int, int], ...]]:
    """What is to be sent again now: at most `limit` of (number, tick), the oldest first."""
    at = due_at(held, patience_us)
    if at is None or at > now:
        return held, ()
    if not held.wanted:
        wanted = _first(held.runs, AGAIN_LIMIT)
        held = replace(held, wanted=wanted, heard_at=now, tries=held.tries + 1)
    part = _first(held.wanted, limit)
    rest = _above(held.wanted, part[-1].last)
    pause_us = 0 if rest else patience_us // _PAUSES
    samples = tuple(
        (number, number + run.shift) for run in part for number in range(run.first, run.last + 1)
    )
    return replace(held, wanted=rest, wanted_at=now + pause_us), samples


def count(runs: Sequence[Run]) -> int:
    """How many samples they are."""
    return sum(run.last - run.first + 1 for run in runs)


def _within(
    runs: Sequence[Run], ranges: Sequence[tuple[int, int]], highest: int
) -> tuple[Run, ...]:
    """What of the runs the ranges name, up to a number; each sample once, in rising order."""

    def parts() -> Iterator[Run]:
        for run in runs:
            low = run.first
            for begin, end in ranges:
                last = min(run.last, end, highest)
                if max(low, begin) <= last:
                    yield run.part(max(low, begin), last)
                    low = last + 1

    return tuple(parts())


def _above(runs: Sequence[Run], number: int) -> tuple[Run, ...]:
    return tuple(run.part(number + 1, run.last) for run in runs if run.last > number)


def _since(runs: Sequence[Run], tick: int) -> tuple[Run, ...]:
    return tuple(
        run.part(tick - run.shift, run.last) for run in runs if run.last + run.shift >= tick
    )


def _first(runs: Sequence[Run], limit: int) -> tuple[Run, ...]:
    """The first so many samples of them."""
    taken: list[Run] = []
    for run in runs:
        left = limit - count(taken)
        if left <= 0:
            break
        taken.append(run.part(run.first, run.first + left - 1))
    return tuple(taken)
