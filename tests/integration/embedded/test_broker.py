"""The embedded broker lets in who has the login, and nobody else."""

from pathlib import Path

import psutil
import pytest

from doorstep.embedded import broker, child, ports
from tests.integration.ingest.harness import eventually, make, running

pytestmark = pytest.mark.integration


async def test_the_login_is_asked_for_and_only_loopback_is_served(tmp_path: Path) -> None:
    login = broker.Login("doorstep", 'a "word"')
    port, store = ports.free(), tmp_path / "数据"
    file = tmp_path / "nats.conf"
    file.write_text(broker.configuration(port, store, tmp_path / "log", login))
    program = broker.program(file, tmp_path / "log")
    process = child.start(program)
    try:
        assert child.wait_until(lambda: broker.answers(port, login), 10), child.tail(
            tmp_path / "log"
        )
        assert not broker.answers(port, None)
        assert not broker.answers(port, broker.Login("doorstep", "another"))
        listening = psutil.Process(process.pid).net_connections("inet")
        assert {entry.laddr.ip for entry in listening} == {"127.0.0.1"}
        await _ingestion_hears_itself(port, login)
    finally:
        child.stop(process, program, 5)
    assert store.exists()


async def _ingestion_hears_itself(port: int, login: broker.Login) -> None:
    url = f"mqtt://127.0.0.1:{port}"
    source = make(url, "3.1.1", echo_s=0.1, username=login.user, password=login.password)
    async with running(source):
        await eventually(lambda: source.hearing.heard_at is not None)
