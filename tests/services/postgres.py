"""PostgreSQL for tests: plain from the wheel, and with TimescaleDB from Debian, both on loopback.

Databases are cloned from a template that is migrated once a server, so that a fresh one costs
milliseconds.
"""

import atexit
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import LiteralString

import psutil
import psycopg
import pytest
from psycopg import sql
from typing_extensions import override

from doorstep.clock import SystemClock
from doorstep.embedded import binaries
from doorstep.embedded.account import choose
from store.migrate import migrate
from tests.services import debian
from tests.services.server import STOPPED_WITHIN_S, Server

SUPERUSER = "postgres"
TEMPLATE = "doorstep_template"


class Postgres(Server):
    """The PostgreSQL of `doorstep up`, without a password; `options` are settings, `name=value`."""

    name = "postgres"
    stops_on = signal.SIGINT
    dies_on = signal.SIGQUIT
    initdb: tuple[str, ...] = ()
    """Further arguments of initdb."""

    def __init__(self, *options: str) -> None:
        host, self._bin = self.place()
        super().__init__(host)
        self.options = options
        self.disk = self.folder
        self._numbers = count(1)
        self._migrated = False

    def place(self) -> tuple[debian.Host, str]:
        """Where it is, and the folder of its programs there."""
        # The checkout may lie where nobody else may enter, below /root say.
        host = debian.Host(Path("/"), choose(None, binaries.wheel()))
        cache = Path(os.environ.get("DOORSTEP_TEST_CACHE", debian.CHECKOUT / ".cache"))
        return host, str(binaries.postgres(None, host.account, cache / "runtime").folder)

    @property
    def url(self) -> str:
        """The superuser's, to the database that is always there."""
        return self.url_of("postgres")

    def url_of(self, database: str, port: int | None = None) -> str:
        """The superuser's, to any database; through another port when there is a proxy."""
        return f"postgresql://{SUPERUSER}@127.0.0.1:{port or self.port}/{database}"

    @override
    def prepare(self) -> None:
        if (self.disk / "data").exists():
            return
        data = f"{self.host.inside(self.disk)}/data"
        argv = [f"{self._bin}/initdb", "-D", data, "-U", SUPERUSER, "--auth=trust", "--no-sync"]
        argv += ["-E", "UTF8", "--locale=C.UTF-8", "--no-instructions", *self.initdb]
        account = self.host.account
        made = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            preexec_fn=None if account is None else account.become,
        )
        if made.returncode != 0:
            pytest.fail(f"{self.name}: initdb failed:\n{made.stderr}{made.stdout}", pytrace=False)

    @override
    def argv(self) -> list[str]:
        folder = self.host.inside(self.folder)
        settings = (
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={folder}",
            "max_connections=60",
            "log_min_messages=warning",
            "log_checkpoints=off",
            "timezone=UTC",
            *self.options,
        )
        data = f"{self.host.inside(self.disk)}/data"
        argv = [f"{self._bin}/postgres", "-D", data, "-p", str(self.port)]
        return [*argv, *(part for setting in settings for part in ("-c", setting))]

    @override
    def answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    @override
    def kill(self) -> None:
        """kill -9 of every one of its processes."""
        if self.process is not None and self.running:
            postmaster = psutil.Process(self.process.pid)
            family = [postmaster, *postmaster.children(recursive=True)]
            for process in family:
                with _gone_is_fine():
                    process.kill()
            super().kill()
            psutil.wait_procs(family, STOPPED_WITHIN_S)

    def execute(self, statement: LiteralString | sql.Composed, database: str = "postgres") -> None:
        """Runs one statement as superuser, outside a transaction."""
        with psycopg.connect(self.url_of(database), autocommit=True) as connection:
            connection.execute(statement)

    def empty_database(self) -> str:
        """The url of a new database without a schema."""
        return self._create(None)

    def fresh_database(self) -> str:
        """The url of a new database with the schema, its partitions around the present."""
        if not self._migrated:
            self.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
            migrate(self.url_of(TEMPLATE), SystemClock().now())
            self._migrated = True
        return self._create(TEMPLATE)

    def drop(self, url: str) -> None:
        """Removes a database, whoever is connected."""
        name = sql.Identifier(url.rpartition("/")[2])
        self.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    def _create(self, template: str | None) -> str:
        name = f"test_{next(self._numbers)}"
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        self.execute(statement)
        return self.url_of(name)


class Timescale(Postgres):
    """PostgreSQL with TimescaleDB, the Apache edition that Debian ships."""

    name = "timescale"

    def __init__(self, *options: str) -> None:
        super().__init__(
            "shared_preload_libraries=timescaledb",
            "timescaledb.telemetry_level=off",
            # Its workers connect to every database, and a template with connections is not cloned.
            "timescaledb.max_background_workers=0",
            *options,
        )

    @override
    def place(self) -> tuple[debian.Host, str]:
        return debian.timescale()


class SmallDiskPostgres(Postgres):
    """PostgreSQL with its data on a disk of its own, in memory, that can be full. Needs root.

    The disk is unmounted by `close`, and at the end of the process at the latest.
    """

    name = "small-disk"
    # Small segments, so that a full disk is met by the write-ahead log as well, within seconds.
    initdb: tuple[str, ...] = ("--wal-segsize=1",)

    def __init__(self, megabytes: int, *options: str) -> None:
        super().__init__("min_wal_size=2MB", "max_wal_size=64MB", "wal_recycle=off", *options)
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        account = self.host.account
        assert account is not None, "only root can mount a disk"
        owner = f"uid={account.uid},gid={account.gid},mode=0700"
        subprocess.run(
            [
                "mount",
                "-t",
                "tmpfs",
                "-o",
                f"size={megabytes}m,{owner}",
                "doorstep-test",
                self.disk,
            ],
            check=True,
        )
        atexit.register(self._unmount)

    @contextmanager
    def full(self) -> Iterator[None]:
        """No byte is free within; what is there may well die of it, and is not started again."""
        ballast = self.disk / "ballast"
        try:
            with suppress(OSError), ballast.open("wb", buffering=0) as file:
                while file.write(bytes(4096)):
                    continue
            yield
        finally:
            ballast.unlink()

    @override
    def close(self) -> None:
        self.stop()
        self._unmount()
        super().close()

    def _unmount(self) -> None:
        if os.path.ismount(self.disk):
            subprocess.run(["umount", "--lazy", self.disk], check=True)


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except psutil.NoSuchProcess:
        return
