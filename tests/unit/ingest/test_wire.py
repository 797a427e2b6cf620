import json
import re
import sqlite3
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.batch import MISSING, QUANTITIES, READING, rows_of
from domain.instant import DAY_US, format_rfc3339, parse_rfc3339
from domain.people import Assignment, Device, Episode, Roster
from domain.reading import Site
from ingest.reading_shape import FIELDS
from ingest.wire import MESSAGE, Decoded, Reason, Rejection, boot_key, decode

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests/golden/wire"

RECEIVED_AT = parse_rfc3339("2026-02-03T04:05:07Z")
MEASURED_AT = "2026-02-03T04:05:06.789Z"
TOPIC = "doorstep/v1/devices/w-000001/readings"


def device(no: int) -> Device:
    return Device(
        no=no, id=f"w-{no:06}", model="band-a", site=Site.WRIST, interval_s=60, spot=False
    )


def episode(no: int, starts_at: int) -> Episode:
    return Episode(
        no=no,
        id=f"e-{no:03}",
        starts_at=starts_at,
        ends_at=starts_at + 60 * DAY_US,
        home=None,
        birth_year=None,
    )


FEBRUARY = parse_rfc3339("2026-02-01T00:00:00Z")
ROSTER = Roster(
    version=1,
    devices={f"w-{no:06}": device(no) for no in (1, 2, 3)},
    episodes={7: episode(7, FEBRUARY - 40 * DAY_US), 8: episode(8, FEBRUARY)},
    assignments={
        1: (Assignment(1, 7, FEBRUARY - 40 * DAY_US, None),),
        3: (Assignment(3, 8, FEBRUARY - 9 * DAY_US, None),),
    },
)
SLOTS = {(7, 1): 70, (8, 3): 80}


def decoded(payload: bytes, topic: str = TOPIC) -> Decoded:
    return decode(topic, payload, RECEIVED_AT, ROSTER, SLOTS)


def reading(**fields: Any) -> dict[str, Any]:
    return {"measured_at": MEASURED_AT, **fields}


def sent(*readings: Any) -> Decoded:
    return decoded(json.dumps(readings[0] if len(readings) == 1 else readings).encode())


def named(row: tuple[int, ...]) -> dict[str, int]:
    assert READING.names is not None
    return dict(zip(READING.names, row, strict=True))


def said(rejection: Rejection) -> str:
    words = [str(rejection.item), rejection.reason, rejection.pointer]
    words.append("(rest stored)" if rejection.rest_stored else "")
    return " ".join(word for word in words if word)


MESSAGES = [
    pytest.param(message, id=message["name"])
    for name in ("accepted.toml", "hostile.toml")
    for message in tomllib.loads((GOLDEN / name).read_text(encoding="utf-8"))["message"]
]


def payload_of(message: dict[str, Any]) -> bytes:
    if "payload_hex" in message:
        return bytes.fromhex(message["payload_hex"])
    if "fields" in message:
        return f'{{"measured_at": "{MEASURED_AT}", {message["fields"]}}}'.encode()
    payload: str = message["payload"]
    return payload.encode()


@pytest.mark.parametrize("message", MESSAGES)
def test_golden(message: dict[str, Any]) -> None:
    result = decoded(payload_of(message), message.get("topic", TOPIC))
    rows = []
    for row, expected in zip(map(named, result.rows), message.get("rows", []), strict=True):
        found: dict[str, Any] = {
            name: row[name]
            for name in (*QUANTITIES, "seq", "boot_key")
            if row[name] != MISSING.get(name, 0)
        }
        if "measured_at" in expected:
            found["measured_at"] = format_rfc3339(row["measured_at"])
        rows.append(found)
    assert rows == message.get("rows", [])
    assert [said(rejection) for rejection in result.rejections] == message.get("rejections", [])
    assert result.unknown_fields == message.get("unknown_fields", 0)


def test_every_reason_the_wire_gives_has_a_golden_message_or_a_test_of_its_own() -> None:
    told = Counter(
        rejection.split()[1]
        for message in tomllib.loads((GOLDEN / "hostile.toml").read_text(encoding="utf-8"))[
            "message"
        ]
        for rejection in message["rejections"]
    )
    elsewhere = {Reason.TOO_LARGE, Reason.TOO_MANY, Reason.RATE_LIMITED, Reason.REFUSED_BY_STORE}
    assert set(told) == set(Reason) - elsewhere


def test_a_row_says_whose_it_is_and_when() -> None:
    result = decode(
        "doorstep/v1/devices/w-000003/readings",
        json.dumps(reading(pulse_bpm=72, boot="a1", seq=1017)).encode(),
        RECEIVED_AT,
        ROSTER,
        SLOTS,
    )
    [row] = map(named, result.rows)
    assert row["slot"] == 80
    assert row["device_no"] == 3
    assert row["episode_no"] == 8
    assert row["measured_at"] == parse_rfc3339(MEASURED_AT)
    assert row["received_at"] == RECEIVED_AT
    assert row["digest"] == 0
    assert row["boot_key"] == boot_key("a1")
    assert row["seq"] == 1017
    assert result.device_id == "w-000003"
    assert result.boots == {boot_key("a1"): "a1"}


def test_boot_words_of_the_rows() -> None:
    result = sent(
        reading(pulse_bpm=70, boot="a1"),
        reading(pulse_bpm=71, boot="a2"),
        reading(pulse_bpm=72),
        reading(pulse_bpm=999, boot="a3"),
    )
    assert result.boots == {boot_key("a1"): "a1", boot_key("a2"): "a2"}
    assert [named(row)["boot_key"] for row in result.rows] == [boot_key("a1"), boot_key("a2"), 0]


def test_boot_keys_are_64_bits_never_0_and_the_same_for_ever() -> None:
    assert boot_key("a1") == -6961044876021404389
    keys = {boot_key(f"{number}") for number in range(1000)}
    assert len(keys) == 1000
    assert 0 not in keys
    assert all(-(2**63) <= key < 2**63 for key in keys)


def test_the_device_is_told_even_when_the_message_is_not_read() -> None:
    assert decoded(b"?").device_id == "w-000001"
    assert decoded(b"?", "doorstep/v1/devices/w-9/readings").device_id == "w-9"
    assert decoded(b"?", "doorstep/v1/devices//readings").device_id is None
    assert decoded(b"?", f"doorstep/v1/devices/{'w' * 65}/readings").device_id is None


def reasons(payload: bytes, topic: str = TOPIC) -> list[tuple[int, Reason]]:
    return [(rejection.item, rejection.reason) for rejection in decoded(payload, topic).rejections]


def test_each_reason_comes_before_the_next() -> None:
    nobody = "doorstep/v1/devices/nobody/readings"
    many = b"[" + b",".join([b"{}"] * 1001) + b"]"
    assert reasons(b"\xff" * 65_537, "x") == [(MESSAGE, Reason.TOO_LARGE)]
    assert reasons(b"\xff", nobody) == [(MESSAGE, Reason.NOT_UTF8)]
    assert reasons(b"{", nobody) == [(MESSAGE, Reason.NOT_JSON)]
    assert reasons(many, nobody) == [(MESSAGE, Reason.TOO_MANY)]
    assert reasons(b"[{},{}]", nobody) == [(MESSAGE, Reason.UNKNOWN_DEVICE)]
    assert reasons(b"{}", "x") == [(MESSAGE, Reason.UNKNOWN_DEVICE)]

    twice = b'{"device_id":1,"device_id":"w-2","measured_at":0}'
    assert reasons(twice) == [(0, Reason.DUPLICATE_KEY)]
    assert reasons(twice.replace(b'"device_id":1,', b'"lat":"",')) == [(0, Reason.SCHEMA)]
    mismatch = b'{"device_id":"w-2","measured_at":0,"pulse_bpm":999}'
    assert reasons(mismatch) == [(0, Reason.DEVICE_MISMATCH)]
    assert reasons(mismatch.replace(b"w-2", b"w-000001")) == [(0, Reason.TIME_TOO_OLD)]
    bad = json.dumps(reading(pulse_bpm=999)).encode()
    unworn = "doorstep/v1/devices/w-000002/readings"
    assert reasons(bad, unworn) == [(0, Reason.OUT_OF_RANGE)]
    assert reasons(bad.replace(b"999", b"72"), unworn) == [(0, Reason.NOT_ASSIGNED)]


def test_the_largest_message_and_the_first_too_large() -> None:
    good = json.dumps(reading(pulse_bpm=72)).encode()
    assert len(decoded(good.ljust(65_536)).rows) == 1
    assert reasons(good.ljust(65_537)) == [(MESSAGE, Reason.TOO_LARGE)]


def test_a_thousand_readings() -> None:
    each = '{"measured_at":1770091506789,"pulse_bpm":%d}'
    plain = [each % (20 + number % 200) for number in range(1_000)]
    result = decoded(f"[{','.join(plain)}]".encode())
    assert len(result.rows) == 1_000
    assert result.rejections == []
    more = decoded(f"[{','.join(plain)}]".replace("}", ',"fw":1}').encode())
    assert more.rows == result.rows
    assert more.unknown_fields == 1_000


def test_an_array_of_one_is_as_the_reading_alone() -> None:
    for fields in ({"pulse_bpm": 72}, {"pulse_bpm": 999}, {"lat": 1}, {"worn": 0}, {}):
        payload = json.dumps(reading(**fields)).encode()
        assert decoded(b"[" + payload + b"]") == decoded(payload)


NUMBER_FIELDS = (
    *("temperature_c", "pulse_bpm", "spo2_pct", "steps"),
    *("lat", "lon", "accuracy_m", "battery_pct"),
)
NUMBERS = (
    st.floats()
    | st.floats(-200, 400)
    | st.integers(-200, 400)
    | st.integers()
    | st.sampled_from([0, -0.0, 20, 19.995, 45, 45.004, 300, 300.4, 90, 180, -180, 1e7, 2e8, 1e400])
)
INSTANTS = (
    st.integers(-40 * 86_400, 3_600).map(lambda s: format_rfc3339(RECEIVED_AT + s * 1_000_000))
    | st.integers(-40 * 86_400_000, 3_600_000).map(lambda ms: RECEIVED_AT // 1_000 + ms)
    | st.integers()
)
LIKELY = st.fixed_dictionaries(
    {"measured_at": INSTANTS},
    optional={
        **dict.fromkeys(NUMBER_FIELDS, NUMBERS),
        **dict.fromkeys(("near_home", "charging", "worn"), st.booleans()),
        "boot": st.text(max_size=40),
        "seq": st.integers(-1, 2**64),
        "site": st.text() | st.sampled_from([site.word for site in Site]),
        "datum": st.sampled_from(["wgs84", "gcj02", "bd09"]) | st.text(),
        "device_id": st.sampled_from(["w-000001", "w-000002"]),
    },
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=30,
)
TOPICS = st.text() | st.sampled_from(
    [TOPIC, TOPIC.replace("1/r", "2/r"), TOPIC.replace("1/r", "3/r")]
)


def table_of_readings() -> sqlite3.Connection:
    """The real CHECK constraints: SQLite understands the words they use."""
    sql = (ROOT / "store/migrations/0002_readings.sql").read_text()
    table = re.search(r"CREATE TABLE reading \(.*?\n        \)", sql, re.DOTALL)
    assert table is not None
    connection = sqlite3.connect(":memory:")
    connection.execute(table[0])
    return connection


TABLE = table_of_readings()


def store(row: dict[str, int]) -> None:
    values: dict[str, Any] = {
        name: None if value == MISSING.get(name) else value
        for name, value in row.items()
        if name != "slot"
    } | {"batch": 1}
    for name in ("measured_at", "received_at"):
        values[name] = format_rfc3339(row[name])
    names = ", ".join(values)
    places = ", ".join("?" * len(values))
    TABLE.execute(f"INSERT OR REPLACE INTO reading ({names}) VALUES ({places})", [*values.values()])


def holds_together(result: Decoded, readings: int) -> None:
    """What is so of every result: the promises of `decode`."""
    whole = [rejection for rejection in result.rejections if rejection.item == MESSAGE]
    if whole:
        assert result.rejections == whole
        assert result.rows == []
        assert len(whole) == 1
    else:
        lost = {rejection.item for rejection in result.rejections if not rejection.rest_stored}
        kept = {rejection.item for rejection in result.rejections if rejection.rest_stored}
        assert not lost & kept
        assert len(result.rows) + len(lost) == readings
        assert all(0 <= item < readings for item in lost | kept)
    keys = Counter((r.item, r.reason, r.pointer) for r in result.rejections)
    assert all(times == 1 for times in keys.values())
    for rejection in result.rejections:
        assert len(rejection.detail) <= 200
        assert (rejection.detail + rejection.pointer).isascii()
        assert rejection.detail.isprintable()
        assert rejection.pointer in ("", *(f"/{field}" for field in FIELDS))
    for row in map(named, result.rows):
        assert all(type(value) is int for value in row.values())
        store(row)
    batch = rows_of(result.rows)
    for name in set(batch.dtype.names or ()) - {"digest"}:
        assert np.array_equal(batch[name], [named(row)[name] for row in result.rows])


def test_the_constraints_are_really_looked_at() -> None:
    row = named(sent(reading(pulse_bpm=72)).rows[0])
    store(row)
    for name, value in (("pulse_bpm", 19), ("lat_e7", 1), ("site", 12), ("temperature_cc", 4501)):
        with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
            store(row | {name: value})


@given(TOPICS, st.binary() | st.text().map(str.encode))
def test_never_raises_for_any_bytes(topic: str, payload: bytes) -> None:
    result = decoded(payload, topic)
    holds_together(result, len(result.rows) + len({r.item for r in result.rejections}))


@given(TOPICS, JSON, st.booleans())
def test_never_raises_for_any_json(topic: str, value: Any, ascii_only: bool) -> None:
    payload = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    holds_together(decoded(payload, topic), len(value) if isinstance(value, list) else 1)


@given(st.lists(LIKELY, min_size=1, max_size=4), st.booleans())
def test_every_row_is_one_the_database_takes(
    readings: list[dict[str, Any]], ascii_only: bool
) -> None:
    payload = json.dumps(readings, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    result = decoded(payload)
    holds_together(result, len(readings))


@given(st.lists(LIKELY, min_size=1, max_size=4))
def test_in_an_array_each_reading_stands_alone(readings: list[dict[str, Any]]) -> None:
    together = decoded(json.dumps(readings).encode())
    alone = [decoded(json.dumps(one).encode()) for one in readings]
    assert together.rows == [row for one in alone for row in one.rows]
    assert [(r.item, r.reason, r.pointer) for r in together.rejections] == [
        (item, r.reason, r.pointer) for item, one in enumerate(alone) for r in one.rejections
    ]


@given(LIKELY, st.sampled_from(FIELDS), st.integers(0, 10))
def test_a_cut_or_doubled_message_is_never_a_row(one: dict[str, Any], field: str, cut: int) -> None:
    text = json.dumps(one)
    assert decoded(text[: len(text) - 1 - cut].encode()).rows == []
    doubled = f'{{"{field}": 1, "{field}": 1, {text[1:]}'
    assert reasons(doubled.encode()) == [(0, Reason.DUPLICATE_KEY)]


@given(LIKELY)
def test_an_unknown_field_changes_nothing_but_the_count(one: dict[str, Any]) -> None:
    plain = sent(one)
    more = sent({"firmware": "1.2", **one, "x": {"lat": [1, {"y": ":"}]}})
    assert more.rows == plain.rows
    assert more.rejections == plain.rejections
    assert more.unknown_fields in (0, 2)
