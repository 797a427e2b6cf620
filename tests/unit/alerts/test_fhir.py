"""FHIR R4 Observations, held to the structure that the standard's JSON has."""

import json
import re
from typing import Any

import pytest

from alerts.fhir import bundle, observations
from domain.instant import parse_rfc3339
from domain.reading import CORE_LIKE, Site

READING = {
    "measured_at": "2026-02-03T04:05:06.789Z",
    "episode": "e-001",
    "person": "p-001",
    "grid": "grid-03",
    "device": "w-000001",
    "temperature_c": 36.7,
    "site": "axillary",
    "pulse_bpm": 72,
    "spo2_pct": 97,
}
DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
"""R4, datatypes: a dateTime with a time has an offset."""
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
ELEMENTS = {
    *("resourceType", "id", "status", "category", "code", "subject", "effectiveDateTime"),
    *("valueQuantity", "device", "bodySite"),
}
UNITS = {"8310-5": "Cel", "364537001": "Cel", "8867-4": "/min", "2708-6": "%"}
"""UCUM, as the vital signs profiles fix it."""


def nothing_empty(value: Any) -> bool:
    """FHIR's JSON has no null, and no empty object, list or text."""
    match value:
        case dict():
            return bool(value) and all(map(nothing_empty, value.values()))
        case list():
            return bool(value) and all(map(nothing_empty, value))
        case str():
            return bool(value.strip())
        case _:
            return value is not None


def validate(observation: dict[str, Any]) -> None:
    """What the R4 vital signs profile asks of one: its elements, cardinalities and codes."""
    assert observation["resourceType"] == "Observation"
    assert {*observation} <= ELEMENTS
    assert ELEMENTS - {*observation} <= {"bodySite"}
    assert nothing_empty(observation)
    assert ID.fullmatch(observation["id"])
    assert observation["status"] == "final"
    (category,) = observation["category"]
    assert [each["code"] for each in category["coding"]] == ["vital-signs"]
    codings = observation["code"]["coding"]
    for coding in codings:
        assert {*coding} == {"system", "code", "display"}
        assert coding["system"] in ("http://loinc.org", "http://snomed.info/sct")
    for name, kind in (("subject", "Patient"), ("device", "Device")):
        reference = observation[name]
        assert reference["type"] == kind
        assert {*reference["identifier"]} == {"system", "value"}
    assert DATE_TIME.fullmatch(observation["effectiveDateTime"])
    quantity = observation["valueQuantity"]
    assert {*quantity} == {"value", "unit", "system", "code"}
    assert type(quantity["value"]) in (int, float)
    assert quantity["system"] == "http://unitsofmeasure.org"
    assert quantity["code"] == UNITS[codings[0]["code"]]


def test_one_for_each_quantity() -> None:
    found = list(observations(READING))
    for each in found:
        validate(each)
        assert each["subject"]["identifier"]["value"] == "p-001"
        assert each["device"]["identifier"]["value"] == "w-000001"
        assert each["effectiveDateTime"] == READING["measured_at"]
    codes = [[coding["code"] for coding in each["code"]["coding"]] for each in found]
    assert codes == [["8310-5"], ["8867-4"], ["2708-6", "59408-5"]]
    assert [each["valueQuantity"]["value"] for each in found] == [36.7, 72, 97]
    assert found[0]["bodySite"] == {"text": "axillary"}


@pytest.mark.parametrize("site", [each for each in Site if each is not Site.NOT_GIVEN])
def test_only_a_temperature_of_the_body_says_so(site: Site) -> None:
    (found,) = observations(
        {name: READING[name] for name in ("measured_at", "person", "device", "temperature_c")}
        | {"site": site.word}
    )
    validate(found)
    (coding,) = found["code"]["coding"]
    body = {*CORE_LIKE, Site.TEMPORAL_ARTERY, Site.VAGINA}
    assert (coding["code"] == "8310-5") == (site in body)
    assert (coding["code"] == "364537001") == (site not in body)
    assert ("bodySite" in found) == (site is not Site.UNKNOWN)


@pytest.mark.parametrize(
    "changed", [{"worn": False}, {"temperature_c": None, "pulse_bpm": 0, "spo2_pct": None}]
)
def test_what_is_nobodys_is_left_out(changed: dict[str, Any]) -> None:
    assert list(observations(READING | changed)) == []


def test_an_id_follows_from_the_content() -> None:
    first, again = list(observations(READING)), list(observations(dict(READING)))
    assert first == again
    other = list(observations(READING | {"temperature_c": 36.8}))
    assert other[0]["id"] != first[0]["id"]
    assert other[1]["id"] == first[1]["id"]


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_a_bundle_is_whole_and_written_as_it_comes(count: int) -> None:
    readings = [READING | {"temperature_c": 36 + n / 100} for n in range(count)]
    entries = (next(observations(each)) for each in readings)
    lines = list(bundle(entries, "2026-02-04T00:00:00Z"))
    assert len(lines) == count + 2
    said = json.loads("".join(lines))
    assert (said["resourceType"], said["type"]) == ("Bundle", "collection")
    assert parse_rfc3339(said["timestamp"])
    assert nothing_empty(said)
    urls = [each["fullUrl"] for each in said.get("entry", [])]
    assert len(urls) == len({*urls}) == count
    for each in said.get("entry", []):
        assert UUID.fullmatch(each["fullUrl"])
        assert each["fullUrl"] == f"urn:uuid:{each['resource']['id']}"
        validate(each["resource"])
