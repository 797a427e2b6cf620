"""The broker of docker-compose.yml without the container: its configuration, its access list, and
the secrets that `deploy/prepare` makes, on the Mosquitto each profile is for. Only paths and ports
differ: `CHANGED`.
"""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

from typing_extensions import override

from tests.services import debian
from tests.services.doorstep import free_port
from tests.services.mosquitto import Mosquitto

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
CHANGED = {"listener", "persistence_location", "password_file", "acl_file", "certfile", "keyfile"}
PROFILES = ("mosquitto.conf", "mosquitto-2.0.conf")

# Mosquitto's own program is in its package, which may be in another file system. `-U FILE` hashes
# the passwords of a file in place: PBKDF2 with SHA-512, as the broker reads them.
HASHER = f"""#!{sys.executable}
import base64, hashlib, os, sys
assert sys.argv[1] == "-U"
path, hashed = sys.argv[2], []
for line in open(path).read().splitlines():
    name, _, password = line.partition(":")
    salt = os.urandom(12)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    text = [base64.b64encode(part).decode() for part in (salt, key)]
    hashed.append(f"{{name}}:$7$101${{text[0]}}${{text[1]}}")
open(path, "w").write("\\n".join(hashed) + "\\n")
"""


class Prepared:
    """A copy of deploy/ in which `prepare` has been run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "deploy"
        shutil.copytree(DEPLOY, self.folder, ignore=shutil.ignore_patterns("secrets"))
        (self.folder / "secrets").mkdir()
        program = folder / "bin" / "mosquitto_passwd"
        program.parent.mkdir()
        program.write_text(HASHER)
        program.chmod(0o755)
        self._path = f"{program.parent}:{os.environ['PATH']}"
        self.run("localhost").check_returncode()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / "prepare", *arguments],
            env={**os.environ, "PATH": self._path},
            capture_output=True,
            text=True,
            check=False,
        )

    def device(self, name: str) -> str:
        """Gives a device a password and returns it."""
        done = self.run("device", name)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def secret(self, name: str) -> str:
        return (self.folder / "secrets" / name).read_text().strip()

    def modes(self) -> dict[str, int]:
        """Permission bits of every secret, by its path."""
        root = self.folder / "secrets"
        return {
            path.relative_to(root).as_posix(): stat.S_IMODE(path.stat().st_mode)
            for path in (root, *root.rglob("*"))
        }


class DeployedBroker(Mosquitto):
    """`port` is the listener for Doorstep's own processes, `device_port` the one for devices."""

    def __init__(self, prepared: Prepared, profile: str) -> None:
        self._profile = profile
        self._plugin = ""
        super().__init__()
        self.device_port = free_port()
        self._prepared = prepared

    @override
    def place(self) -> tuple[debian.Host, str]:
        if self._profile == "mosquitto-2.0.conf":
            return debian.mosquitto()
        host, binary, self._plugin = debian.durable_mosquitto()
        return host, binary

    @override
    def prepare(self) -> None:
        secrets = self._prepared.folder / "secrets" / "broker"
        for path in (*secrets.iterdir(), self._prepared.folder / "mosquitto" / "acl"):
            there = self.folder / path.name
            shutil.copyfile(path, there)
            there.chmod(0o600)
            self.own(path.name)
        lines = (DEPLOY / "mosquitto" / self._profile).read_text().splitlines()
        (self.folder / "mosquitto.conf").write_text("\n".join(map(self._line, lines)) + "\n")

    def _line(self, line: str) -> str:
        name, _, value = line.partition(" ")
        if name == "global_plugin":
            return f"global_plugin {self._plugin}"
        if name == "listener":
            return f"listener {self.device_port if value == '8883' else self.port} 127.0.0.1"
        if name == "persistence_location":
            return f"persistence_location {self.host.inside(self.folder)}/"
        if name in CHANGED:
            return f"{name} {self.host.inside(self.folder)}/{re.sub('.*/', '', value)}"
        return line
