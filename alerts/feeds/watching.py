"""Looks every other second which signals stand, and has the dispatcher tell those who listen."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from alerts.dispatcher import Dispatcher
from alerts.signals import Standing

EVERY_S: Final = 2.0


async def watch(
    look: Callable[[], Mapping[str, Standing]],
    now: Callable[[], int],
    dispatcher: Dispatcher,
    passing: tuple[type[Exception], ...],
) -> None:
    """Runs until cancelled. `look` runs in a thread; while it fails, nothing is known to change."""
    while True:
        try:
            standing = await asyncio.to_thread(look)
        except passing:
            # Readiness and the stream itself say that the database is away.
            pass
        else:
            dispatcher.signals_are(standing, now())
        await asyncio.sleep(EVERY_S)
