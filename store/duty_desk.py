"""What the serving process asks about deadlines; beside `store.desk`, on the same pool."""

from alerts.escalation import Figures
from store import deadlines
from store.pool import Pool


class DutyDesk:
    """The deadlines. Threads may share it."""

    def __init__(self, pool: Pool, figures: Figures) -> None:
        self._pool = pool
        self._figures = figures

    def overdue_since(self, until: int) -> int:
        """How many deadlines had passed by then and have not fired."""
        with self._pool.of_service() as connection:
            return deadlines.overdue_since(connection, until)

    def fire(self, now: int) -> int:
        """Has the next ones told of what is overdue; see `store.deadlines.fire`."""
        with self._pool.of_service() as connection:
            return deadlines.fire(connection, now, self._figures)
