"""A TCP proxy that misbehaves when told to: for what happens when a connection breaks.

It runs in threads of its own, so that synchronous and asyncio tests use it alike.
"""

import socket
import struct
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

_CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s: close() sends RST


class Proxy:
    """Forwards connections from `port` to a port of this machine. Use it with `with`."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.accepted = 0
        self._links: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._upward, self._downward = threading.Event(), threading.Event()
        self._losing = False
        self._listener: socket.socket | None = None
        self.port = 0
        self.flow()
        self.accept()

    def accept(self) -> None:
        """Takes connections, again on the same port after `refuse`."""
        if self._listener is None:
            listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
            self.port = int(listener.getsockname()[1])
            self._listener = listener
            threading.Thread(target=self._serve, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        """Resets every connection there is; new ones are welcome."""
        with self._lock:
            links, self._links = self._links, []
        for link in links:
            for end in link:
                _reset(end)

    def refuse(self) -> None:
        """Resets every connection and takes no new one."""
        if self._listener is not None:
            # accept() in the other thread returns only when the socket is shut down.
            _shut(self._listener)
            self._listener.close()
            self._listener = None
        self.cut()

    def stall(self, *, requests: bool = True, replies: bool = True) -> None:
        """Keeps connections open and forwards nothing in the named directions until `flow`."""
        (self._upward.clear if requests else self._upward.set)()
        (self._downward.clear if replies else self._downward.set)()

    def lose_replies(self) -> None:
        """Requests still arrive, their answers do not: a COMMIT when a cable is pulled."""
        self._losing = True

    def flow(self) -> None:
        """Forwards everything again."""
        self._losing = False
        self._upward.set()
        self._downward.set()

    def passes(self, data: bytes) -> bytes:
        """What goes on to the target of what a client sent; a test may watch and meddle here."""
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.flow()
        self.refuse()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
                server.settimeout(None)
            except OSError:
                _reset(client)
                continue
            with self._lock:
                self._links.append((client, server))
                self.accepted += 1
            for source, sink, gate in (
                (client, server, self._upward),
                (server, client, self._downward),
            ):
                pump = (source, sink, gate)
                threading.Thread(target=self._pump, args=pump, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, gate: threading.Event) -> None:
        try:
            while data := source.recv(_CHUNK):
                gate.wait()
                onward = self.passes(data) if gate is self._upward else data
                if not (self._losing and gate is self._downward):
                    sink.sendall(onward)
        except OSError:
            # Who writes to one that is gone is told so, as it would be without us.
            _reset(source)
            _reset(sink)
        else:
            # The other direction may still have something to say.
            _shut_writing(sink)


def _reset(end: socket.socket) -> None:
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    # A recv() under way in another thread keeps the socket alive until it is shut down.
    _shut(end)
    end.close()


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


def _shut_writing(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_WR)
