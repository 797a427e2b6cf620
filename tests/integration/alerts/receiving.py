"""A receiver of webhooks: a real HTTP server that verifies signatures and answers as it is told."""

import json
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from standardwebhooks import Webhook, WebhookVerificationError
from typing_extensions import override

from doorstep.clock import SystemClock

WITHIN_S: Final = 20.0


@dataclass
class Had:
    """One request."""

    path: str
    headers: dict[str, str]
    raw: bytes
    at: float = field(default_factory=time.monotonic)
    """When it came, seconds."""
    came_at: int = field(default_factory=lambda: SystemClock().now())
    """The same, in microseconds of the real clock."""

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def body(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.raw)
        return read

    def verified_by(self, secret: str) -> bool:
        try:
            Webhook(secret).verify(self.raw, self.headers)
        except WebhookVerificationError:
            return False
        return True


@dataclass
class Receiver:
    """What it has had, and what it answers: status and headers by path, else 204."""

    port: int = 0
    had: list[Had] = field(default_factory=list)
    answers: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    """The same by path without query."""
    hanging: set[str] = field(default_factory=set)
    """Paths on which nothing is answered until the end."""
    slow_s: dict[str, float] = field(default_factory=dict)
    """How long an answer takes, by path."""
    released: threading.Event = field(default_factory=threading.Event)
    news: threading.Condition = field(default_factory=threading.Condition)

    def url(self, path: str = "/", scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def at(self, path: str) -> list[Had]:
        return [each for each in list(self.had) if each.path == path]

    def wait_for(self, path: str, number: int) -> list[Had]:
        """Until so many have come there."""
        with self.news:
            assert self.news.wait_for(lambda: len(self.at(path)) >= number, WITHIN_S), self.had
        return self.at(path)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    receiver: Receiver

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked may be dead before the answer."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver = self._receiver()
        length = int(self.headers["Content-Length"])
        raw = self.rfile.read(length)
        if len(raw) < length:
            # Who sent it died before the end: it is no message.
            self.close_connection = True
            return
        with receiver.news:
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.had.append(Had(self.path, headers, raw))
            receiver.news.notify_all()
        if self.path in receiver.hanging:
            receiver.released.wait(60)
            return
        receiver.released.wait(receiver.slow_s.get(self.path, 0))
        path = self.path.partition("?")[0]
        status, headers = receiver.answers.get(self.path, (receiver.statuses.get(path, 204), {}))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        body = receiver.bodies.get(path, b"")
        if "Transfer-Encoding" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if "Transfer-Encoding" in headers:
            self._write_on()

    def _receiver(self) -> Receiver:
        assert isinstance(self.server, _Server)
        return self.server.receiver

    def do_GET(self) -> None:
        """What follows a redirect would come here."""
        self.do_POST()

    def _write_on(self) -> None:
        """A body without an end, until nobody reads it."""
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        try:
            while not self._receiver().released.is_set():
                self.wfile.write(chunk)
        except OSError:
            return

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """One on a free port of the loopback."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.receiver = Receiver(server.server_address[1])
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        try:
            yield server.receiver
        finally:
            server.receiver.released.set()
            server.shutdown()
            thread.join(10)
