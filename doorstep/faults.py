"""Arms one fault point from the environment, so that a test can have this process die there.

`DOORSTEP_FAULT=committed` is death the first time that point is reached, `committed:3` the third
time. Death is at once: no destructor, no flush, no farewell to broker or database. It refuses what
is no fault point: a test that never dies would prove nothing.
"""

import logging
import os
from collections.abc import Callable, Mapping
from typing import Final

from domain import faults
from domain.faults import Die, Point
from doorstep.settings import ConfigurationError

VARIABLE: Final = "DOORSTEP_FAULT"
EXIT_CODE: Final = 137
"""That of a process that somebody has killed."""

log = logging.getLogger(__name__)


def arm(environment: Mapping[str, str]) -> None:
    """Sets up what the environment asks for, if it does. Raises `ConfigurationError`."""
    asked = environment.get(VARIABLE)
    if asked:
        name, colon, times = asked.partition(":")
        if name not in {*Point} or (colon and not times.isdecimal()) or times == "0":
            points = ", ".join(Point)
            raise ConfigurationError(f"{VARIABLE}: {asked!r} is none of {points}; POINT or POINT:3")
        log.warning("this process is going to die", extra={"fault": asked})
        faults.reached = Deadly(Point(name), int(times or 1), _die)


class Deadly:
    """A `domain.faults.Reached` that ends the process when a point is reached so many times."""

    def __init__(self, point: Point, times: int, die: Die) -> None:
        self._point = point
        self._left = times
        self._die = die

    def __call__(self, point: Point, last_act: Callable[[Die], object] | None = None, /) -> None:
        """Dies, or counts, or does nothing."""
        if point is not self._point:
            return
        self._left -= 1
        if self._left == 0:
            if last_act is not None:
                last_act(self._die)
            else:
                self._die()


def _die() -> None:
    os._exit(EXIT_CODE)
