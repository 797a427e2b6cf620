"""Where ingestion notices that it is blind, as changes for the ledger to keep (promise 4).

`blind`: no session with the broker for a while. `session_lost`: the broker has forgotten us, so
that something may be missing. `rejections`: far more is rejected than anybody can look at. What the
database cannot be told (that it takes nothing, `stalled`) shows in metrics and readiness only, and
gaps have rows of their own.
"""

from typing import Final

from domain.instant import DAY_US, SECOND_US
from ingest.rejection_rate import RejectionRate
from ingest.work import SignalChange

BLIND_AFTER_US: Final = 10 * SECOND_US
"""A reconnect takes less; whoever looks at the list is not to be alarmed by it."""
SESSION_LOST_SHOWN_US: Final = DAY_US
"""A lost session is an event without an end; after a day nobody can mend what it cost."""


class Noticing:
    """Collects changes until a step takes them along.

    What an earlier process found may still stand in the ledger when it has died of it. So a kind
    that was never told of is told of at the first chance, also when there is nothing to it.
    """

    def __init__(self, rejections_per_minute: int) -> None:
        self._rejections = RejectionRate(rejections_per_minute)
        self._changes: list[SignalChange] = []
        self._away_since: int | None = None
        self._blind: bool | None = None
        """As told; None not yet."""
        self._flooded: bool | None = None
        """The same."""

    @property
    def flooded(self) -> bool:
        """Whether far too much is being rejected."""
        return self._flooded is True

    @property
    def pending(self) -> bool:
        """Whether there is something to keep."""
        return bool(self._changes)

    def take(self) -> tuple[SignalChange, ...]:
        """The changes since the last call, in order."""
        changes = tuple(self._changes)
        self._changes.clear()
        return changes

    def rejected(self, messages: int, now: int) -> None:
        """So many messages were rejected."""
        self._rejections.note(messages, now)

    def session_lost(self, detail: str, now: int) -> None:
        """The broker has no session of ours any more."""
        until_at = now + SESSION_LOST_SHOWN_US
        self._changes.append(SignalChange("session_lost", now, until_at, detail))

    def tick(self, now: int, *, connected: bool) -> None:
        """About a second has passed."""
        self._look_for_the_broker(now, connected=connected)
        flooded = self._rejections.beyond(now)
        if flooded != self._flooded:
            self._flooded = flooded
            detail = f"{self._rejections.per_minute(now):,} messages rejected within a minute"
            self._changes.append(SignalChange("rejections", now, None if flooded else now, detail))

    def _look_for_the_broker(self, now: int, *, connected: bool) -> None:
        if connected:
            self._away_since = None
            if self._blind is not False:
                self._blind = False
                self._changes.append(SignalChange("blind", now, now, ""))
            return
        if self._away_since is None:
            self._away_since = now
        if self._blind is not True and now - self._away_since >= BLIND_AFTER_US:
            self._blind = True
            detail = "no session with the broker: no reading arrives"
            self._changes.append(SignalChange("blind", self._away_since, None, detail))
