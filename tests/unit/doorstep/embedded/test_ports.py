import socket

import pytest

from doorstep.embedded import ports
from doorstep.embedded.errors import CannotStart


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_taken_port_is_named_with_its_flag(address: str) -> None:
    with socket.create_server((address, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match=rf"port {port} is taken: .*--mqtt-port"):
            ports.claim(port, "--mqtt-port")


def test_a_port_bound_but_not_served_is_taken() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        with pytest.raises(CannotStart, match="is taken"):
            ports.claim(holder.getsockname()[1], "--http-port")


def test_a_free_port_is_left_free() -> None:
    port = ports.claim(0, "--http-port")
    assert ports.claim(port, "--http-port") == port
    with socket.create_server(("127.0.0.1", port)):
        pass
