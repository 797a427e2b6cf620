"""Fields of many readings, column by column, to the whole units of `domain.batch`.

Says the same as `ingest.quantities` and `ingest.wire` of a reading that nothing is wrong with, and
of any other only that it is not one (`good` is false). Nothing is dropped here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from domain.batch import MISSING, NO_POSITION, QUANTITIES, READING, Rows
from domain.instants import UNREAD, instants_of
from domain.reading import (
    BATTERY_PCT_RANGE,
    LATITUDE_RANGE,
    LONGITUDE_RANGE,
    PULSE_BPM_RANGE,
    SPO2_PCT_RANGE,
    TEMPERATURE_C_RANGE,
    Site,
)
from ingest.directory import ASK_THE_ROSTER, Directory
from ingest.quantities import (
    ACCURACY_M_RANGE,
    DATUM_NO,
    NULL_ISLAND_DEG,
    SITE_NO,
    STEPS_RANGE,
)
from ingest.wire import NEWEST_US, OLDEST_US, boot_key

Given = Sequence[Any]
"""One field of each reading; None where it was not given."""

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_UNKNOWN_DATUM: Final = 255
_UNUSABLE_BOOT: Final = -(2**62)
"""Should a word ever have this key, its readings only go the longer way."""
_MEASURED: Final = tuple(
    name for name in QUANTITIES if name not in ("site", "lon_e7", "accuracy_dm", "datum")
)
"""The columns of which one is filled in wherever anything was measured."""
_LARGEST_MS: Final = 2**53
"""Milliseconds beyond are no instant anybody measured at; in microseconds they would overflow."""


class _Sites(dict[str | None, int]):
    def __missing__(self, word: str | None) -> int:
        return int(Site.of(word or ""))


class _Datums(dict[str | None, int]):
    def __missing__(self, word: str | None) -> int:
        return _UNKNOWN_DATUM


_SITES: Final = _Sites(SITE_NO)
_DATUMS: Final = _Datums(DATUM_NO)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Readings in columns. Shapes (n,)."""

    rows: Rows
    """Digests are not filled in; of a reading that is not good a row means nothing."""
    good: Mask
    colons: npt.NDArray[np.int64]
    """How many a reading's own text has, if it names each key once and no others."""
    boots: dict[int, str]


def table_of(
    given: Sequence[Given],
    device_no: npt.NDArray[np.int32],
    ids: Sequence[str],
    received_at: npt.NDArray[np.int64],
    directory: Directory,
) -> Table:
    """Judges readings given field by field, in the order of `ingest.straight.Fields`.

    `ids` has for each reading its topic's device, or nothing when no reading names one.
    """
    measured, named, boots, seqs, temperature_c, sites, pulse_bpm, spo2_pct, steps = given[:9]
    lat, lon, accuracy_m, datums, near_home, battery_pct, charging, worn = given[9:]
    count = len(measured)
    rows = np.zeros(count, dtype=READING)
    rows["device_no"] = device_no
    rows["received_at"] = received_at
    rows["measured_at"], colons = _instants(measured)
    good = _in_time(rows) & _worn(rows, directory)
    if ids:
        good &= np.array([n is None or n == id_ for n, id_ in zip(named, ids, strict=True)])
        colons += _present(named)
    words = _boots(rows, boots)
    good &= rows["boot_key"] != _UNUSABLE_BOOT
    _seqs(rows, seqs)
    colons += _present(boots) + _present(seqs) + _present(sites) + _present(datums)
    for name, column, limits, scale in (
        ("temperature_cc", temperature_c, TEMPERATURE_C_RANGE, 100),
        ("pulse_bpm", pulse_bpm, PULSE_BPM_RANGE, 1),
        ("spo2_pct", spo2_pct, SPO2_PCT_RANGE, 1),
        ("steps", steps, STEPS_RANGE, 1),
        ("battery_pct", battery_pct, BATTERY_PCT_RANGE, 1),
    ):
        there, in_range = _quantity(rows, name, column, limits, scale)
        good &= in_range
        colons += there
    for name, column in (("near_home", near_home), ("charging", charging), ("worn", worn)):
        flags = np.array(column, dtype=np.float64)
        there = ~np.isnan(flags)
        rows[name] = np.where(there, flags, -1)
        colons += there
    _sites(rows, sites)
    numbers, usable = _position(rows, (lat, lon, accuracy_m), datums)
    colons += numbers
    good &= usable & _something(rows)
    return Table(rows, good, colons, words)


def _present(column: Given) -> npt.NDArray[np.int64] | int:
    missing = column.count(None)
    if missing == len(column):
        return 0
    return 1 if not missing else np.array([each is not None for each in column], dtype=np.int64)


def _instants(measured: Given) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The instants (`UNREAD` if there is none), and the colons of key and text."""
    if int not in map(type, measured):
        return _texts(measured)
    numbers = [n for n, at in enumerate(measured) if at.__class__ is int]
    found, colons = _texts([at if at.__class__ is str else "" for at in measured])
    given_ms = np.array([measured[n] for n in numbers], dtype=np.int64)
    usable = np.abs(given_ms) < _LARGEST_MS
    found[numbers] = np.where(usable, given_ms * usable * 1_000, UNREAD)
    return found, colons


def _texts(texts: Given) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    found = instants_of(texts)
    return found, np.array([1 + text.count(":") for text in texts], dtype=np.int64)


def _in_time(rows: Rows) -> Mask:
    measured_at = rows["measured_at"]
    age_us = rows["received_at"] - np.where(measured_at == UNREAD, 0, measured_at)
    in_time: Mask = (measured_at != UNREAD) & (age_us >= -NEWEST_US) & (age_us <= OLDEST_US)
    return in_time


def _worn(rows: Rows, directory: Directory) -> Mask:
    """Fills in who wore the device; false where nobody did, or only the roster itself can tell."""
    device_no, measured_at = rows["device_no"], rows["measured_at"]
    rows["slot"] = directory.slot[device_no]
    rows["episode_no"] = directory.episode_no[device_no]
    worn: Mask = rows["slot"] != ASK_THE_ROSTER
    worn &= directory.from_at[device_no] <= measured_at
    worn &= measured_at < directory.until_at[device_no]
    return worn


def _boots(rows: Rows, boots: Given) -> dict[int, str]:
    if boots.count(None) == len(boots):
        return {}
    keys: dict[str | None, int] = {word: _key(word) for word in dict.fromkeys(boots)}
    rows["boot_key"] = [keys[word] for word in boots]
    return {key: word for word, key in keys.items() if word is not None}


def _key(word: str | None) -> int:
    if word is None:
        return MISSING["boot_key"]
    return boot_key(word) if word.isprintable() else _UNUSABLE_BOOT


def _seqs(rows: Rows, seqs: Given) -> None:
    missing = seqs.count(None)
    if missing == len(seqs):
        rows["seq"] = MISSING["seq"]
    elif missing:
        rows["seq"] = [MISSING["seq"] if seq is None else seq for seq in seqs]
    else:
        rows["seq"] = seqs


def _quantity(
    rows: Rows, name: str, column: Given, limits: tuple[float, float], scale: int
) -> tuple[Mask, Mask]:
    """Fills a column in. Returns where there is a value, and where nothing is wrong with it."""
    values = np.array(column, dtype=np.float64)
    there = ~np.isnan(values)
    low, high = limits
    taken = (values >= low) & (values <= high)
    fine = taken | ~there
    # 0 is "no value"; of a pulse it also says that there is no contact, and is kept.
    if name == "pulse_bpm":
        taken = taken | (values == 0)
    if name in ("pulse_bpm", "spo2_pct"):
        fine |= values == 0
    whole = np.floor(np.where(taken, values, 0) * scale + 0.5)
    rows[name] = np.where(taken, whole, MISSING[name])
    return there, fine


def _sites(rows: Rows, sites: Given) -> None:
    numbers = np.fromiter(map(_SITES.__getitem__, sites), dtype=np.uint8, count=len(sites))
    measured = rows["temperature_cc"] != MISSING["temperature_cc"]
    rows["site"] = np.where(measured, numbers, MISSING["site"])


def _position(
    rows: Rows, given: tuple[Given, Given, Given], datums: Given
) -> tuple[npt.NDArray[np.int64], Mask]:
    """Fills the position in. Returns how many of its numbers there are, and where it is good."""
    lat, lon, accuracy_m = (np.array(column, dtype=np.float64) for column in given)
    lat_there, lon_there, accuracy_there = ~np.isnan(lat), ~np.isnan(lon), ~np.isnan(accuracy_m)
    no_fix = (np.abs(lat) < NULL_ISLAND_DEG) & (np.abs(lon) < NULL_ISLAND_DEG)
    fix = lat_there & lon_there & ~no_fix
    error_m = np.where(accuracy_there, accuracy_m, 0.0)
    datum = np.fromiter(map(_DATUMS.__getitem__, datums), dtype=np.uint8, count=len(datums))
    usable = datum != _UNKNOWN_DATUM
    for values, (low, high) in (
        (lat, LATITUDE_RANGE),
        (lon, LONGITUDE_RANGE),
        (error_m, ACCURACY_M_RANGE),
    ):
        usable &= (values >= low) & (values <= high)
    taken = fix & usable
    for name, values in (("lat_e7", lat), ("lon_e7", lon)):
        rows[name] = np.where(taken, np.floor(np.where(taken, values, 0) * 1e7 + 0.5), NO_POSITION)
    # An accuracy too small for a decimetre is one decimetre: 0 would mean unknown.
    error_dm = np.maximum(1, np.floor(np.where(taken, error_m, 0) * 10 + 0.5))
    rows["accuracy_dm"] = np.where(taken & (error_m != 0), error_dm, MISSING["accuracy_dm"])
    rows["datum"] = np.where(taken, datum, 0)
    there = lat_there.astype(np.int64) + lon_there + accuracy_there
    return there, (lat_there == lon_there) & (taken | ~fix)


def _something(rows: Rows) -> Mask:
    """Where anything was measured at all."""
    found = np.zeros(len(rows), dtype=np.bool_)
    for name in _MEASURED:
        found |= rows[name] != MISSING[name]
    return found
