"""What can be measured, in the order of a round, and what each is held against."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from bench import baselines, burst, copying, crowd, endtoend, latency, memory, stages
from bench.load import Stream
from bench.world import World

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
    "stages": lambda there, scale: stages.split(there, _scaled(endtoend.SINGLE, scale), "stages"),
    "stages20": lambda there, scale: stages.split(
        there, _scaled(endtoend.PACKED, scale), "stages20"
    ),
    "copy": lambda there, scale: copying.bare(there, _scaled(endtoend.SINGLE, scale)),
    "paho": baselines.paho,
    "aiomqtt": baselines.aiomqtt,
    "node-red": baselines.flow,
    "latency": latency.latencies,
    "crowd": crowd.crowded,
    "burst": burst.upload,
    "memory": lambda there, _scale: memory.million(there, there.minutes),
}
ONCE: Final = ("burst", "crowd", "memory")
"""Measured in the first round only: a run of minutes is steady in itself."""
NEEDS: Final = {
    "ours": ("null",),
    "ours20": ("null20",),
    "duplicates": ("null",),
    "late": ("null",),
    "seq": ("null",),
    "copy": ("stages",),
    "stages": ("ours",),
    "stages20": ("ours20",),
    "paho": ("ours",),
    "aiomqtt": ("ours",),
    "node-red": ("ours",),
    "latency": ("ours",),
}
"""What gives a figure its baseline."""


def wanted(only: Sequence[str]) -> list[str]:
    """All, or those named and what they need, in order."""
    names = list(only or EXPERIMENTS)
    for name in names:
        names += [need for need in NEEDS.get(name, ()) if need not in names]
    return [name for name in EXPERIMENTS if name in names]
