"""The ingestion process as an operator meets it: rosters, restarts, outages, a second copy."""

import asyncio
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from domain.instant import MINUTE_US, SECOND_US, format_rfc3339
from doorstep.clock import SystemClock
from tests.acceptance import publishing, stored
from tests.services import doorstep
from tests.services.brokers import Broker
from tests.services.postgres import Postgres


def _fever(now: int, minutes: range, device: str = "w-0000") -> list[tuple[str, bytes]]:
    return [
        publishing.encoded(
            device, [publishing.reading(now - (30 - m) * MINUTE_US, temperature_c=38.4)]
        )
        for m in minutes
    ]


async def test_a_new_roster_is_there_within_five_seconds_and_takes_what_was_kept(
    database: str, broker: Broker, tmp_path: Path
) -> None:
    """Readings of a device nobody knew are kept, and judged once somebody says who wears it."""
    now = SystemClock().now()
    with doorstep.ingest(database, broker.url, tmp_path, MQTT__PROTOCOL=broker.protocol):
        await publishing.publish(broker.port, _fever(now, range(15)), in_flight=1)
        stored.wait_for(database, "SELECT count(*) FROM rejection", 15)
        started = time.monotonic()
        doorstep.import_roster(database, publishing.roster(now, 1))
        stored.wait_for(database, "SELECT count(*) FROM reading", 15, within_s=10)
        assert time.monotonic() - started < 10
        stored.wait_for(database, "SELECT count(*) FROM alert WHERE rule = 'fever'", 1, 10)
        assert stored.one(database, "SELECT count(*) FROM rejected_message") == 0


async def test_a_clean_stop_leaves_nothing_to_come_again(
    database: str, broker: Broker, tmp_path: Path
) -> None:
    now = SystemClock().now()
    doorstep.import_roster(database, publishing.roster(now, 1))
    settings = {"MQTT__PROTOCOL": broker.protocol}
    with doorstep.ingest(database, broker.url, tmp_path, **settings):
        await publishing.publish(broker.port, _fever(now, range(15)))
        stored.wait_for(database, "SELECT count(*) FROM reading", 15)
    await publishing.publish(broker.port, _fever(now, range(15, 20)))
    with doorstep.ingest(database, broker.url, tmp_path, **settings):
        stored.wait_for(database, "SELECT count(*) FROM reading", 20)
    assert stored.one(database, "SELECT sum(duplicates) FROM journal") == 0


async def test_a_database_that_goes_away_costs_nothing(broker: Broker, tmp_path: Path) -> None:
    now = SystemClock().now()
    with Postgres() as server:
        database = server.fresh_database()
        doorstep.import_roster(database, publishing.roster(now, 1))
        service = doorstep.ingest(database, broker.url, tmp_path, MQTT__PROTOCOL=broker.protocol)
        with service:
            await publishing.publish(broker.port, _fever(now, range(5)))
            stored.wait_for(database, "SELECT count(*) FROM reading", 5)
            await asyncio.to_thread(server.kill)
            await publishing.publish(broker.port, _fever(now, range(5, 15)))
            await asyncio.to_thread(_wait_until_not_ready, service.url)
            assert _metric(service.url, 'doorstep_signal{kind="stalled"}') == 1
            away_s = await asyncio.to_thread(_wait_until_last_commit_is_older_than, 4, service.url)
            assert away_s > (_metric(service.url, "doorstep_last_message_age_seconds") or 0)
            await asyncio.to_thread(server.start)
            stored.wait_for(database, "SELECT count(*) FROM reading", 15)
            stored.wait_for(database, "SELECT count(*) FROM alert WHERE rule = 'fever'", 1)
            committed_s = _metric(service.url, "doorstep_last_commit_age_seconds")
            assert committed_s is not None
            assert committed_s < away_s
            service.wait_ready()
            assert _metric(service.url, 'doorstep_signal{kind="stalled"}') == 0
            assert _metric(service.url, "doorstep_echo_seconds") is not None
        assert "cannot store, trying again" in service.tail()
        assert "storing again" in service.tail()


@pytest.mark.parametrize("trouble", ["killed", "frozen"])
async def test_a_stop_waits_for_no_database(broker: Broker, tmp_path: Path, trouble: str) -> None:
    """What was not stored was not confirmed: the next process gets it from the broker."""
    now = SystemClock().now()
    with Postgres() as server:
        database = server.fresh_database()
        doorstep.import_roster(database, publishing.roster(now, 1))
        service = doorstep.ingest(database, broker.url, tmp_path, MQTT__PROTOCOL=broker.protocol)
        with service:
            await asyncio.to_thread(server.kill if trouble == "killed" else server.freeze)
            await publishing.publish(broker.port, _fever(now, range(15)))
            assert await asyncio.to_thread(service.stop) == 0
        await asyncio.to_thread(server.start if trouble == "killed" else server.thaw)
        with doorstep.ingest(database, broker.url, tmp_path, MQTT__PROTOCOL=broker.protocol):
            stored.wait_for(database, "SELECT count(*) FROM reading", 15)


def _wait_until_not_ready(url: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        status, reasons = _readiness(url)
        assert status == (503 if b'"ready":false' in reasons else 200)
        if b"database" in reasons:
            assert status == 503
            return
        time.sleep(0.1)
    raise AssertionError("still ready without a database")


def _wait_until_last_commit_is_older_than(seconds: float, url: str) -> float:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        age_s = _metric(url, "doorstep_last_commit_age_seconds")
        if age_s is not None and age_s > seconds:
            return age_s
        time.sleep(0.1)
    raise AssertionError("the last commit does not get older")


def _metric(url: str, name: str) -> float | None:
    """A metric's value at this moment; None if it is absent."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=2) as answer:
        lines = answer.read().decode().splitlines()
    values = [line.rpartition(" ")[2] for line in lines if line.rpartition(" ")[0] == name]
    return float(values[0]) if values else None


def _readiness(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_a_second_copy_says_so_and_exits_with_4(
    database: str, broker: Broker, tmp_path: Path
) -> None:
    with doorstep.ingest(database, broker.url, tmp_path, MQTT__PROTOCOL=broker.protocol):
        env = {
            "DOORSTEP_DATABASE_URL": database,
            "DOORSTEP_MQTT_URL": broker.url,
            "DOORSTEP_INGEST__HTTP_PORT": str(doorstep.free_port()),
        }
        second = doorstep.run(["ingest"], env)
    assert second.returncode == 4
    assert second.stderr.splitlines()[-1] == "doorstep: another ingest process has shard 0"


def test_what_cannot_start_says_why_in_one_line(database: str, tmp_path: Path) -> None:
    del tmp_path
    port = doorstep.free_port()
    nowhere = f"postgresql://doorstep@127.0.0.1:{port}/doorstep"
    for env, code, word in (
        ({"DOORSTEP_DATABASE_URL": nowhere}, 4, "refused"),
        ({"DOORSTEP_DATABASE_URL": "http://x"}, 3, "database_url"),
        ({"DOORSTEP_DATABASE_URL": database, "DOORSTEP_MQTT_URL": "tcp://x"}, 3, "mqtt_url"),
        ({"DOORSTEP_DATABASE_URL": database, "DOORSTEP_RULEBOOK": "/none"}, 3, "rulebook"),
        ({"DOORSTEP_DATABASE_URL": database, "DOORSTEP_MQTT_URL": "mqtt://h/x"}, 3, "mqtt"),
    ):
        done = doorstep.run(["ingest"], {"DOORSTEP_INGEST__HTTP_PORT": "0", **env})
        assert done.returncode == code, done.stderr
        assert word in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr


async def test_silence_is_not_our_own_outage(database: str, broker: Broker, tmp_path: Path) -> None:
    """At 600 times the speed: a wearer who stops is silent, but not because we were away."""
    origin = SystemClock().now()
    factor = 600
    doorstep.import_roster(database, publishing.roster(origin, 1))
    settings = {
        "MQTT__PROTOCOL": broker.protocol,
        "CLOCK__ORIGIN_AT": format_rfc3339(origin),
        "CLOCK__FACTOR": str(factor),
    }
    first = [publishing.encoded("w-0000", [publishing.reading(origin, temperature_c=36.6)])]
    service = doorstep.ingest(database, broker.url, tmp_path, **settings)
    with service:
        await publishing.publish(broker.port, first)
        stored.wait_for(database, "SELECT count(*) FROM reading", 1)
        await asyncio.to_thread(service.kill)
        await asyncio.sleep(3)  # half an hour on the service's clock: twice what silence takes
        await asyncio.to_thread(service.start)
        await asyncio.to_thread(service.wait_ready)
        assert stored.one(database, "SELECT count(*) FROM alert") == 0
        stored.wait_for(database, "SELECT count(*) FROM alert WHERE rule = 'silent'", 1, 30)
    heard = stored.one(database, "SELECT receive_clock_us FROM shard")
    assert heard >= 15 * 60 * SECOND_US
