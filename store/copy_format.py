"""PostgreSQL's binary COPY format (see COPY, "Binary Format"), to and from numpy columns.

Written: a structured big-endian array in which every field stands behind its length *is* the
buffer; bytes of values that are NULL are masked out. Read: queries fill NULLs in, so that every
row is as long as the next and the buffer is an array again. Neither loops over rows in Python.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from domain.batch import MISSING, READING, Rows

SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # no flags, no header extension
TRAILER: Final = b"\xff\xff"
POSTGRES_EPOCH_US: Final = (
    946_684_800_000_000  # 2000-01-01T00:00:00Z: binary timestamps count from it
)

COLUMNS: Final[Mapping[str, str]] = {
    "device_no": ">i4",
    "measured_at": ">i8",
    "digest": ">i8",
    "episode_no": ">i4",
    "received_at": ">i8",
    "batch": ">i8",
    "boot_key": ">i8",
    "seq": ">i8",
    "temperature_cc": ">i2",
    "site": ">i2",
    "pulse_bpm": ">i2",
    "spo2_pct": ">i2",
    "steps": ">i4",
    "lat_e7": ">i4",
    "lon_e7": ">i4",
    "accuracy_dm": ">i4",
    "datum": ">i2",
    "near_home": "i1",
    "battery_pct": ">i2",
    "charging": "i1",
    "worn": "i1",
}
"""The columns of table `reading` in its order, with their width on the wire."""

_INSTANTS: Final = ("measured_at", "received_at")


def _row_dtype() -> np.dtype[np.void]:
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for name, width in COLUMNS.items():
        fields += [(f"{name}.length", ">i4"), (name, width)]
    return np.dtype(fields)


_ROW: Final = _row_dtype()


def encode(rows: Rows, batch: int) -> bytes:
    """The rows as a binary COPY into `reading`, in the order given."""
    table = np.zeros(len(rows), dtype=_ROW)
    table["fields"] = len(COLUMNS)
    keep = np.ones((len(rows), _ROW.itemsize), dtype=bool)
    for name, width in COLUMNS.items():
        values: Any = batch if name == "batch" else rows[name]
        table[name] = values - POSTGRES_EPOCH_US if name in _INSTANTS else values
        table[f"{name}.length"] = np.dtype(width).itemsize
        absent = _absent(rows, name)
        if absent is not None and absent.any():
            _leave_out(table, keep, name, absent)
    flat = table.view(np.uint8).reshape(len(rows), _ROW.itemsize)
    body: bytes = flat.tobytes() if keep.all() else flat[keep].tobytes()
    return SIGNATURE + body + TRAILER


def _absent(rows: Rows, name: str) -> npt.NDArray[np.bool_] | None:
    if name == "datum":
        return np.asarray(rows["lat_e7"] == MISSING["lat_e7"])
    return np.asarray(rows[name] == MISSING[name]) if name in MISSING else None


def _leave_out(
    table: npt.NDArray[np.void],
    keep: npt.NDArray[np.bool_],
    name: str,
    absent: npt.NDArray[np.bool_],
) -> None:
    table[f"{name}.length"][absent] = -1
    fields = _ROW.fields
    assert fields is not None
    start = fields[name][1]
    keep[absent, start : start + _ROW[name].itemsize] = False


def select_columns() -> str:
    """The columns of `reading` with NULLs filled in, for `decode`: a fixed SQL text."""
    parts = []
    for name in COLUMNS:
        if name in ("near_home", "charging", "worn"):
            parts.append(f"coalesce({name}::int, -1)::smallint")
        elif name == "datum":
            parts.append("coalesce(datum, 0)::smallint")
        elif name in MISSING:
            kind = {">i8": "bigint", ">i4": "int", ">i2": "smallint"}[COLUMNS[name]]
            parts.append(f"coalesce({name}, ({MISSING[name]})::{kind})")
        else:
            parts.append(name)
    return ", ".join(parts)


def decode(buffer: bytes) -> Rows:
    """The rows of a binary COPY of `select_columns()`; `slot` is -1. Shape (n,)."""
    assert buffer.startswith(SIGNATURE[:11])
    table = np.frombuffer(buffer[len(SIGNATURE) : -len(TRAILER)], dtype=_SELECTED)
    rows = np.empty(len(table), dtype=READING)
    rows["slot"] = -1
    for name in COLUMNS:
        if name != "batch":
            values = table[name]
            rows[name] = values + POSTGRES_EPOCH_US if name in _INSTANTS else values
    return rows


def decode_batches(buffer: bytes) -> npt.NDArray[np.int64]:
    """The step that stored each of these rows. Shape (n,)."""
    table = np.frombuffer(buffer[len(SIGNATURE) : -len(TRAILER)], dtype=_SELECTED)
    return table["batch"].astype(np.int64)


def _selected_dtype() -> np.dtype[np.void]:
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for name, width in COLUMNS.items():
        fields += [(f"{name}.length", ">i4"), (name, ">i2" if width == "i1" else width)]
    return np.dtype(fields)


_SELECTED: Final = _selected_dtype()
