"""Readings in columns: one numpy structured array, a row a reading.

A row has no nulls: a quantity that was not measured holds its `MISSING` value, which lies outside
the quantity's hard range, so that no comparison can take it for a measurement by accident.
`store` turns it into NULL. Rows are put in one order, `(slot, measured_at, digest)`: ties are
broken by content, never by arrival (promise 2).
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.void]
"""A structured array of `READING`, shape (n,)."""

READING: Final = np.dtype(
    [
        ("slot", "<i4"),  # index of (episode, device) in the rule state; see rules.state
        ("device_no", "<i4"),
        ("episode_no", "<i4"),
        ("measured_at", "<i8"),  # microseconds since the epoch
        ("received_at", "<i8"),
        ("digest", "<i8"),  # 64-bit hash of the quantities below, `digests`
        ("boot_key", "<i8"),  # 64-bit hash of the boot word; 0 none
        ("seq", "<i8"),  # -1 none
        ("temperature_cc", "<i2"),  # centi-degrees Celsius; -1 none
        ("site", "u1"),  # domain.reading.Site as the reading gave it; 0 not given
        ("pulse_bpm", "<i2"),  # -1 none; 0 no contact
        ("spo2_pct", "i1"),  # -1 none
        ("steps", "<i4"),  # since the previous reading; -1 none
        ("lat_e7", "<i4"),  # degrees x 10^7 in `datum`; NO_POSITION none
        ("lon_e7", "<i4"),
        ("accuracy_dm", "<i4"),  # decimetres, 68 % radius; -1 unknown
        ("datum", "u1"),  # domain.reading.Datum
        ("near_home", "i1"),  # -1 not said, 0 no, 1 yes
        ("battery_pct", "i1"),  # -1 none
        ("charging", "i1"),  # -1 not said, 0 no, 1 yes
        ("worn", "i1"),  # -1 not said, 0 no, 1 yes
    ]
)

NO_POSITION: Final = -(2**31)

MISSING: Final[dict[str, int]] = {
    "boot_key": 0,
    "seq": -1,
    "temperature_cc": -1,
    "site": 0,
    "pulse_bpm": -1,
    "spo2_pct": -1,
    "steps": -1,
    "lat_e7": NO_POSITION,
    "lon_e7": NO_POSITION,
    "accuracy_dm": -1,
    "near_home": -1,
    "battery_pct": -1,
    "charging": -1,
    "worn": -1,
}

QUANTITIES: Final = (
    "temperature_cc",
    "site",
    "pulse_bpm",
    "spo2_pct",
    "steps",
    "lat_e7",
    "lon_e7",
    "accuracy_dm",
    "datum",
    "near_home",
    "battery_pct",
    "charging",
    "worn",
)
"""The columns that make two readings of one device at one instant the same reading or two."""

_MULTIPLY: Final = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio (Knuth, TAOCP 6.4)
_MIX_A: Final = np.uint64(0xBF58476D1CE4E5B9)  # splitmix64 finaliser (Steele, Lea, Flood 2014)
_MIX_B: Final = np.uint64(0x94D049BB133111EB)


def rows_of(tuples: list[tuple[Any, ...]]) -> Rows:
    """Rows from tuples in the order of `READING`, with digests filled in. Shape (n,)."""
    rows = np.array(tuples, dtype=READING)
    rows["digest"] = digests(rows)
    return rows


def digests(rows: Rows) -> npt.NDArray[np.int64]:
    """The 64-bit content hash of each row's quantities. Shape (n,). The same on every machine."""
    mixed = np.full(len(rows), 0x243F6A8885A308D3, dtype=np.uint64)
    for name in QUANTITIES:
        mixed = _mix(mixed ^ (rows[name].astype(np.int64).view(np.uint64) * _MULTIPLY))
    return mixed.view(np.int64)


def _mix(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    values = (values ^ (values >> np.uint64(30))) * _MIX_A
    values = (values ^ (values >> np.uint64(27))) * _MIX_B
    return values ^ (values >> np.uint64(31))


def in_order(rows: Rows) -> Rows:
    """The rows sorted by `(slot, measured_at, digest)`."""
    return rows[np.lexsort((rows["digest"], rows["measured_at"], rows["slot"]))]
