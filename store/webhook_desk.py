"""What the HTTP side may ask of the database about webhooks: the port of `alerts.api.webhooks`."""

from typing import Any

from alerts.casework import Page
from alerts.delivery import Consumer, State
from alerts.staff import Staff
from alerts.subscription import Changes, Subscription
from store import webhook_deeds, webhooks
from store.pool import Pool
from store.webhook_deeds import By


class WebhookDesk:
    """The questions, each with the grids of who asks. Threads may share it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def listed(self, staff: Staff, now: int) -> list[dict[str, Any]]:
        """All of them."""
        with self._pool.of(staff) as connection:
            return webhooks.listed(connection, _grids(staff), now)

    def one(self, staff: Staff, id_: str, now: int) -> dict[str, Any] | None:
        """One of them."""
        with self._pool.of(staff) as connection:
            return webhooks.one(connection, _grids(staff), id_, now)

    def add(self, staff: Staff, wanted: Subscription, secret: str, now: int) -> bool:
        """Makes one; False when there are too many."""
        with self._pool.of(staff) as connection:
            return webhook_deeds.add(connection, _by(staff), wanted, secret, now)

    def change(self, staff: Staff, id_: str, changes: Changes, now: int) -> bool:
        """Changes one; False when there is none."""
        with self._pool.of(staff) as connection:
            return webhook_deeds.change(connection, _by(staff), id_, changes, now)

    def remove(self, staff: Staff, id_: str) -> bool:
        """Takes one away."""
        with self._pool.of(staff) as connection:
            return webhook_deeds.remove(connection, _by(staff), id_)

    def rotate(self, staff: Staff, id_: str, secret: str, span: tuple[int, int]) -> bool:
        """A new secret; the old one counts beside it within `span` (now, until)."""
        with self._pool.of(staff) as connection:
            return webhook_deeds.rotate(connection, _by(staff), id_, secret, span)

    def deliveries(
        self, staff: Staff, id_: str, state: State | None, page: tuple[str | None, int]
    ) -> Page | None:
        """What became of events. Raises `BadCursor`."""
        with self._pool.of(staff) as connection:
            if not webhooks.known(connection, _grids(staff), id_):
                return None
            return webhooks.deliveries(connection, _grids(staff), id_, state, page)

    def resend(self, staff: Staff, id_: str, event_id: int, now: int) -> bool | None:
        """Has an event sent again; None: no such event there, False: too much waits already."""
        with self._pool.of(staff) as connection:
            return webhook_deeds.resend(connection, _by(staff), id_, event_id, now)

    def to_test(self, staff: Staff, id_: str, now: int) -> Consumer | None:
        """One of them as a sender gets it: its secrets are for the service alone."""
        with self._pool.of(staff) as connection:
            webhook_deeds.tested(connection, _by(staff), id_)
        with self._pool.of_service() as connection:
            return webhooks.consumer(connection, _grids(staff), id_, now)


def _grids(staff: Staff) -> list[int]:
    return list(staff.grids.values())


def _by(staff: Staff) -> By:
    return By(staff.id, tuple(staff.grids.values()))
