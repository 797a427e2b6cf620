"""How long a source waits before it connects again: exponential, jittered, bounded.

Pure: the random number is an argument and time is a length, so that the schedule can be tested as
a table. It refuses to sleep, to count connections or to know why one ended; `reconnect` does that.
"""

FLOOR_S = 0.5
CEILING_S = 30.0
SETTLED_S = 10.0
"""A connection that lived this long was a success; a shorter one counts as one more failure."""
CONTESTED_FAILURES = 6
"""Enough failures to reach the ceiling: two clients that share an id must not fight each other."""


def delay_s(failures: int, draw: float) -> float:
    """Seconds to wait after `failures` failures in a row (at least 1); `draw` is in 0..1.

    The ceiling doubles with each failure and the draw picks from its upper half, so that many
    services cut off together do not come back together, and none comes back at once.
    """
    assert failures >= 1
    assert 0.0 <= draw <= 1.0
    doublings = min(failures, CONTESTED_FAILURES)
    return min(CEILING_S, FLOOR_S * 2.0**doublings) * (0.5 + draw / 2)


def failures_after(failures: int, connected_s: float, *, contested: bool) -> int:
    """The count of failures in a row once a connection that worked `connected_s` has ended."""
    if contested:
        return CONTESTED_FAILURES
    return 1 if connected_s >= SETTLED_S else failures + 1
