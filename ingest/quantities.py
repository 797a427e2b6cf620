"""What one typed reading measured, in the whole units of `domain.batch`, quantity by quantity.

A quantity outside its hard range, or not finite, is dropped and noted; the others are kept, so that
a bad fix never hides a fever (contract section 3). Nothing here rejects a reading.

Choices where the contract is silent:

- A position is one quantity of four fields. Half of one, a datum nobody knows and an accuracy that
  is negative (how iOS marks an invalid fix), not finite or beyond 2x10^8 m each drop all of it: a
  fix judged by a guessed accuracy could accuse somebody.
- `accuracy_m` and `datum` without a position, and `site` without a temperature, say nothing. They
  are left out, so that they do not make two readings of one.
- An accuracy too small for a decimetre is one decimetre: 0 would mean unknown.
"""

from collections.abc import Mapping
from math import floor, isfinite
from typing import Final

from domain.batch import NO_POSITION
from domain.reading import (
    BATTERY_PCT_RANGE,
    DATUM_BY_WORD,
    LATITUDE_RANGE,
    LONGITUDE_RANGE,
    PULSE_BPM_RANGE,
    SPO2_PCT_RANGE,
    TEMPERATURE_C_RANGE,
    Datum,
    Site,
)
from ingest.reading_shape import Reading
from ingest.rejection import Fault, Reason, shown

Columns = tuple[int, int, int, int, int, int, int, int, int, int, int, int, int]
"""In the order of `domain.batch.QUANTITIES`."""

STEPS_RANGE: Final = (0.0, 10_000_000.0)
ACCURACY_M_RANGE: Final = (0.0, 2e8)
"""The column is 32 bits of decimetres; nobody is further than 2x10^7 m from anywhere."""

NOTHING: Final[Columns] = (-1, 0, -1, -1, -1, NO_POSITION, NO_POSITION, -1, 0, -1, -1, -1, -1)
"""A reading that measured nothing."""

_Position = tuple[int, int, int, int]
_NO_POSITION: Final[_Position] = (NO_POSITION, NO_POSITION, -1, 0)

_TEMPERATURE_LOW, _TEMPERATURE_HIGH = TEMPERATURE_C_RANGE
_PULSE_LOW, _PULSE_HIGH = PULSE_BPM_RANGE
_SPO2_LOW, _SPO2_HIGH = SPO2_PCT_RANGE
_STEPS_LOW, _STEPS_HIGH = STEPS_RANGE
_BATTERY_LOW, _BATTERY_HIGH = BATTERY_PCT_RANGE
_LATITUDE_LOW, _LATITUDE_HIGH = LATITUDE_RANGE
_LONGITUDE_LOW, _LONGITUDE_HIGH = LONGITUDE_RANGE
_ACCURACY_LOW, _ACCURACY_HIGH = ACCURACY_M_RANGE

# (0, 0) is what receivers without a fix send. As near to it as the column can tell is the same.
NULL_ISLAND_DEG: Final = 0.5e-7

SITE_NO: Final[Mapping[str | None, int]] = {None: 0} | {
    site.word: int(site) for site in Site if site is not Site.NOT_GIVEN
}
DATUM_NO: Final[Mapping[str | None, int]] = {None: int(Datum.WGS84)} | {
    word: int(no) for word, no in DATUM_BY_WORD.items()
}
_FLAG: Final = {None: -1, False: 0, True: 1}


def columns(reading: Reading, dropped: list[Fault]) -> Columns:
    """The reading in whole units. What had to be dropped is appended to `dropped`, in this order.

    Pulse 0 is kept (no contact); spo2 0 and (lat, lon) (0, 0) are no value and no fault.
    """
    temperature_c = reading.get("temperature_c")
    if temperature_c is not None and not _TEMPERATURE_LOW <= temperature_c <= _TEMPERATURE_HIGH:
        dropped.append(_fault("/temperature_c", temperature_c, TEMPERATURE_C_RANGE))
        temperature_c = None
    pulse_bpm = reading.get("pulse_bpm")
    if pulse_bpm is not None and not _PULSE_LOW <= pulse_bpm <= _PULSE_HIGH and pulse_bpm != 0:
        dropped.append(_fault("/pulse_bpm", pulse_bpm, PULSE_BPM_RANGE))
        pulse_bpm = None
    spo2_pct = reading.get("spo2_pct")
    if spo2_pct is not None and not _SPO2_LOW <= spo2_pct <= _SPO2_HIGH:
        if spo2_pct != 0:
            dropped.append(_fault("/spo2_pct", spo2_pct, SPO2_PCT_RANGE))
        spo2_pct = None
    steps = reading.get("steps")
    if steps is not None and not _STEPS_LOW <= steps <= _STEPS_HIGH:
        dropped.append(_fault("/steps", steps, STEPS_RANGE))
        steps = None
    lat_e7, lon_e7, accuracy_dm, datum = _position(reading, dropped)
    battery_pct = reading.get("battery_pct")
    if battery_pct is not None and not _BATTERY_LOW <= battery_pct <= _BATTERY_HIGH:
        dropped.append(_fault("/battery_pct", battery_pct, BATTERY_PCT_RANGE))
        battery_pct = None
    # Rounding is `domain.reading.centi` and `half_up`, written out: calls are a third of the time.
    return (
        -1 if temperature_c is None else floor(temperature_c * 100 + 0.5),
        0 if temperature_c is None else _site_no(reading.get("site")),
        -1 if pulse_bpm is None else floor(pulse_bpm + 0.5),
        -1 if spo2_pct is None else floor(spo2_pct + 0.5),
        -1 if steps is None else floor(steps + 0.5),
        lat_e7,
        lon_e7,
        accuracy_dm,
        datum,
        _FLAG[reading.get("near_home")],
        -1 if battery_pct is None else floor(battery_pct + 0.5),
        _FLAG[reading.get("charging")],
        _FLAG[reading.get("worn")],
    )


def _site_no(word: str | None) -> int:
    number = SITE_NO.get(word)
    return int(Site.of(word or "")) if number is None else number


def _position(reading: Reading, dropped: list[Fault]) -> _Position:
    """lat, lon, accuracy and datum in columns, or none of them."""
    lat, lon = reading.get("lat"), reading.get("lon")
    if lat is None or lon is None:
        if lat is not lon:
            missing = "/lat" if lat is None else "/lon"
            dropped.append(Fault(Reason.OUT_OF_RANGE, missing, "a position needs both lat and lon"))
        return _NO_POSITION
    if abs(lat) < NULL_ISLAND_DEG and abs(lon) < NULL_ISLAND_DEG:
        return _NO_POSITION
    accuracy_m = reading.get("accuracy_m") or 0.0
    datum = DATUM_NO.get(reading.get("datum"))
    if (
        datum is not None
        and _LATITUDE_LOW <= lat <= _LATITUDE_HIGH
        and _LONGITUDE_LOW <= lon <= _LONGITUDE_HIGH
        and _ACCURACY_LOW <= accuracy_m <= _ACCURACY_HIGH
    ):
        return (
            floor(lat * 1e7 + 0.5),
            floor(lon * 1e7 + 0.5),
            max(1, floor(accuracy_m * 10 + 0.5)) if accuracy_m else -1,
            datum,
        )
    if datum is None:
        detail = f"{shown(reading.get('datum'))} is not a datum we know"
        dropped.append(Fault(Reason.OUT_OF_RANGE, "/datum", detail))
    for pointer, value, (low, high) in (
        ("/lat", lat, LATITUDE_RANGE),
        ("/lon", lon, LONGITUDE_RANGE),
        ("/accuracy_m", accuracy_m, ACCURACY_M_RANGE),
    ):
        if not low <= value <= high:
            dropped.append(_fault(pointer, value, (low, high)))
    return _NO_POSITION


def _fault(pointer: str, value: float, allowed: tuple[float, float]) -> Fault:
    if not isfinite(value):
        return Fault(Reason.NOT_FINITE, pointer, f"{shown(value)} is not a number one can measure")
    low, high = allowed
    detail = f"{shown(value)} is outside {low:g} to {high:g}"
    return Fault(Reason.OUT_OF_RANGE, pointer, detail)
