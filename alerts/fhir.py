"""Vital signs as FHIR R4 Observations, in a Bundle that can be written as it comes.

Pure. One Observation for each quantity of a reading: temperature, heart rate, oxygen saturation,
with LOINC codes and UCUM units as the R4 vital signs profiles fix them (hl7.org/fhir/R4,
observation-vitalsigns). A temperature of the skin is not a body temperature and never says 8310-5:
it is SNOMED CT 364537001. What a device measured that was not worn, or had no contact, is nobody's
and is left out. People and devices are the roster's ids, as logical references; no name, no
position.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, Final

from domain.reading import CORE_LIKE, Site

_LOINC: Final = "http://loinc.org"
_SNOMED: Final = "http://snomed.info/sct"
_UCUM: Final = "http://unitsofmeasure.org"
_CATEGORY: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/observation-category",
    "code": "vital-signs",
    "display": "Vital Signs",
}
_BODY: Final = ({"system": _LOINC, "code": "8310-5", "display": "Body temperature"},)
_SKIN: Final = ({"system": _SNOMED, "code": "364537001", "display": "Temperature of skin"},)
_PULSE: Final = ({"system": _LOINC, "code": "8867-4", "display": "Heart rate"},)
_OXYGEN: Final = (
    {"system": _LOINC, "code": "2708-6", "display": "Oxygen saturation in Arterial blood"},
    {
        "system": _LOINC,
        "code": "59408-5",
        "display": "Oxygen saturation in Arterial blood by Pulse oximetry",
    },
)
# The rules have no thresholds for the last two and judge them as skin; they are not.
_OF_THE_BODY: Final = tuple(site.word for site in (*CORE_LIKE, Site.TEMPORAL_ARTERY, Site.VAGINA))

Document = dict[str, Any]


def observations(reading: Mapping[str, Any]) -> Iterator[Document]:
    """Of one reading as `store.exports` gives it: `measured_at`, `device`, `person`, quantities."""
    if reading.get("worn") is False:
        return
    if (celsius := reading.get("temperature_c")) is not None:
        site = reading["site"]
        coding = _BODY if site in _OF_THE_BODY else _SKIN
        where = {} if site == Site.UNKNOWN.word else {"bodySite": {"text": site}}
        yield _observation(reading, coding, (celsius, "C", "Cel"), where)
    if reading.get("pulse_bpm"):
        yield _observation(reading, _PULSE, (reading["pulse_bpm"], "beats/minute", "/min"), {})
    if (spo2 := reading.get("spo2_pct")) is not None:
        yield _observation(reading, _OXYGEN, (spo2, "%", "%"), {})


def bundle(entries: Iterable[Document], timestamp: str) -> Iterator[str]:
    """The text of a collection Bundle, an Observation a line. FHIR has no empty lists."""
    head = {"resourceType": "Bundle", "type": "collection", "timestamp": timestamp}
    yield json.dumps(head)[:-1]
    before = ', "entry": [\n'
    for each in entries:
        yield before + text({"fullUrl": f"urn:uuid:{each['id']}", "resource": each})
        before = ",\n"
    yield "}\n" if before.startswith(", ") else "\n]}\n"


def text(document: Document) -> str:
    """As one line of JSON."""
    return json.dumps(document, ensure_ascii=False)


def _observation(
    reading: Mapping[str, Any],
    coding: tuple[Mapping[str, str], ...],
    quantity: tuple[float, str, str],
    more: Document,
) -> Document:
    value, unit, code = quantity
    said = {
        "status": "final",
        "category": [{"coding": [_CATEGORY]}],
        "code": {"coding": list(coding)},
        "subject": _reference("Patient", "person", reading["person"]),
        "effectiveDateTime": reading["measured_at"],
        "valueQuantity": {"value": value, "unit": unit, "system": _UCUM, "code": code},
        "device": _reference("Device", "device", reading["device"]),
        **more,
    }
    return {"resourceType": "Observation", "id": _id(said), **said}


def _reference(kind: str, what: str, value: str) -> Document:
    return {"type": kind, "identifier": {"system": f"urn:doorstep:{what}", "value": value}}


def _id(said: Document) -> str:
    """A UUID that follows from the content (version 8, RFC 9562): exported twice it is the same."""
    digits = sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"
