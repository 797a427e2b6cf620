"""What leaves the house of an alert: its document without anything that says where somebody is.

`alerts.document` puts no name, address or position there to begin with. This is the second lock:
whatever a rule adds to its evidence one day, a position does not get out by it.
"""

from collections.abc import Mapping
from typing import Any, Final

_POSITIONS: Final = frozenset(
    ("lat", "lon", "lat_e7", "lon_e7", "latitude", "longitude", "home", "polygon", "fix")
)
"""Names of members that are dropped, at whatever depth."""


def without_positions(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without the members that name a place on Earth."""
    return {
        name: _inside(value) for name, value in document.items() if name.lower() not in _POSITIONS
    }


def _inside(value: Any) -> Any:
    if isinstance(value, Mapping):
        return without_positions(value)
    if isinstance(value, list):
        return [_inside(each) for each in value]
    return value
