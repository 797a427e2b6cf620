"""Loopback ports: whether one is free, and one that is."""

import errno
import os
import socket
from typing import Final

from doorstep.embedded.errors import CannotStart

HOST: Final = "127.0.0.1"


def free() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def claim(port: int, flag: str) -> int:
    """The port, or for 0 any free one. Raises `CannotStart` naming the flag when it is taken."""
    if port == 0:
        return free()
    with socket.socket() as probe:
        # A listener on all addresses does not keep every system from binding to one of them.
        if probe.connect_ex((HOST, port)) == 0:
            raise _taken(port, flag)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise _taken(port, flag) from error
            reason = os.strerror(error.errno or 0)
            raise CannotStart(f"cannot listen on port {port} ({flag}): {reason}") from error
    return port


def _taken(port: int, flag: str) -> CannotStart:
    return CannotStart(
        f"port {port} is taken: end what listens there, or choose another with {flag}"
    )
