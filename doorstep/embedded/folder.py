"""The data folder of the embedded stack: everything it keeps, and the lock that says it is in use.

    postgres/  the database cluster          broker/   sessions and queued messages
    secrets/   what was generated (0700)     log/      one file for each process
    run/       sockets, configuration        runtime/  a copy of PostgreSQL's programs, if needed
    state.json the shared clock and the demo's start

Moving or copying it while nothing runs moves the whole service. One `doorstep up` at a time.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from doorstep.embedded.errors import CannotStart

_PRIVATE: Final = ("secrets", "log", "broker")
_PASSABLE: Final = ("run", "runtime")
SECRET_BYTES: Final = 18


@dataclass(frozen=True, slots=True)
class DataFolder:
    """An open data folder. The paths are absolute."""

    root: Path

    @property
    def postgres(self) -> Path:
        """The database cluster."""
        return self.root / "postgres"

    @property
    def broker(self) -> Path:
        """What the broker keeps."""
        return self.root / "broker"

    @property
    def run(self) -> Path:
        """What is made anew at each start."""
        return self.root / "run"

    @property
    def runtime(self) -> Path:
        """Copies of programs."""
        return self.root / "runtime"

    def log(self, name: str) -> Path:
        """A process's log file."""
        return self.root / "log" / f"{name}.log"

    def secret_file(self, name: str) -> Path:
        """Where a secret is kept."""
        return self.root / "secrets" / name

    def secret(self, name: str) -> str:
        """A generated secret, the same for the life of the folder."""
        file = self.secret_file(name)
        if not file.exists():
            self.keep_secret(name, secrets.token_urlsafe(SECRET_BYTES))
        return file.read_text(encoding="utf-8").strip()

    def keep_secret(self, name: str, value: str) -> Path:
        """Writes a secret for our eyes only, in place of the one there was."""
        file = self.secret_file(name)
        _replace(file, f"{value}\n")
        return file

    def state(self) -> dict[str, Any]:
        """What was kept by `keep_state`; empty at first. Raises `CannotStart` when unreadable."""
        file = self.root / "state.json"
        if not file.exists():
            return {}
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise CannotStart(f"{file} is damaged: {error}") from error
        if not isinstance(found, dict):
            raise CannotStart(f"{file} is damaged: not an object")
        return found

    def keep_state(self, state: Mapping[str, Any]) -> None:
        """Keeps a few facts about this folder, all of them or none."""
        _replace(self.root / "state.json", json.dumps(state, indent=1) + "\n")


@contextmanager
def opened(path: Path) -> Iterator[DataFolder]:
    """The data folder, made if it is not there, and locked until the end.

    Raises `CannotStart` when it cannot be written or is in use.
    """
    root = path.absolute()
    try:
        root = path.resolve()
        _make(root)
        lock = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise CannotStart(f"cannot write in the data folder {root}: {error.strerror}") from error
    try:
        _lock(lock, root)
        yield DataFolder(root)
    finally:
        os.close(lock)


def _make(root: Path) -> None:
    """Makes the folder passable when it is ours to make; one that is there keeps its mode."""
    if not root.is_dir():
        root.mkdir(parents=True)
        root.chmod(0o755)
    for name in (*_PRIVATE, *_PASSABLE):
        folder = root / name
        folder.mkdir(exist_ok=True)
        folder.chmod(0o700 if name in _PRIVATE else 0o755)
    probe = root / "run" / f".probe-{os.getpid()}"
    probe.write_bytes(b"")
    probe.unlink()


def _lock(lock: int, root: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(lock, 32, 0).decode(errors="replace").strip() or "unknown"
        raise CannotStart(
            f"the data folder {root} is in use by another `doorstep up` (process {holder})"
        ) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)


def _replace(file: Path, text: str) -> None:
    """Writes a file that is whole or not there, even through a power cut."""
    unfinished = file.with_name(f".{file.name}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.rename(file)
