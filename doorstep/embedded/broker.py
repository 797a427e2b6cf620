"""The MQTT broker of the embedded stack: NATS with JetStream, MQTT 3.1.1 on loopback.

Chosen because it is the only broker pip can install that keeps sessions and queued QoS 1 messages
through `kill -9`. It confirms a message only after a sync to disk (`sync_interval: always`; by
default it syncs every two minutes, https://jepsen.io/analyses/nats-2.12.1). What it sends again,
it sends after `ack_wait`, and out of order. It speaks no MQTT 5.
"""

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from doorstep.embedded import binaries
from doorstep.embedded.child import Program

HOST: Final = "127.0.0.1"
ACK_WAIT: Final = "2s"  # the default of 30 s is how long a restart would leave readings waiting
MAX_ACK_PENDING: Final = 2_000
MEMORY_BYTES: Final = 256 * 1024**2
STORE_BYTES: Final = 8 * 1024**3
LOG_BYTES: Final = 10 * 1024**2
CONNECTIONS: Final = 4_096

_CONNECT: Final = 0x10
_CONNACK: Final = 0x20
_CLEAN_SESSION: Final = 0x02
_WITH_PASSWORD: Final = 0xC0
_DISCONNECT: Final = b"\xe0\x00"


@dataclass(frozen=True, slots=True)
class Login:
    """A user of the broker."""

    user: str
    password: str


def configuration(port: int, store: Path, log: Path | None, login: Login | None) -> str:
    """The server's configuration. JSON is valid in its language, and quotes what needs quoting."""
    chosen: dict[str, object] = {
        "server_name": "doorstep",  # MQTT needs a name that stays
        # Its own protocol cannot be switched off: any free port, loopback, the same login.
        "host": HOST,
        "port": -1,
        "max_connections": CONNECTIONS,
        "jetstream": {
            "store_dir": str(store),
            "max_memory_store": MEMORY_BYTES,
            "max_file_store": STORE_BYTES,
            "sync_interval": "always",
        },
        "mqtt": {
            "host": HOST,
            "port": port,
            "ack_wait": ACK_WAIT,
            "max_ack_pending": MAX_ACK_PENDING,
        },
    }
    if log is not None:
        chosen |= {"log_file": str(log), "logfile_size_limit": LOG_BYTES, "logfile_max_num": 3}
    if login is not None:
        chosen["authorization"] = {"users": [{"user": login.user, "password": login.password}]}
    return json.dumps(chosen, indent=1, ensure_ascii=False)


def program(file: Path, output: Path) -> Program:
    """How the broker is started from its configuration file."""
    return Program(argv=[str(binaries.nats_server()), "-c", str(file)], log=output)


def answers(port: int, login: Login | None, within_s: float = 2.0) -> bool:
    """Whether the broker lets us in: an MQTT 3.1.1 CONNECT, and a CONNACK that says yes."""
    try:
        with socket.create_connection((HOST, port), timeout=within_s) as link:
            link.sendall(_connect(login))
            answer = link.recv(4)
            if answer == bytes((_CONNACK, 2, 0, 0)):
                link.sendall(_DISCONNECT)
                return True
            return False
    except OSError:
        return False


def _connect(login: Login | None) -> bytes:
    """A CONNECT packet with a clean session (MQTT 3.1.1, section 3.1)."""
    flags = _CLEAN_SESSION | (_WITH_PASSWORD if login is not None else 0)
    body = _text("MQTT") + bytes((4, flags, 0, 30)) + _text("doorstep-up")
    if login is not None:
        body += _text(login.user) + _text(login.password)
    assert len(body) < 0x80, "the length is written in one byte"
    return bytes((_CONNECT, len(body))) + body


def _text(value: str) -> bytes:
    encoded = value.encode()
    return len(encoded).to_bytes(2, "big") + encoded
