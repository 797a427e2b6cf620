"""Where a home would seem to be if somebody had mixed up the datums of China's maps.

A pin taken from Amap or Tencent is GCJ-02, one from Baidu BD-09; told as WGS-84 it is 300 to
1,200 m off, and a band whose fixes are in such a datum without saying so is off the other way. All
that anybody at home then measures lies about one other place: these are the places, as shifts of
the home. Outside China there are none.
"""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import prcoords

from domain.geo import to_wgs84
from domain.reading import Datum
from rules.homes import Homes

NONE: Final = 0
NEAREST_DM: Final = 1_000
FARTHEST_DM: Final = 20_000
"""No mix-up moves a place by less or by more."""


class Shift(NamedTuple):
    """Of the home, in degrees; and the datum that explains it."""

    lat: float
    lon: float
    datum: Datum


@lru_cache(maxsize=1 << 14)
def shifts(lat: float, lon: float) -> tuple[Shift, ...]:
    """Where a home at this WGS-84 place would seem to be, by each mix-up."""
    here = prcoords.Coords(lat, lon)
    if not prcoords.sanity_in_china_p(here):
        return ()
    gcj, bd = prcoords.wgs_gcj(here), prcoords.wgs_bd(here)
    seeming = (
        (to_wgs84(lat, lon, Datum.GCJ02), Datum.GCJ02),
        (to_wgs84(lat, lon, Datum.BD09), Datum.BD09),
        (gcj, Datum.GCJ02),
        (bd, Datum.BD09),
        (to_wgs84(gcj[0], gcj[1], Datum.BD09), Datum.BD09),
        (to_wgs84(bd[0], bd[1], Datum.GCJ02), Datum.GCJ02),
    )
    return tuple(Shift(float(at[0]) - lat, float(at[1]) - lon, datum) for at, datum in seeming)


def explains(
    homes: Homes,
    places: npt.NDArray[np.int64],
    lat: npt.NDArray[np.float64],
    lon: npt.NDArray[np.float64],
    within_dm: npt.NDArray[np.int64],
) -> npt.NDArray[np.uint8]:
    """The datum by which each fix would be at home, or `NONE`. Shapes (n,).

    `within_dm` is how far from the home a fix still counts as there, its error included.
    """
    found = np.zeros(len(places), dtype=np.uint8)
    for nth, place in enumerate(places.tolist()):
        for shift in shifts(float(homes.lat[place]), float(homes.lon[place])):
            moved = np.array([lat[nth] - shift.lat]), np.array([lon[nth] - shift.lon])
            if homes.distance_dm(np.array([place]), *moved)[0] <= within_dm[nth]:
                found[nth] = shift.datum
                break
    return found
