"""Looks at lists of people, entered in the audit log: who looked, and at what it was narrowed to.

A page takes its lists again and again, and a stream that breaks is opened again: the same look of
the same member within `EVERY_US` is one entry. What one entry stands for is decided in 0023.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, cast

from fastapi import Request

from alerts.api.ports import Ports
from alerts.audit import What
from alerts.staff import Staff
from domain.instant import MINUTE_US

EVERY_US: Final = 10 * MINUTE_US
"""A shift of eight hours with a page open is 48 entries."""
ENTRIES: Final = 10_000
"""Looks that are remembered; the oldest are forgotten first, and are then entered once more."""

_Look = tuple[object, ...]


class Looks:
    """What was entered when. Threads share it; `now` is the real time, microseconds."""

    def __init__(self) -> None:
        self._entered: OrderedDict[_Look, int] = OrderedDict()
        self._lock = threading.Lock()

    def due(self, look: _Look, now: int) -> bool:
        """Whether it has to be entered."""
        with self._lock:
            at = self._entered.get(look)
            return at is None or now - at >= EVERY_US

    def entered(self, look: _Look, now: int) -> None:
        """It is in the log. Only then are its repetitions let go without an entry."""
        with self._lock:
            self._entered[look] = now
            self._entered.move_to_end(look)
            while len(self._entered) > ENTRIES:
                self._entered.popitem(last=False)


def looked(
    request: Request,
    ports: Ports,
    staff: Staff,
    what: What,
    narrowed: Mapping[str, str | None],
) -> None:
    """Enters a look at a list before it is answered, unless it is one of the last minutes'."""
    about = " ".join(f"{name}={word}" for name, word in narrowed.items() if word)
    grid = narrowed.get("grid")
    looks, now = cast("Looks", request.app.state.looks), ports.real_now()
    look = (staff.id, what, about, *staff.grid_nos(grid))
    if looks.due(look, now):
        ports.audit.enter(staff, what, about, grid)
        looks.entered(look, now)
