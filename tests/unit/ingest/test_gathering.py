"""The open batch: every message counted once, rows in order, each with the message it came in."""

import json

from domain.instant import DAY_US, SECOND_US, format_rfc3339, parse_rfc3339
from domain.people import Assignment, Device, Episode, Roster
from domain.reading import Site
from ingest.gathering import NO_ROWS, Limits, OpenBatch
from ingest.sources.port import Envelope

NOW = parse_rfc3339("2026-02-03T04:05:06Z")
TOPIC = "doorstep/v1/devices/w-1/readings"
EPISODE = Episode(1, "e-1", "p-1", "g", "c", "", NOW - DAY_US, NOW + DAY_US, None, None)
ROSTER = Roster(
    version=1,
    devices={"w-1": Device(1, "w-1", "band-a", Site.WRIST, 60, spot=False)},
    episodes={1: EPISODE},
    assignments={1: (Assignment(1, 1, NOW - DAY_US, None),)},
)
SLOTS = {(1, 1): 0}


def _envelope(packet: int, *seconds_ago: int, boot: str | None = None) -> Envelope:
    readings = [
        {"measured_at": format_rfc3339(NOW - s * SECOND_US), "temperature_c": 33.0, "boot": boot}
        for s in seconds_ago
    ]
    return Envelope((1, packet), TOPIC, json.dumps(readings).encode(), NOW)


def test_rows_are_in_order_and_know_their_message() -> None:
    batch = OpenBatch()
    batch.gather([_envelope(1, 5, 60), _envelope(2, 30)], ROSTER, SLOTS)
    rows, origins = batch.rows()
    assert ((NOW - rows["measured_at"]) // SECOND_US).tolist() == [60, 30, 5]
    assert origins.tolist() == [0, 1, 0]
    assert batch.tokens == [(1, 1), (1, 2)]


def test_a_bad_message_is_kept_and_confirmed_like_a_good_one() -> None:
    batch = OpenBatch()
    poison = Envelope((1, 9), TOPIC, b"\xff", NOW)
    batch.gather([poison], ROSTER, SLOTS)
    assert batch.rows()[0] is NO_ROWS
    assert batch.tokens == [(1, 9)]
    assert [message.payload for message in batch.rejected] == [b"\xff"]
    assert batch.reasons == {"not_utf8": 1}


def test_boots_are_kept_by_device() -> None:
    batch = OpenBatch()
    batch.gather([_envelope(1, 5, 6, boot="a1"), _envelope(2, 7, boot="a1")], ROSTER, SLOTS)
    [((device_no, _), word)] = batch.boots.items()
    assert (device_no, word) == (1, "a1")


def test_full_by_readings_messages_or_bytes() -> None:
    for limits in (
        Limits(readings=3),
        Limits(readings=1_000, payload_bytes=10),
    ):
        batch = OpenBatch()
        assert not batch.full(limits)
        batch.gather([_envelope(1, 1, 2, 3)], ROSTER, SLOTS)
        assert batch.full(limits)
    batch = OpenBatch()
    batch.gather([Envelope(None, TOPIC, b"", NOW)] * 3, ROSTER, SLOTS)
    assert batch.full(Limits(readings=3))
