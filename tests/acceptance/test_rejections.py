"""Every rejection reason, and a good message after each: bad ones kept, good ones stored.

But for two: `rate_limited` is in test_receipts, what a database refuses in the ledger's own tests.
"""

import hashlib
import json
from pathlib import Path

import psycopg

from domain.instant import DAY_US, MINUTE_US, SECOND_US, format_rfc3339
from doorstep.clock import SystemClock
from tests.acceptance import publishing, stored
from tests.services import doorstep
from tests.services.brokers import Broker


def _bad(now: int) -> dict[str, tuple[str, bytes]]:
    """For each reason a device's id and a payload."""
    at = format_rfc3339(now)
    good = {"measured_at": at, "temperature_c": 36.6}
    return {
        "too_large": ("w-0000", b'{"measured_at": "' + b" " * 65_536 + b'"}'),
        "too_many": ("w-0000", b"[" + b",".join([b"{}"] * 1_001) + b"]"),
        "not_json": ("w-0000", b'{"measured_at": '),
        "not_utf8": ("w-0000", b'{"measured_at": "\xff\xfe"}'),
        "schema": ("w-0000", b'{"measured_at": true, "temperature_c": 36.6}'),
        "out_of_range": ("w-0000", json.dumps({**good, "temperature_c": 98.6}).encode()),
        "not_finite": ("w-0000", b'{"measured_at": "%s", "temperature_c": NaN}' % at.encode()),
        "duplicate_key": (
            "w-0000",
            b'{"measured_at": "%s", "temperature_c": 36.6, "temperature_c": 41}' % at.encode(),
        ),
        "time_too_old": (
            "w-0000",
            json.dumps({**good, "measured_at": format_rfc3339(now - 31 * DAY_US)}).encode(),
        ),
        "time_in_future": (
            "w-0000",
            json.dumps({**good, "measured_at": format_rfc3339(now + 60 * MINUTE_US)}).encode(),
        ),
        "unknown_device": ("w-9999", json.dumps(good).encode()),
        "not_assigned": (
            "w-0000",
            json.dumps({**good, "measured_at": format_rfc3339(now - 20 * DAY_US)}).encode(),
        ),
        "device_mismatch": ("w-0000", json.dumps({**good, "device_id": "w-0001"}).encode()),
    }


async def test_every_reason_is_kept_and_blocks_nothing(
    database: str, broker: Broker, tmp_path: Path
) -> None:
    now = SystemClock().now()
    doorstep.import_roster(database, publishing.roster(now, 1))
    bad = _bad(now)
    messages: list[tuple[str, bytes]] = []
    for n, (device, payload) in enumerate(bad.values()):
        good = publishing.reading(now - (len(bad) - n) * SECOND_US, temperature_c=36.5)
        messages += [(publishing.topic(device), payload), publishing.encoded("w-0000", [good])]
    with doorstep.ingest(database, broker.url, tmp_path, MQTT__PROTOCOL=broker.protocol):
        await publishing.publish(broker.port, messages, in_flight=1)
        stored.wait_for(database, "SELECT count(*) FROM reading", len(bad))
        stored.wait_for(database, "SELECT count(*) FROM rejected_message", len(bad))
    with psycopg.connect(database) as connection:
        kept = connection.execute(
            "SELECT reason, payload, payload_bytes, payload_sha256 FROM rejection"
            " JOIN rejected_message USING (content_sha256)"
        ).fetchall()
    assert {reason for reason, *_ in kept} == set(bad)
    for reason, payload, size, sha256 in kept:
        sent = bad[reason][1]
        assert (bytes(payload), size) == (sent[:65_536], len(sent))
        assert bytes(sha256) == hashlib.sha256(sent).digest()


async def test_a_bad_fix_hides_no_fever(database: str, broker: Broker, tmp_path: Path) -> None:
    now = SystemClock().now()
    doorstep.import_roster(database, publishing.roster(now, 1))
    messages = [
        publishing.encoded(
            "w-0000",
            [
                publishing.reading(
                    now - (20 - minute) * MINUTE_US, temperature_c=38.2, lat=91.0, lon=118.0
                )
            ],
        )
        for minute in range(15)
    ]
    with doorstep.ingest(database, broker.url, tmp_path, MQTT__PROTOCOL=broker.protocol):
        await publishing.publish(broker.port, messages, in_flight=1)
        stored.wait_for(database, "SELECT count(*) FROM reading WHERE lat_e7 IS NULL", 15)
        stored.wait_for(database, "SELECT count(*) FROM alert WHERE rule = 'fever'", 1)
    kept = stored.rows(database, "SELECT DISTINCT reason, pointer, rest_stored FROM rejection")
    assert kept == [("out_of_range", "/lat", True)]
