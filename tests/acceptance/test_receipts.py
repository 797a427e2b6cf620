"""What devices hear of their readings, from outside: receipts that hold, errors, limits, gaps."""

import asyncio
import hashlib
import json
import urllib.request
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from domain.instant import DAY_US, MINUTE_US, SECOND_US, format_rfc3339, to_datetime
from doorstep.clock import SystemClock
from tests.acceptance import publishing, stored
from tests.acceptance.hearing import Ear, claimed, listening
from tests.services import doorstep
from tests.services.brokers import Broker, started

BURST = 500
FACTOR = 10
"""The flood's clock is so much faster: a minute of rejections is over in six seconds."""
COMMITTED = (
    "SELECT r.seq FROM reading r JOIN device d USING (device_no) WHERE d.id = '{0}' UNION"
    " SELECT r.seq FROM rejection r JOIN rejected_message m USING (content_sha256)"
    " WHERE m.device_id = '{0}' AND r.seq IS NOT NULL"
)


def _numbered(device: str, now: int, numbers: Sequence[int], **more: object) -> list[Any]:
    """A message each."""
    return [
        publishing.encoded(
            device,
            [
                publishing.reading(
                    now - 3_600 * SECOND_US + seq * SECOND_US,
                    **{"temperature_c": 36.5, "boot": "a1", "seq": seq, **more},
                )
            ],
        )
        for seq in numbers
    ]


def _holds(database: str, ear: Ear, device: str) -> None:
    """No receipt that was ever heard claims what is not there now."""
    committed = {seq for (seq,) in stored.rows(database, COMMITTED.format(device))}
    for said in ear.receipts[device]:
        assert claimed(said) <= committed, said


async def _a_gap_is_told_and_filled(ear: Ear, port: int, now: int) -> None:
    await publishing.publish(port, _numbered("w-0000", now, (1, 2, 4, 5)), in_flight=1)
    said = await ear.covers("w-0000", 5, [3, 3])
    assert {**said, "at": None} == {
        "boot": "a1",
        "seq": 5,
        "missing": [[3, 3]],
        "at": None,
        "qos": 1,
    }
    await publishing.publish(port, _numbered("w-0000", now, (3,)))
    await ear.covers("w-0000", 5)
    heard = len(ear.receipts["w-0000"])
    await publishing.publish(port, _numbered("w-0000", now, (2,)))
    await ear.until(lambda: len(ear.receipts["w-0000"]) > heard)
    assert ear.receipts["w-0000"][-1]["missing"] == []


async def _what_is_rejected_is_receipted_and_told(ear: Ear, port: int, now: int) -> None:
    await publishing.publish(port, _numbered("w-0000", now, (6,), temperature_c="hot"))
    await ear.covers("w-0000", 6)
    await ear.until(lambda: bool(ear.errors["w-0000"]))
    [said] = ear.errors["w-0000"]
    assert said.pop("detail")
    assert said == {
        "boot": "a1",
        "seq": 6,
        "reason": "schema",
        "pointer": "/temperature_c",
        "qos": 0,
    }


async def test_a_receipt_holds_whatever_happens(
    database: str, broker: Broker, tmp_path: Path
) -> None:
    now = SystemClock().now()
    doorstep.import_roster(database, publishing.roster(now, 4))
    service = doorstep.ingest(database, broker.url, tmp_path, MQTT__PROTOCOL=broker.protocol)
    async with AsyncExitStack() as stack:
        ear = await stack.enter_async_context(listening(broker.port))
        stack.enter_context(service)
        silent = [
            publishing.encoded("w-0001", [publishing.reading(now - n, temperature_c=36.5)])
            for n in range(10)
        ]
        await publishing.publish(broker.port, silent)
        await _a_gap_is_told_and_filled(ear, broker.port, now)
        await _what_is_rejected_is_receipted_and_told(ear, broker.port, now)
        burst = range(1, BURST + 1)
        await publishing.publish(broker.port, _numbered("w-0002", now, burst))
        await ear.covers("w-0002", BURST)
        assert ear.a_second_apart("w-0002")
        # Killed while readings come: the database at rest holds all that was claimed.
        async with asyncio.TaskGroup() as tasks:
            messages = _numbered("w-0003", now, burst)
            tasks.create_task(publishing.publish(broker.port, messages, per_s=250))
            await ear.until(lambda: bool(ear.receipts["w-0003"]))
            service.kill()
            _holds(database, ear, "w-0003")
            await asyncio.to_thread(service.start)
            await asyncio.to_thread(service.wait_ready)
        # What was confirmed before the kill and never receipted, a device sends again.
        await publishing.publish(broker.port, _numbered("w-0003", now, (BURST,)))
        await ear.covers("w-0003", BURST)
        for device in ("w-0000", "w-0002", "w-0003"):
            _holds(database, ear, device)
            assert ear.a_second_apart(device)
        assert "w-0001" not in ear.receipts
        assert [*ear.errors] == ["w-0000"]


async def test_who_sends_too_much_is_kept_and_holds_up_nobody(
    database: str, broker: Broker, tmp_path: Path
) -> None:
    now = SystemClock().now()
    doorstep.import_roster(database, publishing.roster(now, 2))
    limits = {"INGEST__DEVICE_BURST": "1000", "INGEST__DEVICE_PER_S": "1"}
    arrays = [
        publishing.encoded(
            "w-0000",
            [
                publishing.reading(
                    now - DAY_US + (100 * n + item) * SECOND_US, temperature_c=36.5, seq=item + 1
                )
                for item in range(100)
            ],
        )
        for n in range(13)
    ]
    service = doorstep.ingest(
        database, broker.url, tmp_path, MQTT__PROTOCOL=broker.protocol, **limits
    )
    async with listening(broker.port) as ear:
        with service:
            await publishing.publish(broker.port, arrays, in_flight=1)
            await publishing.publish(broker.port, _numbered("w-0001", now, range(1, 51)))
            await ear.covers("w-0001", 50)
            await ear.until(lambda: len(ear.errors["w-0000"]) == 3)
    said = {(error["reason"], error["seq"]) for error in ear.errors["w-0000"]}
    assert said == {("rate_limited", None)}
    assert stored.one(database, "SELECT count(*) FROM reading") == 1_000 + 50
    kept = stored.rows(
        database,
        "SELECT reason, payload, payload_sha256 FROM rejection"
        " JOIN rejected_message USING (content_sha256)",
    )
    assert {(reason, bytes(payload)) for reason, payload, _ in kept} == {
        ("rate_limited", payload) for _, payload in arrays[10:]
    }
    for _, payload, sha256 in kept:
        assert bytes(sha256) == hashlib.sha256(payload).digest()


def _get(url: str, token: str | None = None) -> tuple[int, str]:
    request = urllib.request.Request(url)
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


async def _until(url: str, token: str | None, wanted: Any, within_s: float = 30.0) -> str:
    """Asks until the answer is as wanted."""
    async with asyncio.timeout(within_s):
        while not wanted(*(answer := await asyncio.to_thread(_get, url, token))):
            await asyncio.sleep(0.2)
    return answer[1]


@pytest.mark.timeout(240)
async def test_a_gap_is_shown_until_it_is_filled(database: str, tmp_path: Path) -> None:
    now = SystemClock().now()
    doorstep.import_roster(database, publishing.roster(now, 1))
    env = {"DOORSTEP_DATABASE_URL": database}
    token = doorstep.run(["token", "create", "--staff", "dr-01"], env).stdout.strip()
    with (
        started("mosquitto") as broker,
        doorstep.ingest(database, broker.url, tmp_path),
        doorstep.serve(database, tmp_path) as serving,
    ):
        gaps, signals = (f"{serving.url}/api/v1/{what}" for what in ("gaps", "signals?active=true"))
        await publishing.publish(broker.port, _numbered("w-0000", now, (1, 2, 6)))
        body = await _until(gaps, token, lambda _, body: json.loads(body)["items"] != [])
        [gap] = json.loads(body)["items"]
        assert gap.pop("noticed_at")
        assert gap == {"device": "w-0000", "boot": "a1", "from": 3, "to": 5}
        # Ten seconds later: brokers swap what they send again.
        body = await _until(signals, token, lambda _, body: json.loads(body)["items"] != [])
        [signal] = json.loads(body)["items"]
        assert (signal["kind"], signal["device"]) == ("gap", "w-0000")
        await publishing.publish(broker.port, _numbered("w-0000", now, (3, 4, 5)))
        for url in (gaps, signals):
            await _until(url, token, lambda _, body: json.loads(body)["items"] == [])


async def test_a_flood_of_rejections_is_said_and_passes(database: str, tmp_path: Path) -> None:
    origin_at = SystemClock().now()
    doorstep.import_roster(database, publishing.roster(origin_at, 1))
    settings = {
        "INGEST__REJECTIONS_PER_MINUTE": "20",
        "CLOCK__ORIGIN_AT": format_rfc3339(origin_at),
        "CLOCK__FACTOR": str(FACTOR),
    }
    poison = [(publishing.topic("w-0000"), b"{%d" % n) for n in range(25)]
    metric = 'doorstep_signal{kind="rejections"} '
    with (
        started("mosquitto") as broker,
        doorstep.ingest(database, broker.url, tmp_path, **settings) as service,
    ):
        await publishing.publish(broker.port, poison)
        body, _ = await asyncio.gather(
            _until(f"{service.url}/readyz", None, lambda status, _: status == 503),
            _until(f"{service.url}/metrics", None, lambda _, body: f"{metric}1.0" in body),
        )
        assert "rejected" in body
        await _until(f"{service.url}/readyz", None, lambda status, _: status == 200)
        assert f"{metric}0.0" in _get(f"{service.url}/metrics")[1]
        query = "SELECT count(*) FROM signal WHERE kind = 'rejections' AND ended_at > began_at"
        await asyncio.to_thread(stored.wait_for, database, query, 1)
    assert stored.one(database, "SELECT count(*) FROM rejected_message") == len(poison)


async def test_no_timestamp_makes_partitions(database: str, tmp_path: Path) -> None:
    """`database` is plain PostgreSQL, where a day is a table."""
    now = SystemClock().now()
    doorstep.import_roster(database, publishing.roster(now, 1))
    instants: list[object] = [
        format_rfc3339(now + 10 * MINUTE_US),
        format_rfc3339(now + 9 * DAY_US),
        format_rfc3339(now - 40 * DAY_US),
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        0,
        2**63 - 1,
        -(2**63),
    ]
    messages = [
        (publishing.topic("w-0000"), json.dumps({"measured_at": at, "steps": 1}).encode())
        for at in instants
    ]
    with started("mosquitto") as broker, doorstep.ingest(database, broker.url, tmp_path):
        await publishing.publish(broker.port, messages)
        await asyncio.to_thread(
            stored.wait_for, database, "SELECT count(*) FROM rejected_message", len(messages)
        )
    names = stored.rows(
        database, "SELECT relid::regclass::text FROM pg_partition_tree('reading') WHERE isleaf"
    )
    days = {f"reading_{to_datetime(now + day * DAY_US):%Y%m%d}" for day in range(-31, 4)}
    assert {name for (name,) in names} == days
