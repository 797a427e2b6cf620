"""What the two long-running processes share: where they listen, their server, and how they end.

Composes nothing and knows no settings; `doorstep.ingestion` and `doorstep.serving` do.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from typing_extensions import override

from doorstep.settings import ConfigurationError
from store.errors import StoreBusy, StoreMismatch, StoreUnreachable

START_PATIENCE_S: Final = 10.0
"""How long the database may take to appear before a process gives up with exit code 4."""
PASSING: Final = (StoreUnreachable, StoreBusy, StoreMismatch)
"""While running, even a schema that does not fit is waited out: an operator may be migrating."""
_FROZEN_AFTER_MS: Final = 60_000
"""A client that takes nothing for so long is cut off by the kernel (Linux)."""
_SEND_BUFFER: Final = 256 * 1024
"""What the kernel may hold for one client. Left alone it would grow to megabytes for each of those
who listen and do not read."""


class Server(uvicorn.Server):
    """Leaves the signals to the process: something has to be finished before it stops."""

    @contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        yield

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Leaves no connection behind.

        One that came during the shutdown, or outlasts it, could begin a request while the event
        loop is closed: the thread that answers it is told by nobody to end, and the process waits
        for it for ever.
        """
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def listen(setting: str, host: str, port: int) -> socket.socket:
    """A bound socket, so that a taken port is a configuration error before anything else starts."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted connections inherit both.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _FROZEN_AFTER_MS)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(f"{setting}: cannot listen on {host}:{port}: {error}") from error
    return listener


def root_cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first thing that broke, without the groups around it."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
