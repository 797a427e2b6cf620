"""What the HTTP side needs from outside: the database's answers, the clocks, the page's files.

`doorstep serve` fills these in. `store.desk.Desk` has the shape of `Desk`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from alerts.api.access_port import AccessDesk
from alerts.api.audit_port import AuditDesk
from alerts.api.location_port import LocationDesk
from alerts.api.truth_port import TruthDesk
from alerts.api.webhook_ports import Webhooks
from alerts.casework import AlertQuery, Answer, Deed, LoggedEvent, Page, Window
from alerts.dispatcher import Dispatcher
from alerts.notification import Tried
from alerts.signals import Horizon, Query, Standing
from alerts.staff import Staff


class Desk(Protocol):
    """The questions. Every answer is limited to the grids of the member of staff who asks.

    `None` means that there is no such thing in those grids. Every call may raise what is listed in
    `Ports.unavailable`. Threads share it.
    """

    def ready(self) -> list[str]:
        """Why nothing can be answered, one reason a line; empty when it can."""
        ...

    def alerts(self, staff: Staff, grid: str | None, query: AlertQuery) -> Page:
        """Alerts, most urgent first. Raises `BadCursor`."""
        ...

    def alert(self, staff: Staff, alert_id: str) -> dict[str, Any] | None:
        """One alert with the readings behind it; with `who` for roles that go there."""
        ...

    def alert_events(self, staff: Staff, alert_id: str) -> list[dict[str, Any]] | None:
        """The log of one alert, oldest first."""
        ...

    def act(self, staff: Staff, alert_id: str, deed: Deed, now: int) -> Answer:
        """Does what somebody says, or says why not."""
        ...

    def events_since(self, staff: Staff, grid: str | None, event_id: int) -> list[LoggedEvent]:
        """Events after one, in order, a bounded number."""
        ...

    def last_event_id(self) -> int:
        """The newest event's id, of all grids."""
        ...

    def alert_counts(self) -> Mapping[tuple[str, str, str], int]:
        """How many alerts are not closed: (severity, response, condition) -> number."""
        ...

    def episodes(
        self, staff: Staff, grid: str | None, after: str | None, limit: int, now: int
    ) -> Page:
        """People under care in the order of their ids, without names."""
        ...

    def episode(self, staff: Staff, episode_id: str, now: int) -> dict[str, Any] | None:
        """One of them; with names for roles that go there."""
        ...

    def readings(self, staff: Staff, episode_id: str, window: Window) -> Page | None:
        """Their vitals, in order of time. Raises `BadCursor`."""
        ...

    def rejections(
        self, staff: Staff, device: str | None, after: str | None, limit: int
    ) -> Page | None:
        """What did not become a reading."""
        ...

    def gaps(
        self, staff: Staff, device: str | None, page: tuple[str | None, int], now: int
    ) -> Page | None:
        """Sequence numbers that are missing; `page` is cursor and limit. Raises `BadCursor`."""
        ...

    def signals(self, staff: Staff, horizon: Horizon, query: Query) -> Page:
        """Where the service is blind, the newest first."""
        ...

    def blindness(self, horizon: Horizon) -> Mapping[str, bool]:
        """Kind of signal -> whether it is active anywhere; of the kinds that this process shows."""
        ...

    def standing_signals(self, horizon: Horizon) -> Mapping[str, Standing]:
        """What is active now, of all grids, without gaps; for those who listen."""
        ...


class Notifier(Protocol):
    """What tells staff by their contacts."""

    async def test(self, staff: str) -> list[Tried] | None:
        """Tries every contact of a member; None if there is no such member."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything the application is given."""

    desk: Desk
    access: AccessDesk
    truth: TruthDesk
    audit: AuditDesk
    location: LocationDesk
    dispatcher: Dispatcher
    now: Callable[[], int]
    """The service's clock, microseconds since the epoch; a demonstration runs it faster."""
    real_now: Callable[[], int]
    """The time of day, for tokens, sessions and sign-ins."""
    clock_factor: float
    """How many times as fast as the time of day `now` runs."""
    console: Path
    """The folder of the page's files; it may be missing."""
    unavailable: tuple[type[Exception], ...]
    """What the desk raises while the database cannot answer."""
    webhooks: Webhooks
    notifier: Notifier
    deliveries: Callable[[], Mapping[tuple[str, str], int]]
    """What this process has handed to subscribers: (kind, result) -> number."""
    deadlines_overdue: Callable[[], int] = int
    """Deadlines that passed a minute ago and more, and have not fired."""
    canary_ages: Callable[[], Mapping[tuple[str, str], float]] = dict
    """(Grid, hop) -> seconds since the newest canary that came past it was sent."""
