"""The connections that the serving process shares among its threads."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg_pool import ConnectionPool

from alerts.staff import Staff
from store.errors import translated
from store.provision import CARER, STAFF

_SIZE: Final = 10
_PATIENCE_S: Final = 5.0
_SAY_WHO: Final = (
    "SELECT set_config('doorstep.grid_nos', %s, true), set_config('doorstep.staff', %s, true),"
    " set_config('doorstep.staff_no', %s, true), set_config('role', %s, true)"
)
"""The last is SET LOCAL ROLE, in one round trip with the others; all end with the transaction."""


class Pool:
    """Connections, each given back soon. psycopg's errors become `store.errors`."""

    def __init__(self, database_url: str) -> None:
        self._pool = ConnectionPool(
            database_url,
            min_size=1,
            max_size=_SIZE,
            timeout=_PATIENCE_S,
            open=False,
            check=ConnectionPool.check_connection,
            kwargs={
                "connect_timeout": 5,
                "autocommit": True,
                "options": "-c synchronous_commit=on -c timezone=UTC -c statement_timeout=10000"
                " -c lock_timeout=5000",
                "application_name": "doorstep-serve",
                "keepalives_idle": 5,
                "keepalives_interval": 2,
                "keepalives_count": 3,
                "tcp_user_timeout": 15_000,
            },
        )

    def open(self) -> None:
        """Starts to connect, in the background."""
        self._pool.open()

    def close(self) -> None:
        """Closes what is idle, and the rest when it comes back."""
        self._pool.close()

    @contextmanager
    def of_service(self) -> Iterator[psycopg.Connection]:
        """A connection for what the service itself asks."""
        with translated(), self._pool.connection() as connection:
            yield connection

    @contextmanager
    def of(self, staff: Staff) -> Iterator[psycopg.Connection]:
        """A transaction for what a member of staff asks, as a role that sees their grids alone.

        It ends with the block: what is written is there then, or not at all.
        """
        grid_nos = ",".join(str(no) for no in sorted(staff.grids.values()))
        role = CARER if staff.role.cares else STAFF
        with self.of_service() as connection, connection.transaction():
            connection.execute(_SAY_WHO, [f"{{{grid_nos}}}", staff.id, str(staff.no), role])
            yield connection


@contextmanager
def as_the_service(connection: psycopg.Connection) -> Iterator[None]:
    """Within a question of `Pool.of`: what follows from a deed, and is the service's own work.

    Only for what is done by the rules, never for what somebody asked to see.
    """
    row = connection.execute("SELECT current_setting('role')").fetchone()
    assert row is not None
    connection.execute("SELECT set_config('role', 'none', true)")
    yield
    connection.execute("SELECT set_config('role', %s, true)", [row[0]])
