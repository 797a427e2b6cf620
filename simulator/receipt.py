"""What the service says back to a device: a receipt, contract section 3.

Written from the contract alone, as the encoder is. A receipt that is not understood is no receipt:
the device goes on holding what it has.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

TOPIC: Final = "doorstep/v1/devices/+/receipt"
"""Those of all devices, as one subscription."""
RANGES_LIMIT: Final = 16
"""Missing ranges of one receipt, contract section 3."""
_LONGEST: Final = 4096  # bytes; sixteen ranges of the longest numbers need a fifth of it
_HIGHEST: Final = 2**63 - 1
_OF_DEVICE: Final = re.compile(r"doorstep/v1/devices/([A-Za-z0-9_-]{1,64})/receipt", re.ASCII)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Of that boot, everything up to `seq` except `missing` is committed."""

    boot: str | None
    seq: int
    missing: tuple[tuple[int, int], ...] = ()
    """Ranges with both ends included, in rising order. They may name what was never sent."""


def device_of(topic: str) -> str | None:
    """Whose receipt a topic carries; None for another kind of topic."""
    hit = _OF_DEVICE.fullmatch(topic)
    return None if hit is None else hit[1]


def decode(payload: bytes) -> Receipt | None:
    """The receipt, or None for what is none."""
    content = _content(payload)
    boot, seq, missing = content.get("boot"), content.get("seq"), content.get("missing", [])
    if not (boot is None or isinstance(boot, str)) or not _number(seq):
        return None
    if not isinstance(missing, list) or len(missing) > RANGES_LIMIT:
        return None
    if not all(_range(each) for each in missing):
        return None
    return Receipt(boot, seq, tuple(sorted((low, high) for low, high in missing)))


def _content(payload: bytes) -> dict[str, Any]:
    """The JSON object; empty for anything else."""
    if len(payload) > _LONGEST:
        return {}
    try:
        content = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _range(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(_number(each) for each in value)
        and value[0] <= value[1]
    )


def _number(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _HIGHEST
