"""Where the servers that pip cannot install are: this machine, or a Debian beside the tests.

`scripts/test-services` puts them there. Programs of the second kind run in a chroot, which is only
a matter of which files they see: they are ordinary processes, on loopback, as `nobody`.
"""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from typing_extensions import override

from doorstep.embedded.account import Account, choose

CHECKOUT = Path(__file__).resolve().parents[2]
MOSQUITTO = "usr/sbin/mosquitto"
PERSIST_SQLITE = (
    "usr/lib/*/mosquitto/mosquitto_persist_sqlite.so",
    "opt/homebrew/lib/mosquitto_persist_sqlite.so",
)
REMEDY = "run `make services` (scripts/test-services), as root where it asks for that"


@dataclass(frozen=True, slots=True)
class Inmate(Account):
    """An account inside another file system."""

    root: Path = Path("/")

    @override
    def become(self) -> None:
        os.chroot(self.root)
        os.chdir("/")
        Account.become(self)


@dataclass(frozen=True)
class Host:
    """A file system with servers in it."""

    root: Path
    account: Account | None
    """As whom servers run there; None: as ourselves."""

    def folder(self, name: str) -> Path:
        """A new folder for one server, which is its own."""
        parent = None if self.root == Path("/") else self.root / "var/tmp"
        made = Path(tempfile.mkdtemp(prefix=f"doorstep-{name}-", dir=parent))
        if self.account is not None:
            os.chown(made, self.account.uid, self.account.gid)
        return made

    def inside(self, path: Path) -> str:
        """How a path of ours is called in there."""
        return f"/{path.relative_to(self.root)}"


def here() -> Host:
    """This machine."""
    return Host(Path("/"), choose(None, Path("/")))


def mosquitto() -> tuple[Host, str]:
    """Where a Mosquitto 2 is, and its name there: Debian 13's where there is one."""
    debian = _debian("trixie")
    if debian is not None and (debian.root / MOSQUITTO).exists():
        return debian, f"/{MOSQUITTO}"
    return here(), _mosquitto_here()


def durable_mosquitto() -> tuple[Host, str, str]:
    """Where a Mosquitto 2.1 with persist-sqlite is, its name there, and that of the plugin."""
    for host in filter(None, (_debian("forky"), here())):
        for pattern in PERSIST_SQLITE:
            for plugin in sorted(host.root.glob(pattern)):
                program = f"/{MOSQUITTO}" if host.root != Path("/") else _mosquitto_here()
                return host, program, host.inside(plugin)
    pytest.fail(f"no Mosquitto with persist-sqlite here: {REMEDY}", pytrace=False)


def _mosquitto_here() -> str:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/opt/homebrew/sbin"
    found = shutil.which("mosquitto", path=path)
    if found is None:
        pytest.fail(f"no Mosquitto here: {REMEDY}", pytrace=False)
    return found


def timescale() -> tuple[Host, str]:
    """Where a PostgreSQL 15 or newer with TimescaleDB is, and the folder of its binaries there."""
    debian = _debian("trixie")
    for host in filter(None, (here(), debian)):
        for version in range(19, 14, -1):
            home = host.root / f"usr/lib/postgresql/{version}"
            if (home / "lib/timescaledb.so").exists():
                return host, host.inside(home / "bin")
    pytest.fail(f"no PostgreSQL with TimescaleDB here: {REMEDY}", pytrace=False)


def _debian(release: str) -> Host | None:
    """One that scripts/test-services made; only root can enter it."""
    root = Path(os.environ.get("DOORSTEP_TEST_CACHE", CHECKOUT / ".cache")) / release
    if os.geteuid() != 0 or not (root / ".doorstep-ready").exists():
        return None
    nobody = choose(None, Path("/"))
    assert nobody is not None
    return Host(root, Inmate(nobody.name, nobody.uid, nobody.gid, root=root))
