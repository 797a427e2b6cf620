"""Canaries among what arrives: which messages of the device that nobody has are some of ours.

Looked at only where a device is unknown, so that no reading of anybody costs anything. What is not
a canary in every part stays what it is, a message of an unknown device.
"""

from collections.abc import Sequence
from typing import Final

from alerts.canary import DEVICE, Canary
from domain.instant import parse_rfc3339
from ingest.reading_shape import Reading, Spoilt

MOST_IN_A_BATCH: Final = 50_000
"""Of distinct grids; beyond, a forger is at work."""
_LARGEST_GRID_NO: Final = 2**31 - 1


def canaries_in(device_id: str | None, readings: Sequence[Reading | Spoilt]) -> tuple[Canary, ...]:
    """All of a message's, in order; none if anything in it is not one."""
    if device_id != DEVICE:
        return ()
    found = [None if isinstance(each, Spoilt) else _canary(each) for each in readings]
    whole = tuple(each for each in found if each is not None)
    return whole if len(whole) == len(found) else ()


def _canary(reading: Reading) -> Canary | None:
    mark, grid_no, sent = reading.get("boot"), reading.get("seq"), reading["measured_at"]
    if mark is None or grid_no is None or isinstance(sent, int):
        return None
    if not mark.isascii() or grid_no > _LARGEST_GRID_NO:
        return None
    try:
        return Canary(grid_no, mark, parse_rfc3339(sent))
    except ValueError:
        return None
