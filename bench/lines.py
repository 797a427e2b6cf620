"""The rows of the table, in order: what each is, what it is held against, and the bar."""

from typing import Final

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
    Line("1 % duplicates", "duplicates.readings_s", _SPEED, _NULL, "null.readings_s"),
    Line("1 % late", "late.readings_s", _SPEED, _NULL, "null.readings_s"),
    Line("with seq and boot", "seq.readings_s", _SPEED, _NULL, "null.readings_s"),
)
