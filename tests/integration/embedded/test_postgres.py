"""The embedded PostgreSQL: made once, found again, hard to lose."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest

from doorstep.embedded import account, binaries, child, postgres
from doorstep.embedded.errors import CannotStart
from doorstep.embedded.folder import DataFolder, opened

if TYPE_CHECKING:
    import subprocess

pytestmark = pytest.mark.integration


class Database:
    """A cluster on a data folder, as `doorstep up` would run it."""

    def __init__(self, folder: DataFolder) -> None:
        whom = account.choose(None, folder.root)
        found = binaries.postgres(None, whom, folder.runtime)
        self.cluster = postgres.cluster(folder, found, whom)
        self.url = self.cluster.url(folder.secret("database-password"))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> psycopg.Connection:
        postgres.clear_orphans(self.cluster)
        process = self.process = child.start(self.cluster.program())
        assert child.wait_until(lambda: child.ended(process) or self.answers(), 20)
        return psycopg.connect(self.url, autocommit=True)

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True

    def family(self) -> list[psutil.Process]:
        assert self.process is not None
        postmaster = psutil.Process(self.process.pid)
        return [postmaster, *postmaster.children(recursive=True)]

    def stop(self) -> int:
        assert self.process is not None
        return child.stop(self.process, self.cluster.program(), 10)


@contextmanager
def database(path: Path) -> Iterator[Database]:
    with opened(path) as folder:
        made = Database(folder)
        try:
            yield made
        finally:
            if made.process is not None:
                made.stop()


def test_what_was_committed_is_there_after_everything_was_killed(tmp_path: Path) -> None:
    with database(tmp_path) as first:
        with first.start() as connection:
            connection.execute("CREATE TABLE kept (n int)")
            connection.execute("INSERT INTO kept VALUES (1)")
            family = first.family()
            for process in family:
                process.kill()
        psutil.wait_procs(family, 10)
        assert (first.cluster.data / "postmaster.pid").exists()
    with database(tmp_path) as second:
        with second.start() as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (1,)
        assert second.stop() == 0


def test_a_server_that_outlived_its_parent_is_ended_before_the_next_starts(tmp_path: Path) -> None:
    with database(tmp_path) as first:
        first.start().close()
        family = first.family()
        (orphan, *_) = family
        with database_of(first) as second, second.start() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
            assert not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE
            assert second.family()[0].pid != orphan.pid


@contextmanager
def database_of(other: Database) -> Iterator[Database]:
    """A second life of the same cluster, as after the first `doorstep up` was killed."""
    again = Database.__new__(Database)
    again.cluster, again.url, again.process = other.cluster, other.url, None
    try:
        yield again
    finally:
        again.stop()


def test_a_pid_file_that_names_a_stranger_is_no_obstacle(tmp_path: Path) -> None:
    with database(tmp_path) as made:
        made.start().close()
        made.stop()
        (made.cluster.data / "postmaster.pid").write_text(f"{os.getpid()}\n{made.cluster.data}\n")
        made.start().close()


def test_it_is_reached_by_its_socket_and_its_password_only(tmp_path: Path) -> None:
    with database(tmp_path) as made, made.start() as connection:
        settings = connection.execute(
            "SELECT current_setting('listen_addresses'), current_setting('fsync'),"
            " current_setting('synchronous_commit'), current_setting('server_encoding')"
        ).fetchone()
        assert settings == ("", "on", "on", "UTF8")
        assert made.process is not None
        assert not psutil.Process(made.process.pid).net_connections("inet")
        sockets = made.cluster.sockets
        assert sockets.stat().st_mode & 0o777 == 0o700
        for user, password in (("doorstep", "wrong"), ("postgres", "")):
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(host=str(sockets), user=user, password=password, dbname="doorstep")


def test_doorstep_is_not_superuser_there(tmp_path: Path) -> None:
    with database(tmp_path) as made, made.start() as connection:
        row = connection.execute(
            "SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert row == (False, False)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT pg_read_file('/etc/passwd')")


def test_a_path_too_long_for_a_socket_or_with_a_comma_works(tmp_path: Path) -> None:
    for name in ("长" * 40, "a, b"):
        with database(tmp_path / name) as made:
            with made.start() as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
            first = made.cluster.sockets
            assert not first.is_relative_to(tmp_path)
        with opened(tmp_path / name) as folder:
            again = Database(folder)
            assert not first.exists(), "the socket folder of the last start is left behind"
            postgres.forget_sockets(folder)
            assert not again.cluster.sockets.exists()


def test_data_of_another_version_are_refused_with_the_remedy(tmp_path: Path) -> None:
    with database(tmp_path) as made:
        (made.cluster.data / "PG_VERSION").write_text("15\n")
    with (
        pytest.raises(
            CannotStart, match=r"made by PostgreSQL 15 and this is \d+: .*--postgres-bin"
        ),
        database(tmp_path),
    ):
        pass


def test_an_interrupted_making_is_made_again(tmp_path: Path) -> None:
    with opened(tmp_path) as folder:
        half = folder.root / "postgres.new"
        half.mkdir()
        (half / "PG_VERSION").write_text("18\n")
    with database(tmp_path) as made:
        made.start().close()
