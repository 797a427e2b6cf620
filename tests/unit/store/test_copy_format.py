"""Binary COPY buffers against an encoder that writes one field after the other."""

import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.batch import MISSING, NO_POSITION, Rows, rows_of
from store.copy_format import COLUMNS, POSTGRES_EPOCH_US, SIGNATURE, TRAILER, encode

NOW = 1_770_091_506_000_000
_FORMAT = {">i8": ">q", ">i4": ">i", ">i2": ">h", "i1": ">b"}


def _field_by_field(rows: Rows, batch: int) -> bytes:
    """PostgreSQL's manual, COPY, Tuples: a 16-bit count, then length and value for each field."""
    out = bytearray(SIGNATURE)
    for row in rows:
        out += struct.pack(">h", len(COLUMNS))
        for name, width in COLUMNS.items():
            value = batch if name == "batch" else int(row[name])
            absent = name in MISSING and value == MISSING[name]
            absent |= name == "datum" and int(row["lat_e7"]) == NO_POSITION
            if absent:
                out += struct.pack(">i", -1)
                continue
            if name in ("measured_at", "received_at"):
                value -= POSTGRES_EPOCH_US
            out += struct.pack(">i", np.dtype(width).itemsize) + struct.pack(_FORMAT[width], value)
    return bytes(out + TRAILER)


_optional = {
    "boot_key": st.integers(1, 2**62),
    "seq": st.integers(0, 2**62),
    "temperature_cc": st.integers(2000, 4500),
    "site": st.integers(1, 11),
    "pulse_bpm": st.integers(0, 300),
    "spo2_pct": st.integers(50, 100),
    "steps": st.integers(0, 10_000),
    "lat_e7": st.integers(-900_000_000, 900_000_000),
    "lon_e7": st.integers(-1_800_000_000, 1_800_000_000),
    "accuracy_dm": st.integers(0, 2**31 - 1),
    "near_home": st.integers(0, 1),
    "battery_pct": st.integers(0, 100),
    "charging": st.integers(0, 1),
    "worn": st.integers(0, 1),
}


@st.composite
def _row(draw: st.DrawFn) -> tuple[int, ...]:
    given_ = {
        name: draw(st.one_of(st.just(MISSING[name]), values)) for name, values in _optional.items()
    }
    return (
        *(0, draw(st.integers(1, 99)), 1, NOW + draw(st.integers(-(10**12), 10**12)), NOW, 0),
        *(given_["boot_key"], given_["seq"], given_["temperature_cc"], given_["site"]),
        *(given_["pulse_bpm"], given_["spo2_pct"], given_["steps"], given_["lat_e7"]),
        *(given_["lon_e7"], given_["accuracy_dm"], draw(st.integers(0, 2)), given_["near_home"]),
        *(given_["battery_pct"], given_["charging"], given_["worn"]),
    )


@given(st.lists(_row(), min_size=1, max_size=20), st.integers(1, 2**40))
def test_columns_encode_as_field_by_field(tuples: list[tuple[int, ...]], batch: int) -> None:
    rows = rows_of(tuples)
    assert encode(rows, batch) == _field_by_field(rows, batch)


def test_no_rows_are_an_empty_copy() -> None:
    assert encode(rows_of([]), 1) == SIGNATURE + TRAILER
