import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.reading_shape import (
    FIELDS,
    MAX_BYTES,
    MAX_READINGS,
    Reading,
    Spoilt,
    _read_exactly,
    _read_straight,
    read,
    typed,
)
from ingest.rejection import Fault, Reason

ODD = st.sampled_from(
    [
        *(None, True, False, 0, 1, -1, 2**53 + 1, 2**63 - 1, 2**63, 10**40, 10**400, -(10**400)),
        *(0.0, -0.0, 36.7, 1e300, 1770091506789, float("nan"), float("inf"), float("-inf")),
        *(
            "",
            "a1",
            "wrist",
            "wgs84",
            "2026-02-03T04:05:06Z",
            ":",
            "a:b",
            "é",
            "\x00",
            "\x7f",
            '"',
            "\\",
        ),
        *("x" * 32, "x" * 33, "居" * 32, "\U0001f600" * 32, [], {}, [1, {"a": 2}], {"lat": 1}),
    ]
)
NAMES = st.sampled_from([*FIELDS, "fw", "x:y", "Lat"])
GOOD = st.fixed_dictionaries(
    {"measured_at": st.sampled_from([1770091506789, "2026-02-03T04:05:06Z"])},
    optional={
        "boot": st.text("ab:", min_size=1, max_size=4),
        "seq": st.integers(0, 9),
        "lat": st.floats(-90, 90) | st.integers(-90, 90),
        "site": st.sampled_from(["wrist", None]),
        "worn": st.booleans(),
        "device_id": st.just("w-000001"),
    },
)
ODD_ONES = st.lists(st.tuples(NAMES, ODD), max_size=6)


def as_written(members: list[tuple[str, Any]], *, ascii_only: bool, colon: str) -> str:
    def dump(value: Any) -> str:
        return json.dumps(value, ensure_ascii=ascii_only)

    return "{" + ", ".join(f"{dump(name)}{colon}{dump(value)}" for name, value in members) + "}"


@st.composite
def texts(draw: st.DrawFn) -> str:
    ascii_only, colon = draw(st.booleans()), draw(st.sampled_from([":", ": ", " :"]))

    def reading() -> str:
        members = [*draw(GOOD).items(), *draw(ODD_ONES)]
        return as_written(draw(st.permutations(members)), ascii_only=ascii_only, colon=colon)

    if draw(st.booleans()):
        return reading()
    return "[" + ",".join(reading() for _ in range(draw(st.integers(0, 3)))) + "]"


@given(texts())
@example('{"measured_at":1,"boot":"::","boot":"a"}')
@example('{"measured_at":1,"lat":' + "9" * 4000 + "}")
def test_both_ways_agree(text: str) -> None:
    straight = _read_straight(text)
    if straight is not None:
        assert repr((straight, 0)) == repr(_in_order(_read_exactly(text)))


@given(st.lists(GOOD, min_size=1, max_size=3))
def test_ordinary_readings_go_the_straight_way(readings: list[dict[str, Any]]) -> None:
    ordinary = [
        {name: value for name, value in reading.items() if ":" not in str(reading.get("boot"))}
        for reading in readings
    ]
    ordinary = [reading for reading in ordinary if reading] or [{"measured_at": 1}]
    assert _read_straight(json.dumps(ordinary)) == ordinary
    assert _read_straight(json.dumps(ordinary[0])) == ordinary[:1]


@given(texts())
@example('{"measured_at":1,"boot":"::","boot":"a"}')
@example('{"lat":1,"lat":2,"measured_at":"2026-02-03T04\\u003a05:06Z"}')
def test_a_text_that_names_a_key_twice_never_goes_the_straight_way(text: str) -> None:
    twice = False

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        twice |= len(dict(pairs)) < len(pairs)
        return dict(pairs)

    json.loads(text, object_pairs_hook=note)
    assert not (twice and _read_straight(text) is not None)


def _in_order(answer: Any) -> Any:
    """Fields in the order of the schema, as the straight way yields them, not of the text."""
    if isinstance(answer, Fault):
        return answer
    readings, unknown = answer
    return [
        reading
        if isinstance(reading, Spoilt)
        else {name: reading[name] for name in FIELDS if name in reading}
        for reading in readings
    ], unknown


def test_size_is_looked_at_first() -> None:
    assert read(b" " * MAX_BYTES) == Fault(
        Reason.NOT_JSON, "", f"Expecting value (character {MAX_BYTES})"
    )
    assert read(b"\xff" * (MAX_BYTES + 1)) == Fault(
        Reason.TOO_LARGE, "", "65537 bytes; 65536 are allowed"
    )


@pytest.mark.parametrize("element", ['{"measured_at":1}', "1", '{"measured_at":1,"measured_at":2}'])
def test_a_thousand_readings_and_no_more(element: str) -> None:
    allowed = read(f"[{','.join([element] * MAX_READINGS)}]".encode())
    assert not isinstance(allowed, Fault)
    assert len(allowed[0]) == MAX_READINGS
    refused = read(f"[{','.join([element] * (MAX_READINGS + 1))}]".encode())
    assert isinstance(refused, Fault)
    assert refused.reason is Reason.TOO_MANY


def test_the_first_fault_in_the_order_of_the_contract_is_named() -> None:
    item = {"worn": 1, "lat": "1", "measured_at": None}
    detail = "an RFC 3339 string with an offset, or whole milliseconds since 1970"
    assert typed(item) == Spoilt(Fault(Reason.SCHEMA, "/measured_at", detail), None, -1)


@pytest.mark.parametrize(
    ("number", "known"),
    [
        ({"seq": 7}, (None, 7)),
        ({"seq": 7, "boot": "a1"}, ("a1", 7)),
        ({"seq": 7, "boot": None}, (None, 7)),
        ({"seq": 7, "boot": 1}, (None, -1)),
        ({"seq": 7, "boot": "\x00"}, (None, -1)),
        ({"seq": 7.0}, (None, -1)),
        ({"seq": 2**63, "boot": "a1"}, (None, -1)),
        ({"boot": "a1"}, (None, -1)),
    ],
)
def test_a_spoilt_reading_still_has_its_number_if_that_is_sound(
    number: dict[str, Any], known: tuple[str | None, int]
) -> None:
    spoilt = typed({"measured_at": "yesterday", "worn": 1, **number})
    assert isinstance(spoilt, Spoilt)
    assert (spoilt.boot, spoilt.seq) == known


@pytest.mark.parametrize("field", [field for field in FIELDS if field != "measured_at"])
def test_null_is_accepted_in_every_field_but_one(field: str) -> None:
    assert typed({"measured_at": 1, field: None}) == {"measured_at": 1, field: None}


NUMBERS = [
    "temperature_c",
    "pulse_bpm",
    "spo2_pct",
    "steps",
    "lat",
    "lon",
    "accuracy_m",
    "battery_pct",
]
WRONG: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(NUMBERS, (True, "1", [], {})),
    **dict.fromkeys(["near_home", "charging", "worn"], (0, 1, 1.0, "true", [])),
    **dict.fromkeys(["site", "datum", "device_id"], (1, True, [], {})),
    "boot": (1, True, [], "", "x" * 33, "\x00", "a\n", "\x7f", "\x85", "\udfff"),
    "seq": (1.0, True, "1", -1, 2**63, 10**400, float("inf")),
    "measured_at": (None, True, 1.0, [], {}, 2**63, 10**400, float("nan")),
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in WRONG.items() for value in values]
)
def test_a_wrong_type_is_refused_whichever_way(field: str, value: Any) -> None:
    item = {"measured_at": 1, field: value}
    spoilt = typed(item)
    assert isinstance(spoilt, Spoilt)
    fault = spoilt.fault
    assert (fault.reason, fault.pointer) == (Reason.SCHEMA, f"/{field}")
    assert _read_straight(json.dumps(item)) is None


def test_every_field_is_one_of_the_contract() -> None:
    assert set(WRONG) == set(FIELDS) == set(Reading.__annotations__)
