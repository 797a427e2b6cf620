"""The hosts of chat robots on this machine, for programs that keep to the proxy of the environment.

A real proxy tunnels whatever it is asked for to a receiver with certificates for those names.
"""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from tests.integration.alerts.receiving import Receiver, receiving

NAMES: Final = ("qyapi.weixin.qq.com", "oapi.dingtalk.com", "open.feishu.cn")
WECOM: Final = "/cgi-bin/webhook/send"
DINGTALK: Final = "/robot/send"


@dataclass
class Host:
    """The receiver, and the environment in which a program reaches it by those names."""

    receiver: Receiver
    env: Mapping[str, str]

    def answer(self, path: str, body: bytes, status: int = 200) -> None:
        """What is said from now on to requests of this path, without its query."""
        self.receiver.bodies[path] = body
        self.receiver.statuses[path] = status


class _Proxy(ThreadingHTTPServer):
    daemon_threads = True
    port: int


class _Handler(BaseHTTPRequestHandler):
    def do_CONNECT(self) -> None:
        assert isinstance(self.server, _Proxy)
        assert self.path.partition(":")[0] in NAMES
        self.send_response(200)
        self.end_headers()
        with socket.create_connection(("127.0.0.1", self.server.port)) as there:
            back = threading.Thread(target=_pumped, args=[there, self.connection], daemon=True)
            back.start()
            _pumped(self.connection, there)
            back.join()

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def _pumped(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65_536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)


@contextmanager
def robots_host(folder: Path) -> Iterator[Host]:
    """Up until the end of the block; certificates are made in the folder."""
    names = ",".join(f"DNS:{name}" for name in NAMES)
    made = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=robots -keyout key.pem"
    subprocess.run(
        ["openssl", *made.split(), "-out", "cert.pem", "-addext", f"subjectAltName={names}"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with receiving(context) as receiver, _Proxy(("127.0.0.1", 0), _Handler) as proxy:
        proxy.port = receiver.port
        thread = threading.Thread(target=proxy.serve_forever, args=[0.02])
        thread.start()
        address, trusted = f"http://127.0.0.1:{proxy.server_address[1]}", str(folder / "cert.pem")
        env = {"HTTPS_PROXY": address, "SSL_CERT_FILE": trusted, "REQUESTS_CA_BUNDLE": trusted}
        try:
            yield Host(receiver, env)
        finally:
            proxy.shutdown()
            thread.join(10)
