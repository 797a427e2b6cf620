"""Where the broker is and as whom we come: `mqtt://` and `mqtts://` addresses, and the settings.

Parses text into frozen values once, at start; every complaint is a `ValueError` that names the
setting and never repeats a password. It refuses to open sockets or to read the environment.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

MicrosecondClock = Callable[[], int]
Version = Literal["auto", "5", "3.1.1"]

PORTS = {"mqtt": 1883, "mqtts": 8883}
"""IANA: mqtt 1883/tcp, secure-mqtt 8883/tcp."""
KEEP_ALIVE_MAX_S = 65_535
WINDOW_MAX = 65_535
"""Both are 16-bit fields of MQTT 5 (sections 3.1.2.10 and 3.1.2.11.3); 0 is refused for both."""
ECHO_MAX_S = 3_600


@dataclass(frozen=True, slots=True)
class Address:
    """A broker's address. Credentials inside the address are percent-decoded."""

    host: str
    port: int
    tls: bool
    username: str | None = None
    password: str | None = field(default=None, repr=False)


def parse_address(url: str) -> Address:
    """`mqtt://[user[:password]@]host[:port]`, `mqtts://` for TLS; raises `ValueError`."""
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")
    except ValueError:  # UnicodeError is one of them
        raise ValueError("a broker's address has a host that can be looked up") from None
    if parts.scheme not in PORTS:
        raise ValueError("a broker's address starts with mqtt:// or mqtts://")
    if not parts.hostname:
        raise ValueError("a broker's address needs a host")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError("a broker's address ends after the port")
    return Address(
        host=parts.hostname,
        port=_port(parts),
        tls=parts.scheme == "mqtts",
        username=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
    )


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        raise ValueError("a broker's port is a number from 1 to 65535") from None
    if port == 0:
        raise ValueError("a broker's port is a number from 1 to 65535")
    return PORTS[parts.scheme] if port is None else port


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """What a source needs to know. `username` and `password` win over those inside `url`.

    `client_id` names the broker's session: one id, one running service. `receive_maximum` is the
    window of unconfirmed messages (MQTT 5; on 3.1.1 the broker sets it).
    """

    url: str
    client_id: str
    protocol: Version = "auto"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    topics: tuple[str, ...] = ("doorstep/v1/devices/+/readings",)
    receive_maximum: int = 8_000
    session_expiry_s: int = 7 * 86_400
    keep_alive_s: int = 30
    echo_s: float = 10
    """Between two messages to ourselves; 0 sends none."""
    ca_file: str | None = None

    def __post_init__(self) -> None:
        """Refuses what would fail later, or silently lose messages; raises `ValueError`."""
        parse_address(self.url)
        if self.protocol not in {"auto", "5", "3.1.1"}:
            raise ValueError("the MQTT protocol is auto, 5 or 3.1.1")
        if not self.client_id:
            raise ValueError("a session that outlives a connection needs a client id")
        if not self.topics or not all(self.topics):
            raise ValueError("a source needs at least one topic filter, and none may be empty")
        if not 1 <= self.receive_maximum <= WINDOW_MAX:
            raise ValueError("the receive maximum is 1 to 65535")
        if not 1 <= self.keep_alive_s <= KEEP_ALIVE_MAX_S:
            raise ValueError("the keep-alive is 1 to 65535 seconds")
        if not 0 <= self.echo_s <= ECHO_MAX_S:
            raise ValueError("the echo is sent every 0 (never) to 3600 seconds")
        if not 1 <= self.session_expiry_s <= 0xFFFF_FFFF:
            raise ValueError("the session expiry is 1 to 4294967295 seconds")

    def address(self) -> Address:
        """The broker's address with the credentials that count."""
        parsed = parse_address(self.url)
        if self.username is None:
            return parsed
        return Address(parsed.host, parsed.port, parsed.tls, self.username, self.password)

    def tls_context(self) -> ssl.SSLContext | None:
        """The context for `mqtts://`, None for `mqtt://`; an unusable CA file is a `ValueError`."""
        if not parse_address(self.url).tls:
            return None
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:  # ssl.SSLError is one of them
            raise ValueError(f"cannot use the CA file {self.ca_file}: {error}") from error
