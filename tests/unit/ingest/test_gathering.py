"""The open batch: every message counted once, rows in order, each with the message it came in."""

import json

import pytest

from domain.instant import DAY_US, SECOND_US, format_rfc3339, parse_rfc3339
from domain.people import Assignment, Device, Episode, Roster
from domain.reading import Site
from ingest.allowance import Allowance
from ingest.directory import Directory
from ingest.gathering import CHUNK_MESSAGES, NO_ROWS, Limits, OpenBatch
from ingest.sources.port import Envelope

NOW = parse_rfc3339("2026-02-03T04:05:06Z")
TOPIC = "doorstep/v1/devices/w-1/readings"
EPISODE = Episode(1, "e-1", NOW - DAY_US, NOW + DAY_US, None, None)
ROSTER = Roster(
    version=1,
    devices={"w-1": Device(1, "w-1", "band-a", Site.WRIST, 60, spot=False)},
    episodes={1: EPISODE},
    assignments={1: (Assignment(1, 1, NOW - DAY_US, None),)},
)
DIRECTORY = Directory.of(ROSTER, {(1, 1): 0})


def _envelope(packet: int, *seconds_ago: int, boot: str | None = None) -> Envelope:
    readings = [
        {"measured_at": format_rfc3339(NOW - s * SECOND_US), "temperature_c": 33.0, "boot": boot}
        for s in seconds_ago
    ]
    return Envelope((1, packet), TOPIC, json.dumps(readings).encode(), NOW)


def _closed(*envelopes: Envelope) -> OpenBatch:
    batch = OpenBatch()
    batch.gather(envelopes, DIRECTORY, Allowance(), NOW)
    batch.decode(DIRECTORY, Allowance(), NOW)
    return batch


def test_rows_are_in_order_and_know_their_message() -> None:
    batch = _closed(_envelope(1, 5, 60), _envelope(2, 30))
    rows, origins = batch.rows()
    assert ((NOW - rows["measured_at"]) // SECOND_US).tolist() == [60, 30, 5]
    assert origins.tolist() == [0, 1, 0]
    assert batch.tokens == [(1, 1), (1, 2)]


def test_a_bad_message_is_kept_and_confirmed_like_a_good_one() -> None:
    batch = _closed(Envelope((1, 9), TOPIC, b"\xff", NOW))
    assert batch.rows()[0] is NO_ROWS
    assert batch.tokens == [(1, 9)]
    assert [message.payload for message in batch.rejected] == [b"\xff"]
    assert batch.reasons == {"not_utf8": 1}


@pytest.mark.parametrize("count", [2, 200, CHUNK_MESSAGES, 2 * CHUNK_MESSAGES + 201])
def test_the_rows_are_the_same_however_many_messages_come_at_once(count: int) -> None:
    envelopes = [_envelope(n + 1, n + 1, boot=f"b{n % 3}") for n in range(count)]
    envelopes[count // 2] = Envelope((1, count // 2 + 1), TOPIC, b"[]", NOW)
    together, one_by_one = _closed(*envelopes), OpenBatch()
    for envelope in envelopes:
        one_by_one.gather([envelope], DIRECTORY, Allowance(), NOW)
        one_by_one.decode(DIRECTORY, Allowance(), NOW)
    assert together.readings == one_by_one.readings == count - 1
    for ours, its in zip(together.rows(), one_by_one.rows(), strict=True):
        assert ours.tolist() == its.tolist()
    for name in ("boots", "tokens", "rejected", "reasons", "messages", "payload_bytes"):
        assert getattr(together, name) == getattr(one_by_one, name)


def test_a_batch_that_is_started_over_has_everything_once() -> None:
    batch = _closed(_envelope(1, 5, 60), Envelope((1, 2), TOPIC, b"[]", NOW)).started_over()
    assert (batch.readings, batch.rejected) == (2, [])
    batch.decode(DIRECTORY, Allowance(), NOW)
    assert (len(batch.rows()[0]), len(batch.rejected), batch.tokens) == (2, 1, [(1, 1), (1, 2)])


@pytest.mark.parametrize("count", [4, 200])
def test_a_device_that_sends_too_much_is_refused_whole_messages_and_they_are_kept(
    count: int,
) -> None:
    batch, allowance = OpenBatch(), Allowance(capacity=5, per_second=1)
    poison = Envelope((1, 99), TOPIC, b"[]", NOW)
    envelopes = [_envelope(n + 1, 2 * n + 1, 2 * n + 2) for n in range(count)]
    batch.gather([*envelopes, poison], DIRECTORY, allowance, NOW)
    batch.decode(DIRECTORY, allowance, NOW)
    assert batch.rows()[1].tolist() == [1, 1, 0, 0]  # two messages of two readings, of all
    assert len(batch.tokens) == count + 1
    assert batch.reasons == {"rate_limited": count - 2, "schema": 1}
    assert [message.payload for message in batch.rejected[:-1]] == [
        each.payload for each in envelopes[2:]
    ]


def test_full_by_readings_messages_or_bytes() -> None:
    for limits in (
        Limits(readings=3),
        Limits(readings=1_000, payload_bytes=10),
    ):
        batch = OpenBatch()
        assert not batch.full(limits)
        batch.gather([_envelope(1, 1, 2, 3)], DIRECTORY, Allowance(), NOW)
        batch.decode(DIRECTORY, Allowance(), NOW)
        assert batch.full(limits)
    batch = OpenBatch()
    batch.gather([Envelope(None, TOPIC, b"", NOW)] * 3, DIRECTORY, Allowance(), NOW)
    assert batch.full(Limits(readings=3))


def test_what_comes_from_our_own_store_is_nobodys_share() -> None:
    """It would be refused for good: only what the roster lacked is ever judged again."""
    allowance = Allowance(capacity=2, per_second=1)
    kept = [_envelope(0, n)._replace(token=None, resubmitted=True) for n in range(5)]
    batch = OpenBatch()
    batch.gather([*kept, _envelope(1, 10, 11), _envelope(2, 12)], DIRECTORY, allowance, NOW)
    batch.decode(DIRECTORY, allowance, NOW)
    assert batch.rows()[0]["received_at"].size == 5 + 2
    assert batch.reasons == {"rate_limited": 1}


def test_a_batch_that_starts_over_is_not_charged_again() -> None:
    allowance = Allowance(capacity=CHUNK_MESSAGES + 1, per_second=1)
    batch = OpenBatch()
    batch.gather([_envelope(n + 1, n) for n in range(CHUNK_MESSAGES)], DIRECTORY, allowance, NOW)
    batch = batch.started_over().started_over()
    batch.gather([_envelope(CHUNK_MESSAGES + 1, 1_000)], DIRECTORY, allowance, NOW)
    batch.decode(DIRECTORY, allowance, NOW)
    assert batch.readings == CHUNK_MESSAGES + 1
    assert batch.reasons == {}
