"""Positions on the ground: datums, and distances near a home.

China's maps show GCJ-02 (Amap, Tencent) or BD-09 (Baidu), which lie 300 to 1,200 m from the WGS-84
of satellites: everything is converted before it is compared. Distances are taken in the plane that
touches the WGS-84 ellipsoid at the home, which is as exact as a fix needs within some kilometres.
Trigonometry is done once per home; what is done per fix is `+ - * /` and a square root, which give
the same bits for one number as for a column.
"""

from math import cos, pi, radians, sin, sqrt
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import prcoords

from domain.reading import Datum

# WGS-84: NGA.STND.0036, table 3.1.
_SEMI_MAJOR_M: Final = 6_378_137.0
_FLATTENING: Final = 1 / 298.257223563
_ECCENTRICITY_2: Final = _FLATTENING * (2 - _FLATTENING)

Degrees = npt.NDArray[np.float64]


def to_wgs84(lat: float, lon: float, datum: Datum) -> tuple[float, float]:
    """(lat, lon) in WGS-84, to a centimetre. GCJ-02 differs from it only in and around China."""
    if datum is Datum.WGS84:
        return lat, lon
    place: tuple[float, float] = (lat, lon)
    if datum is Datum.BD09:
        place = prcoords.bd_gcj_bored(place)
    # The library converts outside China too, with a warning; nobody's map does.
    if prcoords.sanity_in_china_p(prcoords.Coords(*place)):
        place = prcoords.gcj_wgs_bored(place)
    return float(place[0]), float(place[1])


def columns_to_wgs84(
    lat: Degrees, lon: Degrees, datum: npt.NDArray[np.uint8]
) -> tuple[Degrees, Degrees]:
    """The same for columns. Shapes (n,). Only rows in another datum cost time."""
    elsewhere = np.flatnonzero(datum != Datum.WGS84)
    if len(elsewhere):
        lat, lon = lat.copy(), lon.copy()
        for n in elsewhere.tolist():
            lat[n], lon[n] = to_wgs84(float(lat[n]), float(lon[n]), Datum(int(datum[n])))
    return lat, lon


def metres_per_degree(lat: float) -> tuple[float, float]:
    """How long a degree of latitude and one of longitude are at `lat` on the WGS-84 ellipsoid."""
    bulge = 1 - _ECCENTRICITY_2 * sin(radians(lat)) ** 2
    meridian = _SEMI_MAJOR_M * (1 - _ECCENTRICITY_2) / (bulge * sqrt(bulge))
    normal = _SEMI_MAJOR_M / sqrt(bulge)
    return meridian * pi / 180, normal * cos(radians(lat)) * pi / 180


def eastward(degrees: Any) -> Any:
    """A difference of two longitudes (number or column) the short way round: -180 to 180."""
    return degrees - 360.0 * (degrees > 180.0) + 360.0 * (degrees < -180.0)


def decimetres(metres: Any) -> Any:
    """Whole decimetres of a column of lengths in metres, halves up."""
    return np.floor(metres * 10 + 0.5).astype(np.int64)
