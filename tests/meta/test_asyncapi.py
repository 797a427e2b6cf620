"""docs/asyncapi.yaml says what the code does: fields, ranges, topics, reasons, examples."""

import json
from collections.abc import Iterator
from typing import Any, Final

import jsonschema_rs
import pytest
import yaml

from alerts.api.shapes import AlertShape
from alerts.canary import DEVICE as CANARY
from alerts.canary import Sighting, body
from alerts.feeds.mqtt import canary_topic, topic
from alerts.lifecycle import Type
from domain import reading
from domain.instant import DAY_US, parse_rfc3339
from domain.people import Assignment, Device, Episode, Roster
from domain.reading import Datum, Site
from ingest.missing import Range
from ingest.reading_shape import FIELDS, MAX_BYTES, MAX_READINGS
from ingest.receipts import encode
from ingest.sources.address import SourceSettings
from ingest.telling import errors_topic, receipt_topic
from ingest.wire import Reason, decode
from rules.rulebook import DEFAULT
from rules.wearers import Wearers
from tests.meta.source_tree import ROOT

DOCUMENT: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docs" / "asyncapi.yaml").read_text())
MESSAGES: Final = DOCUMENT["components"]["messages"]
SCHEMAS: Final = DOCUMENT["components"]["schemas"]
READING: Final = SCHEMAS["Reading"]["properties"]
NOW: Final = parse_rfc3339("2026-02-03T04:06:00Z")
RANGES: Final = {
    "temperature_c": reading.TEMPERATURE_C_RANGE,
    "pulse_bpm": reading.PULSE_BPM_RANGE,
    "spo2_pct": reading.SPO2_PCT_RANGE,
    "battery_pct": reading.BATTERY_PCT_RANGE,
    "lat": reading.LATITUDE_RANGE,
    "lon": reading.LONGITUDE_RANGE,
}


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(part, list):
        for each in part:
            yield from references(each)


def at(pointer: str) -> Any:
    found: Any = DOCUMENT
    for part in pointer.removeprefix("#/").split("/"):
        found = found[part]
    return found


def validator(schema: dict[str, Any]) -> Any:
    return jsonschema_rs.validator_for({**schema, "components": DOCUMENT["components"]})


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        assert at(reference) is not None


def test_every_channel_has_one_operation() -> None:
    used = [operation["channel"]["$ref"] for operation in DOCUMENT["operations"].values()]
    assert sorted(used) == sorted(f"#/channels/{name}" for name in DOCUMENT["channels"])


def test_topics_are_those_of_the_code() -> None:
    addresses = {name: channel["address"] for name, channel in DOCUMENT["channels"].items()}
    assert addresses["receipt"] == receipt_topic("{device_id}")
    assert addresses["errors"] == errors_topic("{device_id}")
    assert addresses["alerts"] == topic("{grid_id}", "{alert_id}")
    assert addresses["canary"] == canary_topic("{grid_id}")
    assert CANARY in DOCUMENT["channels"]["readings"]["parameters"]["device_id"]["description"]
    (subscribed,) = SourceSettings("mqtt://127.0.0.1", "c").topics
    assert addresses["readings"].replace("{device_id}", "+") == subscribed


def test_fields_and_ranges_are_those_of_the_decoder() -> None:
    assert sorted(READING) == sorted(FIELDS)
    for name, (low, high) in RANGES.items():
        assert (READING[name]["minimum"], READING[name]["maximum"]) == (low, high), name
    words = {word for word in READING["datum"]["enum"] if word is not None}
    assert words == {each.name.lower() for each in Datum}
    for site in Site:
        assert site in (Site.NOT_GIVEN, Site.UNKNOWN) or site.word in READING["site"]["description"]
    assert f"{MAX_BYTES:,} bytes" in MESSAGES["readings"]["summary"]
    assert MESSAGES["readings"]["payload"]["oneOf"][1]["maxItems"] == MAX_READINGS


def test_reasons_types_and_alerts_are_those_of_the_code() -> None:
    assert SCHEMAS["Error"]["properties"]["reason"]["enum"] == [*Reason]
    assert MESSAGES["alert"]["payload"]["properties"]["type"]["enum"] == [*Type]
    assert SCHEMAS["Alert"]["required"] == AlertShape.model_json_schema()["required"]


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_examples_fit_their_schemas(name: str) -> None:
    fits = validator(MESSAGES[name]["payload"])
    for example in MESSAGES[name].get("examples", ()):
        fits.validate(example["payload"])


def test_the_examples_of_readings_are_taken_in_whole() -> None:
    device = Device(1, "w-1", "a", Site.WRIST, 60, spot=False)
    episode = Episode(1, "e-1", NOW - DAY_US, NOW + DAY_US, None, None)
    worn = (Assignment(1, 1, NOW - DAY_US, None),)
    roster = Roster(1, {"w-1": device}, {1: episode}, {1: worn})
    slots = Wearers.of(roster, DEFAULT).slots
    for example in MESSAGES["readings"]["examples"]:
        payload = json.dumps(example["payload"]).encode()
        decoded = decode("doorstep/v1/devices/w-1/readings", payload, NOW, roster, slots)
        assert not decoded.rejections
        sent = example["payload"] if isinstance(example["payload"], list) else [example["payload"]]
        assert len(decoded.rows) == len(sent)


def test_a_receipt_is_as_described() -> None:
    fits = validator(SCHEMAS["Receipt"])
    for boot in ("a1", None):
        fits.validate(json.loads(encode(boot, 1017, [Range(1003, 1004, NOW)], NOW)))


def test_a_canary_is_as_described() -> None:
    schema = MESSAGES["canary"]["payload"]
    told = json.loads(body(Sighting(17, 3, "grid-03", "mark", NOW, NOW)))
    validator(schema).validate(told)
    assert sorted(told) == sorted(schema["required"]) == sorted(schema["properties"])
