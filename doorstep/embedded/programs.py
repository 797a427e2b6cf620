"""How the stack starts Doorstep's own commands: this Python, and settings no others get into."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

import doorstep
from doorstep.embedded.child import Program
from doorstep.embedded.ports import HOST
from doorstep.embedded.virtual_clock import SharedClock

_OURS: Final = (
    "DOORSTEP_DATABASE_URL",
    "DOORSTEP_MQTT_URL",
    "DOORSTEP_MQTT__USERNAME",
    "DOORSTEP_MQTT__PASSWORD",
    "DOORSTEP_MQTT__PROTOCOL",
    "DOORSTEP_MQTT__CA_FILE",
    "DOORSTEP_HTTP__",
    "DOORSTEP_INGEST__HTTP_",
    "DOORSTEP_CLOCK__",
    # libpq would mix them with the address it is given.
    "PG",
)
"""What the stack decides; other settings of the operator, a rulebook say, reach the commands."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the parts of one run find each other."""

    database_url_file: Path
    mqtt_port: int
    mqtt_user: str
    mqtt_password_file: Path
    http_port: int
    ingest_port: int

    @property
    def http(self) -> str:
        """The console and the API."""
        return f"http://{HOST}:{self.http_port}"

    @property
    def mqtt(self) -> str:
        """The broker."""
        return f"mqtt://{HOST}:{self.mqtt_port}"


def environment(
    inherited: Mapping[str, str], addresses: Addresses, clock: SharedClock
) -> dict[str, str]:
    """The environment of every command of the stack."""
    kept = {name: value for name, value in inherited.items() if not name.startswith(_OURS)}
    # The commands find the same code as we, whatever lies in the folder that we were started in.
    code = str(Path(doorstep.__file__).resolve().parents[1])
    path = [code, *filter(None, (inherited.get("PYTHONPATH"),))]
    return {
        "DOORSTEP_FEEDS__CONSOLE_URL": addresses.http,
        **kept,
        "PYTHONPATH": os.pathsep.join(path),
        "DOORSTEP_DATABASE_URL_FILE": str(addresses.database_url_file),
        "DOORSTEP_MQTT_URL": addresses.mqtt,
        "DOORSTEP_MQTT__PROTOCOL": "3.1.1",
        "DOORSTEP_MQTT__USERNAME": addresses.mqtt_user,
        "DOORSTEP_MQTT__PASSWORD_FILE": str(addresses.mqtt_password_file),
        "DOORSTEP_HTTP__HOST": HOST,
        "DOORSTEP_HTTP__PORT": str(addresses.http_port),
        "DOORSTEP_INGEST__HTTP_HOST": HOST,
        "DOORSTEP_INGEST__HTTP_PORT": str(addresses.ingest_port),
        **clock.environment(),
    }


def command(words: list[str], env: Mapping[str, str], log: Path) -> Program:
    """`doorstep WORDS...`, its output in a log."""
    return Program([sys.executable, "-P", "-m", "doorstep", *words], log=log, env=env)


def ready(port: int) -> bool:
    """Whether a command's `/readyz` says yes. No proxy of the environment is asked."""
    connection = HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
