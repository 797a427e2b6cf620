"""Confirmations, many at once: MQTT 5 section 3.4, in its shortest form (reason: success)."""

from collections.abc import Sequence
from typing import Final

import numpy as np

_PUBACK: Final = 0x40
_REMAINING: Final = 2
PUBACK_BYTES: Final = 4


def pubacks(packet_ids: Sequence[int]) -> bytes:
    """A PUBACK for each packet id, one behind the other, in order."""
    packets = np.empty(len(packet_ids), dtype=[("head", "u1"), ("length", "u1"), ("id", ">u2")])
    packets["head"], packets["length"], packets["id"] = _PUBACK, _REMAINING, packet_ids
    return packets.tobytes()
