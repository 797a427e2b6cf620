"""The round of deadlines in the serving process: looks every second for what is overdue.

Beside the dispatcher, in a task of its own. Any number of serving processes may run it. What passed
while none ran is found at the first look.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from store.deadlines import AT_ONCE

EVERY_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 5.0

log = logging.getLogger(__name__)


async def keep(fire: Callable[[], int], passing: tuple[type[Exception], ...]) -> None:
    """Runs until cancelled. A database that is away is waited for; anything else is raised."""
    pause_s, away = EVERY_S, False
    while True:
        try:
            fired = await asyncio.to_thread(fire)
        except passing as error:
            if not away:
                log.warning("cannot look for deadlines", extra={"error": str(error)})
            away, fired, pause_s = True, 0, min(pause_s * 2, _LONGEST_PAUSE_S)
        else:
            away, pause_s = False, EVERY_S
        if fired:
            log.info("passed on", extra={"alerts": fired})
        if fired < AT_ONCE:
            await asyncio.sleep(pause_s)
