"""Where somebody was last: who may be shown it, and what is said.

A position is shown to those who go to doors, and only while an alert of that person is not closed,
or to whom the alert is given (the person who closes a case may have to find the place again). All
others get distances from home. Each look is in the audit log.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import atan2, degrees
from typing import Any

import numpy as np

from alerts.alert import Alert, Response
from alerts.presence import Fix
from alerts.staff import Staff
from domain.geo import eastward, to_wgs84
from domain.instant import format_rfc3339
from domain.people import Home
from rules.homes import Homes


@dataclass(frozen=True, slots=True)
class Shown:
    """The position may be seen."""

    fix: Mapping[str, Any] | None
    """JSON values; None: there has been no usable fix in the last day."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """It may not, or not any more."""

    reason: str


Answer = Shown | Withheld


def withheld(alert: Alert, staff: Staff) -> Withheld | None:
    """Why somebody may not see where the person of an alert is; None: they may."""
    if not staff.role.cares:
        return Withheld("positions are for those who go to doors")
    if alert.response is Response.CLOSED and alert.assignee != staff.id:
        return Withheld("the alert is closed: its person's position is nobody's affair any more")
    return None


def document(fix: Fix, home: Home | None) -> dict[str, Any] | None:
    """A fix as JSON values, in WGS-84; None where only the beacon was heard."""
    if fix.lat is None or fix.lon is None:
        return None
    lat, lon = to_wgs84(fix.lat, fix.lon, fix.datum)
    accuracy_m = fix.accuracy_dm / 10 if fix.accuracy_dm else None
    distance_m, direction_deg = (None, None) if home is None else _from_home(lat, lon, home)
    return {
        "at": format_rfc3339(fix.at),
        "lat": round(lat, 6),
        "lon": round(lon, 6),
        "accuracy_m": accuracy_m,
        "near_home": fix.near_home,
        "distance_m": distance_m,
        "direction_deg": direction_deg,
    }


def _from_home(lat: float, lon: float, home: Home) -> tuple[float, int | None]:
    """Metres, and degrees clockwise from north seen from the middle of the home; None at home.

    Of a polygon the distance is that to its edge, as everywhere.
    """
    fence = Homes.of([home], 1)
    place = np.zeros(1, dtype=np.int64)
    distance_dm = int(fence.distance_dm(place, np.array([lat]), np.array([lon]))[0])
    if distance_dm == 0:
        return 0.0, None
    east = eastward(lon - float(fence.lon[0])) * float(fence.lon_m[0])
    north = (lat - float(fence.lat[0])) * float(fence.lat_m[0])
    if home.polygon:
        middle = fence.polygons[0].centroid
        east, north = east - middle.x, north - middle.y
    return distance_dm / 10, round(degrees(atan2(east, north))) % 360
