"""The words devices name their boots by, kept once a (device, boot)."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import psycopg

from domain.batch import MISSING

_KEEP: Final = (
    "INSERT INTO boot (device_no, boot_key, boot)"
    " SELECT * FROM unnest(%s::int[], %s::bigint[], %s::text[])"
    " ORDER BY 1, 2 ON CONFLICT DO NOTHING"
)

Pairs = npt.NDArray[np.void]
"""Fields `device_no` and `boot_key`, shape (n,)."""


class NewestBoots:
    """The newest boot of each device whose word is known to be kept; by device number.

    What is remembered only saves statements: a word that is there already is kept again in vain.
    """

    def __init__(self) -> None:
        self._keys = np.zeros(1024, dtype=np.int64)

    def unknown(self, device_no: npt.NDArray[np.int32], boot_key: npt.NDArray[np.int64]) -> Pairs:
        """The pairs, of these, that may not be kept yet, each once; nothing for no word."""
        named = boot_key != MISSING["boot_key"]
        if named.any():
            self._grow(int(device_no.max()) + 1)
            named &= self._keys[device_no] != boot_key
        if not named.any():
            return np.empty(0, dtype=[("device_no", "<i4"), ("boot_key", "<i8")])
        pairs = np.stack([device_no[named], boot_key[named]])
        unique = np.unique(pairs, axis=1)
        found = np.empty(unique.shape[1], dtype=[("device_no", "<i4"), ("boot_key", "<i8")])
        found["device_no"], found["boot_key"] = unique
        return found

    def kept(self, pairs: Pairs) -> None:
        """Remembers pairs that are committed."""
        self._keys[pairs["device_no"]] = pairs["boot_key"]

    def _grow(self, needed: int) -> None:
        if needed > len(self._keys):
            more = np.zeros(max(needed, 2 * len(self._keys)), dtype=np.int64)
            more[: len(self._keys)] = self._keys
            self._keys = more


def keep(cursor: psycopg.Cursor, pairs: Pairs, words: Mapping[int, str]) -> None:
    """Stores the words of pairs; `words` has them by key."""
    if len(pairs):
        keys = pairs["boot_key"].tolist()
        cursor.execute(_KEEP, [pairs["device_no"].tolist(), keys, [words[key] for key in keys]])
