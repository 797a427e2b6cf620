"""How far a fix is from home, and what that says."""

from collections.abc import Sequence
from math import asin, cos, hypot, radians, sin, sqrt
from typing import Any

from domain.instant import SECOND_US
from rules.finding import Severity
from tests.unit.rules.oracle.runs import Said, in_force

EARTH_M = 6_371_008.8


def place(worn: Any, readings: Sequence[dict[str, Any]], n: int) -> Said | None:
    """The beacon is home; otherwise the distance, less what the fix may be wrong by."""
    reading = readings[n]
    at = reading["measured_at"]
    if reading["near_home"] == 1:
        return Said(at, "no")
    home = in_force(worn.home, worn.homes_before, at)
    if home is None or reading["lat_e7"] == -(2**31) or reading["accuracy_dm"] > 5000:
        return None
    beacon = [each["measured_at"] for each in readings[:n] if each["near_home"] == 1]
    if beacon and at - beacon[-1] <= 120 * SECOND_US:
        return Said(at, "no")
    metres = from_home_m(home, reading["lat_e7"] / 1e7, reading["lon_e7"] / 1e7)
    accuracy = reading["accuracy_dm"] / 10
    accuracy = 50 if accuracy <= 0 else max(accuracy, 15)
    excused = any(leave.from_at <= at < leave.to_at for leave in worn.leave)
    radius_m = 0 if home.polygon else home.radius_m
    limit = radius_m + 20
    answer = ""
    if metres - accuracy > limit and not excused:
        answer = "yes"
    elif metres - accuracy <= radius_m:
        answer = "no"
    away_dm = round(metres * 10)
    return Said(at, answer, away_dm, Severity.URGENT, round(limit * 10), worse=away_dm)


def from_home_m(home: Any, lat: float, lon: float) -> float:
    """From the middle of a circle; from the edge of a polygon, 0 inside."""
    if not home.polygon:
        return haversine_m(home.lat, home.lon, lat, lon)
    corners = [
        (radians(a - lat) * EARTH_M, radians(b - lon) * EARTH_M * cos(radians(lat)))
        for a, b in home.polygon
    ]
    edges = list(zip(corners, corners[1:] + corners[:1], strict=True))
    # A ray to the east crosses the edge an odd number of times if the fix is inside.
    crossed = sum(
        (a[0] > 0) != (b[0] > 0) and a[1] - a[0] * (b[1] - a[1]) / (b[0] - a[0]) > 0
        for a, b in edges
    )
    return 0 if crossed % 2 else min(from_edge_m(*a, *b) for a, b in edges)


def from_edge_m(ay: float, ax: float, by: float, bx: float) -> float:
    """From the origin to the nearest point of the line between two corners, in metres."""
    dy, dx = by - ay, bx - ax
    along = max(0.0, min(1.0, -(ay * dy + ax * dx) / ((dy * dy + dx * dx) or 1)))
    return hypot(ay + along * dy, ax + along * dx)


def haversine_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """On a sphere."""
    a, b, turn = radians(lat_a), radians(lat_b), radians(lon_b - lon_a)
    half = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(turn / 2) ** 2
    return 2 * EARTH_M * asin(sqrt(half))
