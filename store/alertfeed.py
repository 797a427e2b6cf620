"""New alert events as they are committed, for the one reader of a process.

Waits for `NOTIFY` on a connection of its own, made anew when it breaks. A wake-up that is lost
costs a second, never an event: what is read goes by event ids alone.
"""

import psycopg

from alerts.canary import Sighting
from alerts.casework import LoggedEvent
from store.alertread import SINCE
from store.alertrows import CHANNEL
from store.canaries import Place
from store.errors import translated


class AlertFeed:
    """One asynchronous connection. Every call raises `store.errors.StoreError` while it is away."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._connection: psycopg.AsyncConnection | None = None
        self._canaries = Place()

    async def last_id(self) -> int:
        """The newest event's id; 0 before the first."""
        with translated():
            connection = await self._connected()
            cursor = await connection.execute("SELECT last_event_id FROM event_counter")
            row = await cursor.fetchone()
        assert row is not None
        return int(row[0])

    async def after(self, event_id: int, limit: int) -> list[LoggedEvent]:
        """Events after one, in order, of all grids."""
        with translated():
            connection = await self._connected()
            cursor = await connection.execute(SINCE, [event_id, None, None, limit])
            return [LoggedEvent(*row) for row in await cursor.fetchall()]

    async def canaries(self) -> list[Sighting]:
        """Those that have come since the last call; none at the first."""
        with translated():
            return await self._canaries.new(await self._connected())

    async def wait(self, timeout_s: float) -> None:
        """Returns when there may be news, or after the timeout."""
        with translated():
            connection = await self._connected()
            async for _ in connection.notifies(timeout=timeout_s, stop_after=1):
                pass

    async def close(self) -> None:
        """Gives the connection back."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _connected(self) -> psycopg.AsyncConnection:
        if self._connection is None or self._connection.closed:
            connection = await psycopg.AsyncConnection.connect(
                self._url,
                connect_timeout=5,
                autocommit=True,
                options="-c timezone=UTC -c statement_timeout=20000",
                application_name="doorstep-feed",
                keepalives_idle=5,
                keepalives_interval=2,
                keepalives_count=3,
                tcp_user_timeout=15_000,
            )
            await connection.execute(f"LISTEN {CHANNEL}")
            self._connection = connection
        return self._connection
