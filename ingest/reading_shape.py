"""The shape of a reading on the wire: which fields, of which types. Pydantic stops here.

`read` turns a payload into typed readings, or says what is wrong with each, or with all of it. It
refuses wrong types, never values: ranges, instants and devices are judged in `ingest.wire` and
`ingest.quantities`. It goes one of two ways, which agree (tests/unit/ingest/test_reading_shape.py
holds them against each other):

- the straight one, for what nearly every message is: pydantic reads the bytes in one pass. It
  yields only the fields we know, so it is believed only when the colons in the text add up;
- the exact one, for everything else: `ingest.json_text`, then reading by reading.
"""

from typing import Annotated, Any, Final, NamedTuple, Required, cast

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict  # pydantic reads typing's only from Python 3.12 on

from ingest.json_text import Doubled, parse
from ingest.rejection import Fault, Reason

MAX_BYTES: Final = 65_536
MAX_READINGS: Final = 1_000

_Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]
_Count64 = Annotated[int, Field(ge=0, lt=2**63)]
# Control characters would end up in logs and terminals, and PostgreSQL's text holds no NUL.
_Word = Annotated[str, Field(pattern=r"^[^\p{Cc}]{1,32}$")]


@with_config(ConfigDict(strict=True, extra="ignore", regex_engine="rust-regex"))
class Reading(TypedDict, total=False):
    """The fields of contract section 3. null means the same as absent."""

    measured_at: Required[Annotated[str | _Int64, Field(union_mode="left_to_right")]]
    device_id: str | None
    boot: _Word | None
    seq: _Count64 | None
    temperature_c: float | None
    site: str | None
    pulse_bpm: float | None
    spo2_pct: float | None
    steps: float | None
    lat: float | None
    lon: float | None
    accuracy_m: float | None
    datum: str | None
    near_home: bool | None
    battery_pct: float | None
    charging: bool | None
    worn: bool | None


FIELDS: Final = tuple(Reading.__annotations__)


@with_config(ConfigDict(strict=True, regex_engine="rust-regex"))
class _Numbered(TypedDict):
    device_id: str | None
    boot: _Word | None
    seq: _Count64 | None


_ONE: Final = TypeAdapter(Reading).validator
_NUMBER: Final = TypeAdapter(_Numbered).validator
_NUMBER_FIELDS: Final = tuple(_Numbered.__annotations__)
_MANY: Final = TypeAdapter(
    Annotated[list[Reading], Field(min_length=1, max_length=MAX_READINGS, fail_fast=True)]
).validator

_DETAILS: Final = {
    "measured_at": "an RFC 3339 string with an offset, or whole milliseconds since 1970",
    "boot": "1 to 32 characters, none of them a control character",
    "seq": "a whole number from 0 to 2^63 - 1",
}


class Spoilt(NamedTuple):
    """What is wrong with a reading, and its number, if that much can be read; `seq` -1 if not."""

    fault: Fault
    boot: str | None = None
    seq: int = -1
    device_id: str | None = None
    """Whose number it is, where the reading says so."""


Readings = list[Reading | Spoilt]
"""What a message holds, in order: each a reading, or what is wrong with it."""


def read(payload: bytes) -> tuple[Readings, int] | Fault:
    """The readings of `payload` and how many fields we do not know; or why it holds none."""
    if len(payload) > MAX_BYTES:
        return Fault(Reason.TOO_LARGE, "", f"{len(payload)} bytes; {MAX_BYTES} are allowed")
    try:
        text = payload.decode()
    except UnicodeDecodeError as error:
        return Fault(Reason.NOT_UTF8, "", f"{error.reason} at byte {error.start}")
    readings = _read_straight(text)
    return _read_exactly(text) if readings is None else (readings, 0)


def _read_straight(text: str) -> Readings | None:
    """The readings, if all are well-typed, say nothing unknown and name no key twice.

    Without an escape in it, the text's colons are those after its keys and those within its
    strings. The result has at most as many keys, and at most as many colons in its strings, so
    equal sums mean that nothing was left out and nothing overwritten.
    """
    if "\\" in text:
        return None
    try:
        readings = [_ONE.validate_json(text)] if text[:1] == "{" else _MANY.validate_json(text)
    except ValidationError:
        return None
    colons = 0
    for reading in readings:
        measured_at = reading["measured_at"]
        colons += len(reading)
        if measured_at.__class__ is str:
            colons += measured_at.count(":")
    return readings if colons == text.count(":") else None


def _read_exactly(text: str) -> tuple[Readings, int] | Fault:
    value = parse(text)
    if isinstance(value, Fault):
        return value
    if isinstance(value, dict | Doubled):
        value = [value]
    if not isinstance(value, list):
        return Fault(Reason.SCHEMA, "", "neither a reading nor an array of readings")
    if not value:
        return Fault(Reason.SCHEMA, "", "an array of no readings")
    if len(value) > MAX_READINGS:
        return Fault(Reason.TOO_MANY, "", f"{len(value)} readings; {MAX_READINGS} are allowed")
    readings = [typed(item) for item in value]
    unknown = sum(
        len(item) - len(reading)
        for item, reading in zip(value, readings, strict=True)
        if not isinstance(reading, Spoilt)
    )
    return readings, unknown


def typed(item: Any) -> Reading | Spoilt:
    """The reading that one parsed value is, or what is wrong with it."""
    if isinstance(item, Doubled):
        pointer = f"/{item.key}" if item.key in FIELDS else ""
        return Spoilt(Fault(Reason.DUPLICATE_KEY, pointer, "a key is named twice"))
    try:
        return cast("Reading", _ONE.validate_python(item))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if not first["loc"]:
        return Spoilt(Fault(Reason.SCHEMA, "", "a reading is an object"))
    floats = _with_infinities(item)
    if floats != item:
        return typed(floats)
    field = str(first["loc"][0])
    fault = Fault(Reason.SCHEMA, f"/{field}", _DETAILS.get(field, first["msg"]))
    return Spoilt(fault, *_number(item))


def _number(item: dict[str, Any]) -> tuple[str | None, int, str | None]:
    """(boot, seq, device_id) of a reading otherwise spoilt; seq -1 unless all are sound."""
    try:
        sound = _NUMBER.validate_python({name: item.get(name) for name in _NUMBER_FIELDS})
    except ValidationError:
        return None, -1, None
    boot, seq = sound["boot"], sound["seq"]
    return (None, -1, None) if seq is None else (boot, seq, sound["device_id"])


def _with_infinities(item: dict[str, Any]) -> dict[str, Any]:
    """With integers that no float can hold as infinities, as the straight way reads them."""
    return {
        key: float(str(value)) if isinstance(value, int) and value.bit_length() > 1023 else value
        for key, value in item.items()
    }
