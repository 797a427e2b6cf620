"""Mosquitto, the broker of a real deployment: MQTT 5 and 3.1.1."""

import signal
from pathlib import Path

from typing_extensions import override

from doorstep.embedded.child import wait_until
from tests.services import debian
from tests.services.debian import Host
from tests.services.server import Server

SAVED_WITHIN_S = 5.0
DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "mosquitto"


class Mosquitto(Server):
    """Persistent, anonymous, on loopback; `options` are further lines of its configuration.

    Changes are saved within moments, though not before they are confirmed: call `save` before a
    `kill` that is to lose nothing.
    """

    name = "mosquitto"

    def __init__(self, *options: str) -> None:
        host, self._binary = self.place()
        super().__init__(host)
        self.options = options

    def place(self) -> tuple[Host, str]:
        """Where it is, and its name there."""
        return debian.mosquitto()

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
            f"persistence_location {self.host.inside(self.folder)}/",
            *self.persistence(),
            "max_queued_messages 0",
            "log_dest stderr",
            "log_type error",
            "log_type warning",
            "log_type notice",
            *self.options,
        )
        (self.folder / "mosquitto.conf").write_text("\n".join((*lines, "")))

    def persistence(self) -> tuple[str, ...]:
        """How it keeps sessions and queues: all that it can, before there was a plugin for it."""
        return tuple(durability("mosquitto-2.0.conf"))

    @override
    def argv(self) -> list[str]:
        return [self._binary, "-c", f"{self.host.inside(self.folder)}/mosquitto.conf"]


class DurableMosquitto(Mosquitto):
    """Mosquitto 2.1 as deploy/ has it: what it confirmed is on disk before its next answer."""

    name = "mosquitto-2.1"

    @override
    def place(self) -> tuple[Host, str]:
        host, binary, self.plugin = debian.durable_mosquitto()
        return host, binary

    @override
    def persistence(self) -> tuple[str, ...]:
        return tuple(
            f"global_plugin {self.plugin}" if line.startswith("global_plugin ") else line
            for line in durability("mosquitto.conf")
        )


def durability(profile: str) -> list[str]:
    """The lines of a profile of deploy/ that decide what is on disk when."""
    lines = (DEPLOY / profile).read_text().splitlines()
    words = ("global_plugin ", "plugin_opt_", "persistence ", "autosave_")
    return [line for line in lines if line.startswith(words)]
