"""How memory goes back to the system.

The C library gives an array that is mapped by itself back as soon as nobody holds it. But each time
it does so it takes arrays of that size for short-lived, and has the next ones from its heap, where
a roster that is let go of leaves holes: with a million wearers, 300 MB after the first new roster.
"""

import ctypes
from typing import Final

_MMAP_THRESHOLD: Final = -3
"""M_MMAP_THRESHOLD of glibc's malloc.h, see mallopt(3). Once it is set it stays where it is."""
LARGE_BYTES: Final = 1 << 21
"""A column of a large roster is larger, what a batch needs is smaller."""


def map_large_arrays() -> bool:
    """Has arrays from `LARGE_BYTES` on mapped by themselves. False where there is no such knob."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(_MMAP_THRESHOLD, LARGE_BYTES) == 1
