"""Rows of the rule state as bytes, to be kept and read back by a later process.

Says which wearer each row is of, since another process gives them other slots. Bytes of another
version, whose columns differ, are no error: there is nothing to be had from them.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from rules.columns import DENSE, SPARSE
from rules.touched import Touched

LAYOUT: Final = hashlib.sha256(
    repr((DENSE.descr, [(name, dtype.descr) for name, dtype in SPARSE.items()])).encode()
).digest()[:16]
"""What the columns of this version are."""

_COUNT: Final = np.dtype("<u4")


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Rows that were read back."""

    keys: npt.NDArray[np.int64]
    """Of each row, whose it is: `rules.slots.packed`."""
    rows: Touched


def pack(keys: npt.NDArray[np.int64], rows: Touched) -> bytes:
    """The rows of these wearers as bytes. Shapes (n,)."""
    parts = [LAYOUT, _count(len(keys)), keys.astype("<i8").tobytes(), rows.dense.tobytes()]
    for name in SPARSE:
        which = np.flatnonzero(rows.going(name)).astype(_COUNT)
        parts += [_count(len(which)), which.tobytes()]
        if len(which):
            parts.append(rows[name][which].tobytes())
    return b"".join(parts)


def unpack(body: bytes) -> Kept | None:
    """What `pack` was given; None if that was a version with other columns."""
    if body[: len(LAYOUT)] != LAYOUT:
        return None
    reader = _Reader(body, len(LAYOUT))
    count = reader.count()
    keys = reader.take(np.dtype("<i8"), count)
    rows = Touched(reader.take(DENSE, count), {})
    for name, dtype in SPARSE.items():
        some = reader.count()
        which = reader.take(_COUNT, some)
        if some:
            rows[name][which] = reader.take(dtype, some)
    return Kept(keys, rows)


def _count(count: int) -> bytes:
    return count.to_bytes(_COUNT.itemsize, "little")


class _Reader:
    """Takes one column after the other."""

    def __init__(self, body: bytes, at: int) -> None:
        self._body = body
        self._at = at

    def take(self, dtype: np.dtype[Any], count: int) -> npt.NDArray[Any]:
        """A copy of the next `count` rows."""
        rows = np.frombuffer(self._body, dtype=dtype, count=count, offset=self._at).copy()
        self._at += rows.nbytes
        return rows

    def count(self) -> int:
        """The next number."""
        return int(self.take(_COUNT, 1)[0])
