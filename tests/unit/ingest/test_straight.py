"""The straight road says what the exact one says, of whatever it has an opinion on."""

import json
from collections.abc import Sequence
from typing import Any, cast

from hypothesis import example, given
from hypothesis import strategies as st

from domain.batch import rows_of
from domain.instant import DAY_US, MINUTE_US, format_rfc3339
from ingest.directory import Directory
from ingest.sources.port import Envelope
from ingest.straight import decode_straight
from ingest.wire import decode
from tests.unit.ingest.test_reading_shape import texts
from tests.unit.ingest.test_wire import MESSAGES, RECEIVED_AT, ROSTER, SLOTS, TOPIC, payload_of

DIRECTORY = Directory.of(ROSTER, SLOTS)

Sent = Sequence[tuple[str, bytes]]


def _straight(sent: Sent) -> list[int]:
    """Holds both roads against each other; returns which messages went the straight one."""
    envelopes = [Envelope(None, topic, payload, RECEIVED_AT) for topic, payload in sent]
    straight = decode_straight(envelopes, DIRECTORY)
    left = set(straight.left)
    assert list(straight.left) == sorted(left)
    tuples: list[tuple[int, ...]] = []
    origins: list[int] = []
    boots: dict[int, str] = {}
    for n, envelope in enumerate(envelopes):
        if n not in left:
            exact = decode(envelope.topic, envelope.payload, RECEIVED_AT, ROSTER, SLOTS)
            assert (exact.rejections, exact.unknown_fields) == ([], 0), envelope.payload
            tuples += exact.rows
            origins += [n] * len(exact.rows)
            boots |= exact.boots
    assert straight.origins.tolist() == origins
    rows = rows_of(tuples)
    rows["digest"] = 0
    assert straight.rows.tolist() == rows.tolist()
    assert {key: straight.boots[key] for key in boots} == boots
    return [n for n in range(len(envelopes)) if n not in left]


def test_golden_messages() -> None:
    """All at once and each alone; most of those that are accepted go the straight road."""
    sent, plain = [], set()
    for n, parameter in enumerate(MESSAGES):
        message = cast("dict[str, Any]", parameter.values[0])
        sent.append((message.get("topic", TOPIC), payload_of(message)))
        if "rejections" not in message and "unknown_fields" not in message:
            plain.add(n)
    went = set(_straight(sent))
    assert went <= plain
    assert len(went) > len(plain) / 2
    for each in sent:
        _straight([each])


TOPICS = st.sampled_from(
    [
        *(TOPIC, TOPIC, TOPIC, TOPIC.replace("1", "2"), TOPIC.replace("1", "3"), TOPIC + "\n"),
        *("x" * 20 + "w-000001" + "y" * 9, TOPIC.replace("1", "9"), ""),
    ]
)


@given(st.lists(st.tuples(TOPICS, texts().map(str.encode)), max_size=4))
@example([(TOPIC, b'{"measured_at":1770091506789,"seq":1,"seq":2}')])
@example([(TOPIC, b'{"measured_at":1770091506789,"lat":null,"lat":1}')])
@example([(TOPIC, b'{"measured_at":1770091506789,"boot":"a:","fw":1}')])
def test_odd_messages(sent: Sent) -> None:
    _straight(sent)


# In range and just outside, around every border that is compared.
NUMBERS = st.sampled_from(
    [
        *(0, -0.0, 1, 2.5, 19.999, 20, 36.5, 36.705, 45, 45.001, 49, 50, 100, 100.5, 300, 301, -1),
        *(90, 90.0000001, 180, -180.0000001, 4e-8, -4e-8, 6e-8, 2e8, 2e9, 1e300, 35.5, 0.04),
    ]
)
QUANTITY = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(
            ("temperature_c", "pulse_bpm", "spo2_pct", "steps", "battery_pct"), NUMBERS
        ),
        **dict.fromkeys(("lat", "lon", "accuracy_m"), NUMBERS),
        **dict.fromkeys(("near_home", "charging", "worn"), st.booleans()),
        "site": st.sampled_from(["wrist", "axillary", "Temporal Artery", "elbow"]),
        "datum": st.sampled_from(["wgs84", "gcj02", "bd09", "osgb"]),
        "boot": st.sampled_from(["a", "a1", "b" * 32, "c" * 33, "\x7f", ""]),
        "seq": st.sampled_from([0, 1, 2**63 - 1, 2**63, -1]),
        "device_id": st.sampled_from(["w-000001", "w-000002"]),
    },
)
AGES = [0, MINUTE_US, -5 * MINUTE_US, -5 * MINUTE_US - 1, 30 * DAY_US, 30 * DAY_US + 1, 3 * DAY_US]
INSTANTS = st.sampled_from(
    [
        *(format_rfc3339(RECEIVED_AT - age) for age in AGES),
        *((RECEIVED_AT - age) // 1000 for age in AGES),
        *(0, -1, 2**53, 2**62, "2026-02-03t04:05:06z", "2026-02-03T12:05:06.1234567+08:00"),
    ]
)
READING = st.builds(lambda at, rest: {"measured_at": at, **rest}, INSTANTS, QUANTITY)
PAYLOAD = READING.map(json.dumps) | st.lists(READING, min_size=1, max_size=4).map(json.dumps)


@given(st.lists(st.tuples(TOPICS, PAYLOAD.map(str.encode)), max_size=6))
def test_every_border(sent: Sent) -> None:
    _straight(sent)


def test_a_large_message_a_long_array_and_a_deep_one_are_left() -> None:
    one = b'{"measured_at":1770091506789,"pulse_bpm":70}'
    many = b"[" + b",".join([one] * 1001) + b"]"
    assert _straight([(TOPIC, one + b" " * 65_536), (TOPIC, many), (TOPIC, b"[" * 60_000)]) == []
    assert _straight([(TOPIC, b"[" + b",".join([one] * 1000) + b"]"), (TOPIC, one)]) == [0, 1]


def test_no_message_reaches_into_another() -> None:
    """Two values in one payload and one value in two, so that the sum is right."""
    plain = [(TOPIC, b'{"measured_at":1770091506%03d,"pulse_bpm":70}' % n) for n in range(30)]
    two = (TOPIC, plain[0][1] + plain[1][1])
    halves = [(TOPIC, b'{"measured_at":1770091506789,"x":['), (TOPIC, b"{}]}")]
    sent = [*plain[:10], two, *plain[10:20], *halves, *plain[20:]]
    assert _straight(sent) == [*range(10), *range(11, 21), *range(23, 33)]


def test_one_bad_reading_sends_its_whole_message_the_exact_road() -> None:
    good, bad = '{"measured_at":1770091506789,"pulse_bpm":70}', '{"measured_at":1770091506789}'
    sent = [(TOPIC, f"[{good},{bad}]".encode()), (TOPIC, good.encode())]
    assert _straight(sent) == [1]
