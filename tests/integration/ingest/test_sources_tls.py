"""`mqtts://`: both sources over TLS, and what they do with a certificate they cannot trust."""

import asyncio
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvloop

from ingest.sources.port import SourceRefused
from tests.integration.ingest.harness import (
    Listener,
    eventually,
    make,
    numbered,
    publish,
    running,
)
from tests.services.doorstep import free_port
from tests.services.mosquitto import Mosquitto

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Secured:
    """A broker with a plain port for the publisher and a TLS port for the source."""

    broker: Mosquitto
    tls_port: int
    ca_file: str

    @property
    def url(self) -> str:
        return f"mqtts://localhost:{self.tls_port}"


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def secured() -> Iterator[Secured]:
    port = free_port()
    broker = Mosquitto()
    inside = broker.host.inside(broker.folder)
    broker.options = (
        f"listener {port} 127.0.0.1",
        f"certfile {inside}/cert.pem",
        f"keyfile {inside}/key.pem",
    )
    request = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    names = "-addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem"
    openssl(broker.folder, *request.split(), *names.split())
    broker.own("cert.pem", "key.pem")
    with broker:
        yield Secured(broker, port, str(broker.folder / "cert.pem"))


async def exchange(secured: Secured, protocol: str) -> None:
    source = make(secured.url, protocol, ca_file=secured.ca_file)
    async with running(source) as listener:
        await publish(secured.broker.port, numbered(1, 20))
        await eventually(lambda: listener.payloads == numbered(1, 20))
        source.ack(listener.tokens(numbered(1, 15)))
        # More than one record of TLS holds.
        big = [b"%d" % number + b"x" * 30_000 for number in range(10)]
        await publish(secured.broker.port, big)
        await eventually(lambda: listener.payloads[20:] == big)
        source.ack(listener.tokens(big))
    async with running(make(secured.url, protocol, ca_file=secured.ca_file)) as listener:
        await eventually(lambda: len(listener.envelopes) == 5)
        assert listener.payloads == numbered(16, 20)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_messages_and_pubacks_over_tls(secured: Secured, protocol: str) -> None:
    await exchange(secured, protocol)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_messages_and_pubacks_over_tls_on_uvloop(secured: Secured, protocol: str) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(exchange(secured, protocol))


@pytest.mark.parametrize("protocol", ["5", "3.1.1", "auto"])
async def test_an_untrusted_certificate_ends_the_source(secured: Secured, protocol: str) -> None:
    listener = Listener()
    with pytest.raises(SourceRefused, match="certificate"):
        async with asyncio.timeout(10):
            await make(secured.url, protocol).run(listener.deliver, listener.report)
