"""Where wearers have to stay, as columns: circles and polygons, and how far a fix is from them.

Homes are converted to WGS-84 once, here; fixes on arrival. A wearer without a home has no distance.
Decides nothing: whether a distance means that somebody left is `rules.left_home`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import shapely

from domain.geo import (
    Degrees,
    columns_to_wgs84,
    decimetres,
    eastward,
    metres_per_degree,
    to_wgs84,
)
from domain.people import Home
from domain.reading import Datum
from domain.tables import NO_HOME

_CIRCLE: Final = -1
_NO_HOME: Final = -2
_PAGE: Final = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Homes:
    """One row per slot; more may follow for where somebody had to stay before."""

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
        given = list(homes)
        assert len(given) == count
        places = [(h.datum, h.lat, h.lon, h.radius_m) if h else (NO_HOME, 0, 0, 0) for h in given]
        datum, lat, lon, radius_m = np.array(places, dtype=np.float64).reshape(-1, 4).T
        fences = {slot: home for slot, home in enumerate(given) if home and home.polygon}
        return cls.at(datum.astype(np.uint8), lat, lon, radius_m, fences)

    @classmethod
    def at(
        cls,
        datum: npt.NDArray[np.uint8],
        lat: Degrees,
        lon: Degrees,
        radius_m: Degrees,
        fences: Mapping[int, Home],
    ) -> Self:
        """The same from columns as given, with the homes that are polygons, by slot."""
        lat, lon, lat_m, lon_m = _placed(datum, lat, lon)
        shape = np.where(datum == NO_HOME, np.int32(_NO_HOME), np.int32(_CIRCLE))
        slots = sorted(fences)
        shape[slots] = np.arange(len(slots))
        polygons = [
            _in_metres(fences[n], float(lat[n]), float(lon[n]), (float(lat_m[n]), float(lon_m[n])))
            for n in slots
        ]
        return cls(
            lat=lat,
            lon=lon,
            lat_m=lat_m,
            lon_m=lon_m,
            radius_dm=np.floor(radius_m * 10 + 0.5).astype(np.int32),
            shape=shape,
            polygons=np.array(polygons, dtype=np.object_),
        )

    def with_more(self, homes: Sequence[Home | None]) -> Self:
        """These, and rows for `homes` behind them."""
        if not homes:
            return self
        more = type(self).of(homes, len(homes))
        shape = np.where(more.shape >= 0, more.shape + len(self.polygons), more.shape)
        names = ("lat", "lon", "lat_m", "lon_m", "radius_dm", "polygons")
        columns = {
            name: np.concatenate([getattr(self, name), getattr(more, name)]) for name in names
        }
        return type(self)(**columns, shape=np.concatenate([self.shape, shape.astype(np.int32)]))

    def or_the_same(self, previous: Self) -> Self:
        """The previous ones if these are the same, so that nobody needs these."""
        return previous if self._columns_equal(previous) and not len(self.polygons) else self

    def _columns_equal(self, other: Self) -> bool:
        names = ("lat", "lon", "lat_m", "lon_m", "radius_dm", "shape")
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in names)

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


def _placed(
    datum: npt.NDArray[np.uint8], lat: Degrees, lon: Degrees
) -> tuple[Degrees, Degrees, Degrees, Degrees]:
    """(lat, lon) in WGS-84 and metres per degree, a page at a time.

    By the scalar function: a column's sine may differ in the last bit.
    """
    wgs_lat, wgs_lon, lat_m, lon_m = (np.empty(len(lat)) for _ in range(4))
    datum = np.where(datum == NO_HOME, np.uint8(Datum.WGS84), datum)
    for begin in range(0, len(lat), _PAGE):
        page = slice(begin, begin + _PAGE)
        wgs_lat[page], wgs_lon[page] = columns_to_wgs84(lat[page], lon[page], datum[page])
        lat_m[page], lon_m[page] = np.array(
            [metres_per_degree(degrees) for degrees in wgs_lat[page].tolist()]
        ).T
    return wgs_lat, wgs_lon, lat_m, lon_m


def _in_metres(home: Home, lat: float, lon: float, per_degree: tuple[float, float]) -> Any:
    """The polygon in the plane at its first corner. One that crosses itself is mended."""
    corners = (to_wgs84(*corner, home.datum) for corner in home.polygon)
    plane = [
        (eastward(lon_ - lon) * per_degree[1], (lat_ - lat) * per_degree[0])
        for lat_, lon_ in corners
    ]
    return shapely.make_valid(shapely.Polygon(plane))
