"""Where wearers have to stay, as columns: circles and polygons, and how far a fix is from them.

Homes are converted to WGS-84 once, here; fixes on arrival. A wearer without a home has no distance.
Decides nothing: whether a distance means that somebody left is `rules.left_home`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import floor
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import shapely

from domain.geo import Degrees, decimetres, eastward, metres_per_degree, to_wgs84
from domain.people import Home

_CIRCLE = -1
_NO_HOME = -2


@dataclass(frozen=True, slots=True, eq=False)
class Homes:
    """One row per slot."""

    lat: Degrees
    """WGS-84; of a polygon, its first corner."""
    lon: Degrees
    lat_m: npt.NDArray[np.float64]
    """Metres per degree there."""
    lon_m: npt.NDArray[np.float64]
    radius_dm: npt.NDArray[np.int32]
    shape: npt.NDArray[np.int32]
    """Index into `polygons`, or that there is none, or no home at all."""
    polygons: npt.NDArray[np.object_]
    """In metres east and north of (lat, lon)."""

    @classmethod
    def of(cls, homes: Iterable[Home | None], count: int) -> Self:
        """Columns for the homes of slots 0, 1, ..."""
        table = np.zeros((count, 6))
        polygons: list[Any] = []
        for slot, home in enumerate(homes):
            if home is None:
                table[slot, 5] = _NO_HOME
                continue
            lat, lon = to_wgs84(home.lat, home.lon, home.datum)
            per_degree = metres_per_degree(lat)
            radius_dm = floor(home.radius_m * 10 + 0.5)
            table[slot] = (
                lat,
                lon,
                *per_degree,
                radius_dm,
                len(polygons) if home.polygon else _CIRCLE,
            )
            if home.polygon:
                polygons.append(_in_metres(home, lat, lon, per_degree))
        return cls(
            lat=table[:, 0].copy(),
            lon=table[:, 1].copy(),
            lat_m=table[:, 2].copy(),
            lon_m=table[:, 3].copy(),
            radius_dm=table[:, 4].astype(np.int32),
            shape=table[:, 5].astype(np.int32),
            polygons=np.array(polygons, dtype=np.object_),
        )

    def known(self, slots: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Whether each wearer has a home."""
        known: npt.NDArray[np.bool_] = self.shape[slots] != _NO_HOME
        return known

    def distance_dm(
        self, slots: npt.NDArray[np.int64], lat: Degrees, lon: Degrees
    ) -> npt.NDArray[np.int64]:
        """How far each WGS-84 position is from the wearer's home, in decimetres. Shape (n,).

        From the middle of a circle, or from the edge of a polygon (0 inside). Every slot must have
        a home.
        """
        east = eastward(lon - self.lon[slots]) * self.lon_m[slots]
        north = (lat - self.lat[slots]) * self.lat_m[slots]
        metres = np.sqrt(east * east + north * north)
        shape = self.shape[slots]
        fenced = np.flatnonzero(shape >= 0)
        if len(fenced):
            points = shapely.points(east[fenced], north[fenced])
            metres[fenced] = shapely.distance(self.polygons[shape[fenced]], points)
        found: npt.NDArray[np.int64] = decimetres(metres)
        return found


def _in_metres(home: Home, lat: float, lon: float, per_degree: tuple[float, float]) -> Any:
    """The polygon in the plane at its first corner. One that crosses itself is mended."""
    corners = (to_wgs84(*corner, home.datum) for corner in home.polygon)
    plane = [
        (eastward(lon_ - lon) * per_degree[1], (lat_ - lat) * per_degree[0])
        for lat_, lon_ in corners
    ]
    return shapely.make_valid(shapely.Polygon(plane))
