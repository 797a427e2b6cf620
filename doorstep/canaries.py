"""Puts the canaries of the serving process together: its connection, its worker, its contacts."""

import logging
from collections.abc import Coroutine, Mapping, Sequence
from secrets import token_hex
from typing import Final

from alerts.canary import Sighting
from alerts.canary_watch import Limits
from alerts.feeds.alarms import Alarms
from alerts.feeds.canaries import LOOK_S, Canaries, World
from alerts.feeds.worker import Worker
from domain.instant import SECOND_US
from doorstep.clock import steady_us
from doorstep.feeds import Own, mqtt_feed
from doorstep.process import PASSING
from doorstep.settings import Settings
from store.canary_desk import CanaryDesk
from store.pool import Pool

SHOWN: Final = 200
"""Grids that have figures of their own; the others together have their oldest."""
_ANSWERS_US: Final = 30 * SECOND_US

log = logging.getLogger(__name__)


class Aviary:
    """The canaries, or none where they are switched off."""

    def __init__(self, settings: Settings, pool: Pool, own: Own) -> None:
        self._worker: Worker | None = None
        self._canaries: Canaries | None = None
        if not settings.canaries_fly:
            log.info("no canaries: they are off, or no broker is named")
            return
        # Not that of alerts: a broker that refuses canaries may break the connection they come on.
        self._link = mqtt_feed(settings)
        every_us = int(settings.canary.every_s * SECOND_US)
        overdue_us = int(settings.canary.overdue_s * SECOND_US)
        self._canaries = Canaries(
            World(
                link=self._link,
                feed=own.mqtt,
                desk=CanaryDesk(pool),
                now=settings.make_clock().now,
                steady=steady_us,
                new_mark=lambda: token_hex(16),
                standing_by=lambda: self._worker is not None and self._worker.standing_by,
                passing=PASSING,
            ),
            Limits(every_us, overdue_us, min(_ANSWERS_US, overdue_us)),
            Alarms(own.notify, settings.feeds.console_url.rstrip("/"), steady_us, LOOK_S),
        )

    def streamed(self, sightings: Sequence[Sighting]) -> None:
        """For the dispatcher."""
        if self._canaries is not None:
            self._canaries.streamed(sightings)

    def handed(self, sightings: Sequence[Sighting]) -> None:
        """For the worker."""
        if self._canaries is not None:
            self._canaries.handed(sightings)

    def running(self, worker: Worker) -> list[Coroutine[None, None, None]]:
        """What runs beside the worker until it is cancelled."""
        self._worker = worker
        return [] if self._canaries is None else [self._link.run(), self._canaries.run()]

    def ages(self) -> Mapping[tuple[str, str], float]:
        """(Grid, hop) -> seconds, of the first grids; under an empty name the oldest of others."""
        ages = {} if self._canaries is None else self._canaries.ages()
        shown = dict.fromkeys(sorted({grid for grid, _ in ages})[:SHOWN])
        found: dict[tuple[str, str], float] = {}
        for (grid, hop), age_s in ages.items():
            key = (grid.id if grid in shown else "", hop.value)
            found[key] = max(age_s, found.get(key, 0.0))
        return found
