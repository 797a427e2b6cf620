"""How memory goes back to the system, and how little is looked through for what is left over.

The C library gives an array that is mapped by itself back as soon as nobody holds it. But each time
it does so it takes arrays of that size for short-lived, and has the next ones from its heap, where
a roster that is let go of leaves holes: with a million wearers, 300 MB after the first new roster.

Python looks through young objects for circles every 700 of them. A message makes some twenty, all
of them gone with its batch and none in a circle; and a roster is there to stay.
"""

import ctypes
import gc
from typing import Final

_MMAP_THRESHOLD: Final = -3
"""M_MMAP_THRESHOLD of glibc's malloc.h, see mallopt(3). Once it is set it stays where it is."""
LARGE_BYTES: Final = 1 << 21
"""A column of a large roster is larger, what a batch needs is smaller."""


def map_large_arrays() -> bool:
    """Has arrays from `LARGE_BYTES` on mapped by themselves. False where there is no such knob."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(_MMAP_THRESHOLD, LARGE_BYTES) == 1


GARBAGE_EVERY: Final = 50_000
"""Objects made and not gone, before circles are looked for."""


def collect_rarely() -> None:
    """From the start: a third of reading a large roster was looking through what is there to stay.

    With the default, a tenth of decoding was as well.
    """
    gc.set_threshold(GARBAGE_EVERY, 20, 100)


def collect_no_more_of_what_is_there() -> None:
    """What is there by now is for long, so that no collection has to look through it again."""
    gc.collect()
    gc.freeze()
