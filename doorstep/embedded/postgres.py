"""PostgreSQL for the embedded stack: our own initdb, start and stop; Unix socket only.

As whom it runs, and where its programs come from, `account` and `binaries` say. The cluster appears
whole or not at all: it is made beside its place and moved there. A server that was killed together
with everything else recovers at the next start, once what is left of it has gone. The socket is in
the data folder, or where that path is too long for a socket (107 bytes on Linux) in a folder of its
own under the system's temporary folder, which `run/socket-folder` names.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from doorstep.embedded.account import Account
from doorstep.embedded.binaries import PostgresBinaries
from doorstep.embedded.child import Program, start, tail, wait_until
from doorstep.embedded.errors import CannotStart
from doorstep.embedded.folder import DataFolder
from store import provision

ROLE: Final = "doorstep"
DATABASE: Final = "doorstep"
PORT: Final = 5432
"""Only part of the socket's name."""

_LONGEST_SOCKET_BYTES: Final = 100  # sun_path holds 107 on Linux, 103 on macOS
_BUILTIN_LOCALE_SINCE: Final = 17
_INITDB_WITHIN_S: Final = 120.0
_HBA: Final = "local all all scram-sha-256\n"

_SETTINGS: Final = (
    "listen_addresses=",
    f"port={PORT}",
    "unix_socket_permissions=0700",
    "max_connections=50",
    # Said, though they are the defaults: a puback means it is on disk.
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "password_encryption=scram-sha-256",
    "timezone=UTC",
    "log_timezone=UTC",
    "logging_collector=off",
    "log_destination=stderr",
    "log_checkpoints=off",
    "log_min_duration_statement=-1",
    # Rows in error messages are somebody's health; what failed is enough.
    "log_error_verbosity=terse",
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A database cluster and how to run it."""

    data: Path
    log: Path
    sockets: Path
    binaries: PostgresBinaries
    account: Account | None

    def url(self, password: str) -> str:
        """How libpq reaches it; the environment's PG* variables change nothing of it."""
        where = quote(str(self.sockets), safe="")
        return f"postgresql://{ROLE}:{quote(password)}@/{DATABASE}?host={where}&port={PORT}"

    def program(self) -> Program:
        """The server."""
        settings = (*_SETTINGS, f"unix_socket_directories={_list_entry(self.sockets)}")
        return Program(
            argv=[
                self.binaries / "postgres",
                "-D",
                str(self.data),
                *(part for setting in settings for part in ("-c", setting)),
            ],
            log=self.log,
            cwd=Path("/"),
            account=self.account,
            stops_on=signal.SIGINT,  # fast: disconnects clients, writes a checkpoint
            dies_on=signal.SIGQUIT,  # immediate: all its processes end, recovery at the next start
        )


def cluster(folder: DataFolder, binaries: PostgresBinaries, account: Account | None) -> Cluster:
    """The folder's cluster, ready to start; made when there is none.

    Raises `CannotStart` when it belongs to another version or account, or cannot be made.
    """
    sockets = _socket_folder(folder, account)
    found = Cluster(folder.postgres, folder.log("postgres"), sockets, binaries, account)
    if folder.postgres.exists():
        _check(found)
    else:
        _make(found, folder.secret("database-password"))
    return found


def clear_orphans(found: Cluster) -> None:
    """Waits until a server that outlived its `doorstep up` has gone, and helps it if it does not.

    We hold the data folder's lock, so that whatever server still runs on it is nobody's.
    """
    file = found.data / "postmaster.pid"
    try:
        pid = int(file.read_text(encoding="utf-8").split("\n")[0])
    except (FileNotFoundError, ValueError):
        return
    for number, within_s in ((None, 2.0), (signal.SIGQUIT, 6.0), (signal.SIGKILL, 6.0)):
        if number is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if wait_until(lambda: not _serves(pid, found.data), within_s):
            break
    if _exists(pid):
        # The number is another program's by now, which PostgreSQL would take for one of its own.
        file.unlink(missing_ok=True)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _serves(pid: int, data: Path) -> bool:
    """Whether a process is a PostgreSQL on this cluster."""
    ps = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    except OSError:
        if Path("/proc/self").exists() or shutil.which("ps") is None:
            return False
        command = subprocess.run(ps, capture_output=True, check=False).stdout
    return b"postgres" in command and f"-D {data} ".encode() in command + b" "


def _check(found: Cluster) -> None:
    try:
        major = int((found.data / "PG_VERSION").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CannotStart(f"{found.data} is not a PostgreSQL cluster: {error}") from error
    if major != found.binaries.major:
        raise CannotStart(
            f"{found.data} was made by PostgreSQL {major} and this is {found.binaries.major}:"
            f" name the programs of {major} with --postgres-bin, or use another --data"
        )
    owner = found.data.stat().st_uid
    uid = os.geteuid() if found.account is None else found.account.uid
    if owner != uid:
        raise CannotStart(
            f"{found.data} belongs to user {owner}, and PostgreSQL would run as user {uid}:"
            " start as the same user as before"
        )


def _make(found: Cluster, password: str) -> None:
    new = found.data.with_name("postgres.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    _give(new, found.account)
    locale = ["--locale=C.UTF-8"]
    if found.binaries.major >= _BUILTIN_LOCALE_SINCE:
        # Its own order of text, which no upgrade of the machine's C library can change.
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    options = ["-U", "postgres", "--auth=reject", "-E", "UTF8", "--data-checksums"]
    argv = [found.binaries / "initdb", "-D", str(new), *options, *locale, "--no-instructions"]
    _run(argv, found)
    (new / "pg_hba.conf").write_text(_HBA, encoding="utf-8")
    with tempfile.TemporaryFile() as script:
        script.write(provision.statements(ROLE, password, DATABASE).encode())
        script.seek(0)
        single = [found.binaries / "postgres", "--single", "-D", str(new)]
        single += ["-c", "exit_on_error=on", "-c", "log_checkpoints=off", "postgres"]
        _run(single, found, script.fileno())
    new.rename(found.data)


def _run(argv: list[str], found: Cluster, stdin: int | None = None) -> None:
    """Runs one of PostgreSQL's programs to its end; what it says goes to a log of its own."""
    log = found.log.with_name("initdb.log")
    program = Program(argv, log=log, cwd=Path("/"), account=found.account)
    try:
        process = start(program, stdin)
    except (OSError, subprocess.SubprocessError) as error:
        raise CannotStart(f"cannot run {argv[0]}: {error}") from error
    try:
        code = process.wait(_INITDB_WITHIN_S)
    except subprocess.TimeoutExpired as error:
        process.kill()
        raise CannotStart(f"{argv[0]} does not end; see {log}") from error
    if code != 0:
        said = tail(log, 3).replace("\n", " ")
        raise CannotStart(f"{Path(argv[0]).name} failed with code {code}: {said}")


def _socket_folder(folder: DataFolder, account: Account | None) -> Path:
    """A folder for the socket whose path is short enough, owned by whom the server runs as."""
    forget_sockets(folder)
    chosen = folder.run / "postgres"
    long = len(os.fsencode(chosen / f".s.PGSQL.{PORT}")) > _LONGEST_SOCKET_BYTES
    if long or "," in str(chosen):  # libpq takes a comma for the end of a host
        chosen = Path(tempfile.mkdtemp(prefix="doorstep-"))
        _record(folder).write_text(f"{chosen}\n", encoding="utf-8")
    else:
        shutil.rmtree(chosen, ignore_errors=True)
        chosen.mkdir()
    chosen.chmod(0o700)
    _give(chosen, account)
    return chosen


def forget_sockets(folder: DataFolder) -> None:
    """Removes the socket's folder where it had to be outside; for when no server runs."""
    record = _record(folder)
    if record.exists():
        old = Path(record.read_text(encoding="utf-8").strip())
        # Made by ourselves, and only then by that name.
        if re.fullmatch(r"doorstep-\w+", old.name) and not old.is_symlink():
            shutil.rmtree(old, ignore_errors=True)
        record.unlink()


def _record(folder: DataFolder) -> Path:
    return folder.run / "socket-folder"


def _give(path: Path, account: Account | None) -> None:
    if account is not None:
        os.chown(path, account.uid, account.gid)


def _list_entry(path: Path) -> str:
    """A path as one entry of a setting that is a list of names."""
    return '"' + str(path).replace('"', '""') + '"'
