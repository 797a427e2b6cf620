"""`doorstep up`: ready when it says so, gone when told to, safe to kill, clear when refused."""

import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import psutil
import psycopg
import pytest

from doorstep.embedded import broker
from doorstep.embedded.account import choose
from doorstep.embedded.child import wait_until
from doorstep.embedded.programs import ready
from tests.integration.embedded.stack import Up, refused

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with Up(tmp_path_factory.mktemp("up") / "data") as up:
        up.facts = up.ready()
        yield up
        assert up.end(signal.SIGTERM) == 0
        assert up.rest_of_stdout() == b"", "standard output is one line"


def test_when_it_says_ready_everything_answers(running: Up) -> None:
    facts = running.facts
    assert facts["ready"] is True
    with urlopen(f"{facts['http']}/readyz", timeout=5) as answer:
        assert answer.status == 200
    with psycopg.connect(facts["database"]) as connection:
        assert connection.execute("SELECT tier FROM storage_profile").fetchone() == ("plain",)
    mqtt = urlsplit(facts["mqtt"])
    assert (mqtt.scheme, mqtt.hostname) == ("mqtt", "127.0.0.1")
    assert mqtt.port is not None
    assert broker.answers(mqtt.port, broker.Login(facts["mqtt_user"], facts["mqtt_password"]))
    assert not broker.answers(mqtt.port, None)


def test_it_listens_on_this_machine_only(running: Up) -> None:
    addresses = {
        entry.laddr.ip
        for process in running.family()
        for entry in process.net_connections("inet")
        if entry.status == psutil.CONN_LISTEN
    }
    assert addresses == {"127.0.0.1"}


def test_secrets_are_in_nobodys_command_line(running: Up) -> None:
    secrets = [running.facts["mqtt_password"], urlsplit(running.facts["database"]).password]
    for process in running.family():
        line = " ".join(process.cmdline())
        assert not any(secret in line for secret in secrets)


def test_a_second_one_on_the_same_folder_is_refused(running: Up) -> None:
    code, said = refused(running.data)
    assert code == 3
    assert len(said.splitlines()) == 1
    assert f"in use by another `doorstep up` (process {running.process.pid})" in said


@pytest.mark.parametrize(("flag", "fact"), [("--http-port", "http"), ("--mqtt-port", "mqtt")])
def test_a_taken_port_is_refused(running: Up, tmp_path: Path, flag: str, fact: str) -> None:
    port = urlsplit(running.facts[fact]).port
    code, said = refused(tmp_path / "data", flag, str(port))
    assert code == 3
    assert f"port {port} is taken" in said
    assert flag in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("words", ["doorstep ingest", "doorstep serve", "postgres", "nats-server"])
def test_what_falls_is_brought_back(running: Up, words: str) -> None:
    before = running.part(words)
    before.kill()

    def back() -> bool:
        try:
            return running.part(words).pid != before.pid
        except (ValueError, psutil.Error):
            return False

    assert wait_until(back, 10)
    http = urlsplit(running.facts["http"]).port
    ingest = int(running.part("doorstep ingest").environ()["DOORSTEP_INGEST__HTTP_PORT"])
    assert http is not None
    assert wait_until(lambda: ready(http) and ready(ingest), 30), running.logs()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_it_starts_it_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with Up(tmp_path / "data") as up:
        assert wait_until(lambda: len(up.family()) > 2, 20)
        assert up.end(number) == 0
        assert up.rest_of_stdout() == b""


def test_data_outlive_a_kill_of_everything_and_a_stop(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Up(data) as up:
        facts = up.ready()
        with psycopg.connect(facts["database"]) as connection:
            connection.execute("CREATE TABLE kept (n int)")
        assert up.end(signal.SIGKILL) == -signal.SIGKILL
    with Up(data) as up:
        again = up.ready()
        assert again["mqtt_password"] == facts["mqtt_password"]
        with psycopg.connect(again["database"]) as connection:
            assert connection.execute("SELECT to_regclass('kept')").fetchone() == ("kept",)
        assert up.end(signal.SIGINT) == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", urlsplit(again["mqtt"]).port)) != 0


def test_a_file_where_the_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    code, said = refused(tmp_path / "data")
    assert code == 3
    assert said.startswith("doorstep: cannot write in the data folder")
    assert len(said.splitlines()) == 1


def test_acceleration_is_for_the_demo(tmp_path: Path) -> None:
    code, said = refused(tmp_path / "data", "--accelerate", "60")
    assert code == 2
    assert "--demo" in said
    assert not (tmp_path / "data").exists()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody can get to, unlike pytest's own."""
    made = Path(tempfile.mkdtemp(prefix="doorstep-test-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def test_it_needs_no_root_and_says_when_it_may_not_write(open_folder: Path) -> None:
    """As root this becomes `nobody`, who may pass the folders on the way to this Python."""
    account = choose(None, Path(sys.executable).resolve().parent)
    become = None if account is None else account.become
    data = open_folder / "data"
    data.mkdir()
    data.chmod(0o555)
    with Up(data, become=become) as up:
        assert up.process.wait(20) == 3
        assert "cannot write in the data folder" in up.log.read_text()
    data.chmod(0o755)
    if account is not None:
        os.chown(data, account.uid, account.gid)
    with Up(data, become=become) as up:
        up.ready()
        assert {process.uids().effective for process in up.family()} == {data.stat().st_uid}
        assert up.end(signal.SIGTERM) == 0
