"""The rows of the table, in order: what each is, what it is held against, and the bar."""

from typing import Final

from bench.stages import STAGES
from bench.table import Bar, Line

_NULL: Final = "null subscriber"
_COPY: Final = "bare COPY"
_SPEED: Final = "readings/s"
_CPU: Final = "us/reading"


def _cpu(title: str, key: str, null: str, ours_limit: float) -> tuple[Line, ...]:
    return (
        Line(
            f"{title}, our CPU",
            f"{key}.ours_us",
            _CPU,
            _NULL,
            f"{null}.ours_us",
            Bar("figure", "<=", ours_limit),
        ),
        Line(f"{title}, broker's CPU", f"{key}.broker_us", _CPU, _NULL, f"{null}.broker_us"),
        Line(f"{title}, database's CPU", f"{key}.database_us", _CPU, _COPY, "copy.database_us"),
        Line(f"{title}, generator's CPU", f"{key}.generator_us", _CPU),
    )


def _split(title: str, key: str, whole: str) -> tuple[Line, ...]:
    return tuple(
        Line(f"{title}, {stage}", f"{key}.{stage}_us", _CPU, "all our CPU", f"{whole}.ours_us")
        for stage in STAGES
    )


def _times(against: str, name: str, bar: Bar | None = None) -> Line:
    key = f"{name}.readings_s"
    return Line(
        "end to end, 1 a message", "ours.readings_s", _SPEED, against, key, bar, compares=True
    )


def _latency(load: str, key: str, bar: Bar | None = None) -> tuple[Line, ...]:
    return tuple(
        Line(
            f"publish to screen at {load}, p{share:g}",
            key,
            "ms",
            "broker's puback",
            f"{key}.broker",
            bar if share == 99.0 else None,
            share,
        )
        for share in (50.0, 99.0, 99.9)
    )


LINES: Final = (
    Line("null subscriber, 1 a message", "null.readings_s", _SPEED),
    Line(
        "end to end, 1 a message",
        "ours.readings_s",
        _SPEED,
        _NULL,
        "null.readings_s",
        Bar("ratio", ">=", 0.9),
    ),
    *_cpu("1 a message", "ours", "null", 12.0),
    Line("null subscriber, 20 a message", "null20.readings_s", _SPEED),
    Line(
        "end to end, 20 a message",
        "ours20.readings_s",
        _SPEED,
        _NULL,
        "null20.readings_s",
        Bar("figure", ">=", 150_000),
    ),
    *_cpu("20 a message", "ours20", "null20", 6.0),
    *_split("1 a message", "stages", "ours"),
    *_split("20 a message", "stages20", "ours20"),
    Line("1 % duplicates", "duplicates.readings_s", _SPEED, _NULL, "null.readings_s"),
    Line("1 % late, committed", "late.stored_s", _SPEED, _NULL, "null.readings_s"),
    Line("1 % late, all of it judged", "late.readings_s", _SPEED, _NULL, "null.readings_s"),
    Line("with seq and boot", "seq.readings_s", _SPEED, _NULL, "null.readings_s"),
    Line(
        "end to end, 1 a message",
        "ours.readings_s",
        _SPEED,
        _COPY,
        "copy.readings_s",
        compares=True,
    ),
    Line(
        "end to end, 20 a message",
        "ours20.readings_s",
        _SPEED,
        _COPY,
        "copy.readings_s",
        compares=True,
    ),
    _times("paho, an INSERT each", "paho", Bar("ratio", ">=", 20)),
    _times("aiomqtt, 500 a batch", "aiomqtt", Bar("ratio", ">=", 4)),
    _times("Node-RED", "node-red"),
    *_latency("1,000/s", "latency.1000"),
    *_latency("10,000/s", "latency.10000", Bar("figure", "<", 500)),
    *_latency("70 % of the most", "latency.most"),
    *(
        Line(
            f"publish to 400 screens, p{share:g}",
            "crowd",
            "ms",
            bar=bar,
            percentile=share,
        )
        for share, bar in ((50.0, None), (99.0, Bar("figure", "<", 1_000)))
    ),
    Line("500 screens, memory of serve", "crowd.memory_mb", "MB", "before", "crowd.begin_mb"),
    Line("500 screens, events lost to the frozen", "crowd.lost", "", bar=Bar("figure", "<=", 0)),
    Line("1,000,000 wearers, our memory", "memory.most_mb", "MB", bar=Bar("figure", "<=", 700)),
    Line("1,000,000 wearers, its change", "memory.change", "%", bar=Bar("figure", "<=", 10)),
    Line("1,000,000 wearers, until ready", "memory.ready_s", "s"),
    Line(
        "1,000,000 wearers, ready after kill -9",
        "memory.again_s",
        "s",
        "first start",
        "memory.ready_s",
        Bar("figure", "<=", 15),
    ),
    Line(
        "all rules, 10,000 a batch of 1,000,000",
        "rules.all_us",
        _CPU,
        "rows out and in",
        "rules.moved_us",
        Bar("figure", "<=", 3),
    ),
    Line("rule state", "rules.bytes", "B/wearer", bar=Bar("figure", "<=", 200)),
    Line(
        "others held up by 50,000 late readings",
        "burst.held_ms",
        "ms",
        "before",
        "burst.calm_ms",
        Bar("figure", "<=", 500),
    ),
    Line("until those are judged", "burst.judged_s", "s", bar=Bar("figure", "<=", 5)),
)
