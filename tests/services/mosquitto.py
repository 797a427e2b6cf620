"""Mosquitto, the broker of a real deployment: MQTT 5 and 3.1.1."""

import signal

from typing_extensions import override

from doorstep.embedded.child import wait_until
from tests.services import debian
from tests.services.server import Server

SAVED_WITHIN_S = 5.0


class Mosquitto(Server):
    """Persistent, anonymous, on loopback; `options` are further lines of its configuration.

    Changes are saved within moments, though not before they are confirmed: call `save` before a
    `kill` that is to lose nothing.
    """

    name = "mosquitto"

    def __init__(self, *options: str) -> None:
        host, self._binary = debian.mosquitto()
        super().__init__(host)
        self.options = options

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def save(self) -> None:
        """Has it write its sessions and queues now, and waits until that is done."""
        assert self.process is not None
        before = self._saved_ns()
        self.process.send_signal(signal.SIGUSR1)
        assert wait_until(lambda: self._saved_ns() != before, SAVED_WITHIN_S), self.tail()

    def _saved_ns(self) -> int:
        """When it last wrote; it writes a new file and renames it."""
        file = self.folder / "mosquitto.db"
        return file.stat().st_mtime_ns if file.exists() else 0

    @override
    def prepare(self) -> None:
        lines = (
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous true",
            "persistence true",
            f"persistence_location {self.host.inside(self.folder)}/",
            "autosave_on_changes true",
            "autosave_interval 1",
            "max_queued_messages 0",
            "log_dest stderr",
            "log_type error",
            "log_type warning",
            "log_type notice",
            *self.options,
        )
        (self.folder / "mosquitto.conf").write_text("\n".join((*lines, "")))

    @override
    def argv(self) -> list[str]:
        return [self._binary, "-c", f"{self.host.inside(self.folder)}/mosquitto.conf"]
