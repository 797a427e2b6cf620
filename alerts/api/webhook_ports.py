"""What the webhook routes need from outside; `doorstep serve` fills it in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from alerts.casework import Page
from alerts.delivery import Answer, Consumer, State
from alerts.staff import Staff
from alerts.subscription import Changes, Subscription


class WebhookDesk(Protocol):
    """The questions about webhooks, all of whose grids are the asking member's.

    Threads share it. `now` is real time. Every call may raise what is in `Ports.unavailable`.
    """

    def listed(self, staff: Staff, now: int) -> list[dict[str, Any]]:
        """All of them."""
        ...

    def one(self, staff: Staff, id_: str, now: int) -> dict[str, Any] | None:
        """One of them."""
        ...

    def add(self, staff: Staff, wanted: Subscription, secret: str, now: int) -> bool:
        """Makes one; False when there are too many."""
        ...

    def change(self, staff: Staff, id_: str, changes: Changes, now: int) -> bool:
        """Changes one; False when there is none, as below."""
        ...

    def remove(self, staff: Staff, id_: str) -> bool:
        """Takes one away, with its log."""
        ...

    def rotate(self, staff: Staff, id_: str, secret: str, span: tuple[int, int]) -> bool:
        """A new secret; the old one counts beside it within `span` (now, until)."""
        ...

    def deliveries(
        self, staff: Staff, id_: str, state: State | None, page: tuple[str | None, int]
    ) -> Page | None:
        """What became of events; `page` is cursor and limit. Raises `BadCursor`."""
        ...

    def resend(self, staff: Staff, id_: str, event_id: int, now: int) -> bool | None:
        """Has an event sent again; None: no such event there, False: too much waits already."""
        ...

    def to_test(self, staff: Staff, id_: str, now: int) -> Consumer | None:
        """One of them as a sender gets it; that the member tests it is entered."""
        ...


class Poster(Protocol):
    """What sends a test message."""

    @property
    def private(self) -> bool:
        """Whether private addresses are allowed."""
        ...

    async def post(self, consumer: Consumer, message_id: str, body: Mapping[str, Any]) -> Answer:
        """Sends it, once."""
        ...


@dataclass(frozen=True, slots=True)
class Webhooks:
    """What these routes are given."""

    desk: WebhookDesk
    poster: Poster
    new_secret: Callable[[], str]
