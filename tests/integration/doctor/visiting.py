"""`doorstep doctor` as an operator runs it, and its findings by name."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typing_extensions import override

from tests.services.doorstep import free_port, run
from tests.services.mosquitto import Mosquitto


@dataclass(frozen=True)
class Visit:
    """One run of the command."""

    code: int
    items: dict[str, dict[str, Any]]
    stderr: str

    def verdict(self, name: str) -> str:
        return str(self.items[name]["verdict"])

    def seen(self, name: str) -> str:
        return str(self.items[name]["seen"])

    def failed(self) -> set[str]:
        return {name for name, item in self.items.items() if item["verdict"] == "fail"}


def visit(database_url: str, mqtt_url: str, **more: str) -> Visit:
    """Runs it with `--json`; further settings as `MQTT__PROTOCOL="5"`."""
    env = {"DOORSTEP_DATABASE_URL": database_url, "DOORSTEP_MQTT_URL": mqtt_url}
    env |= {f"DOORSTEP_{name}": value for name, value in more.items()}
    done = run(["doctor", "--json"], env)
    assert done.stdout, done.stderr
    items = json.loads(done.stdout)["items"]
    return Visit(done.returncode, {item["name"]: item for item in items}, done.stderr)


def nobody_there(scheme: str) -> str:
    """An address of this machine where nobody listens."""
    return f"{scheme}://127.0.0.1:{free_port()}"


class Guarded(Mosquitto):
    """With an access list: who comes without a name may read `$SYS` and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.options = (f"acl_file {self.host.inside(self._acl)}",)

    @property
    def _acl(self) -> Path:
        return self.folder / "acl"

    @override
    def prepare(self) -> None:
        super().prepare()
        self._acl.write_text("topic read $SYS/#\n")
        self._acl.chmod(0o600)
        self.own("acl")
