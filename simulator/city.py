"""A city: who lives where, wears what, is looked after by whom; the roster of contract section 4.

Names, addresses and the estate are made up; telephone numbers cannot be dialled. The same (noise,
number of wearers) is always the same city, and the same start always the same document, byte for
byte, so that an import on every start of a demo changes nothing.
"""

from dataclasses import dataclass
from math import ceil, cos, radians
from typing import Any, Final

from domain.instant import DAY_US, to_datetime
from domain.reading import Site
from simulator.encoder import instant_text
from simulator.noise import Channel, Noise
from simulator.scenario import HORIZON_US

WEARERS_PER_GRID: Final = 30
GRIDS_PER_COMMUNITY: Final = 10
RADIUS_M: Final = 50
LEAD_IN_US: Final = DAY_US
"""Episodes began this long before the scenario starts."""

_CENTRE: Final = (32.0603, 118.7969)  # the example of contract section 4
_METRES_PER_DEGREE: Final = 111_320.0
_ROW: Final = 6  # buildings in a row of the estate
_SURNAMES: Final = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
_GIVEN: Final = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂英华文玉志建国秀"
_DIGITS: Final = "零一二三四五六七八九"


@dataclass(frozen=True, slots=True)
class Resident:
    """One person with the band they wear."""

    index: int
    site: Site
    beacon: bool
    lat: float
    lon: float
    building: str
    grid: str

    @property
    def person(self) -> str:
        """The person's id."""
        return f"p-{self.index + 1:03d}"

    @property
    def episode(self) -> str:
        """The episode's id."""
        return f"e-{self.index + 1:03d}"

    @property
    def device(self) -> str:
        """The device's id."""
        return f"w-{self.index + 1:06d}"


@dataclass(frozen=True, slots=True)
class City:
    """Its residents, by index, and the noise their particulars come from."""

    noise: Noise
    residents: tuple[Resident, ...]

    @property
    def grids(self) -> int:
        """How many grids there are."""
        return max(1, ceil(len(self.residents) / WEARERS_PER_GRID))


def build(noise: Noise, wearers: int) -> City:
    """A city of so many wearers. Neighbouring indexes live in different grids."""
    grids = max(1, ceil(wearers / WEARERS_PER_GRID))
    return City(noise, tuple(_resident(index, grids) for index in range(wearers)))


def _resident(index: int, grids: int) -> Resident:
    grid, turn = index % grids, index // grids
    number = grid * (WEARERS_PER_GRID // 5) + turn // 5  # five flats under watch in a building
    north_m, east_m = 60.0 * (number // _ROW), 70.0 * (number % _ROW)
    lat = _CENTRE[0] + north_m / _METRES_PER_DEGREE
    lon = _CENTRE[1] + east_m / (_METRES_PER_DEGREE * cos(radians(_CENTRE[0])))
    return Resident(
        index=index,
        # Two in three wear a patch under the arm, the rest a band on the wrist.
        site=Site.WRIST if index % 3 == 2 else Site.AXILLARY,
        beacon=index % 2 == 0,
        lat=round(lat, 6),
        lon=round(lon, 6),
        building=str(number + 1),
        grid=f"grid-{grid + 1:02d}",
    )


def roster(city: City, start_at: int, interval_s: int) -> dict[str, Any]:
    """The roster document. `start_at` is the scenario's; `interval_s` as the contract means it."""
    from_text = instant_text(start_at - LEAD_IN_US)
    to_text = instant_text(start_at + HORIZON_US)
    grids = range(city.grids)
    communities = range(ceil(city.grids / GRIDS_PER_COMMUNITY))
    year = to_datetime(start_at).year
    return {
        "communities": [_community(number) for number in communities],
        "grids": [_grid(number) for number in grids],
        "staff": [*map(_doctor, grids), *map(_supervisor, communities)],
        "people": [_person(city.noise, resident, year) for resident in city.residents],
        "devices": [_device(resident, interval_s) for resident in city.residents],
        "episodes": [_episode(resident, from_text, to_text) for resident in city.residents],
        "assignments": [
            {"device": one.device, "episode": one.episode, "from": from_text, "to": None}
            for one in city.residents
        ],
    }


def _numeral(number: int) -> str:
    if number < 10:
        return _DIGITS[number]
    if number < 20:
        return f"十{_DIGITS[number - 10] if number > 10 else ''}"
    return "".join(_DIGITS[int(digit)] for digit in str(number))


def _community(number: int) -> dict[str, Any]:
    name = f"第{_numeral(number + 1)}社区"
    return {"id": f"c-{number + 1:02d}", "name": name, "timezone": "Asia/Shanghai"}


def _grid(number: int) -> dict[str, Any]:
    community = number // GRIDS_PER_COMMUNITY + 1
    return {
        "id": f"grid-{number + 1:02d}",
        "community": f"c-{community:02d}",
        "name": f"第{_numeral(number + 1)}网格",
        "escalate_to": f"sup-{community:02d}",
    }


def _doctor(number: int) -> dict[str, Any]:
    return {
        "id": f"dr-{number + 1:02d}",
        "name": f"第{_numeral(number + 1)}网格值班医生",
        "role": "doctor",
        "grids": [f"grid-{number + 1:02d}"],
        "languages": ["zh"],
        "contacts": [],
        "shifts": [],
    }


def _supervisor(number: int) -> dict[str, Any]:
    return {
        "id": f"sup-{number + 1:02d}",
        "name": f"第{_numeral(number + 1)}社区主管",
        "role": "supervisor",
        "grids": [],
        "communities": [f"c-{number + 1:02d}"],
        "languages": ["zh"],
        "contacts": [],
        "shifts": [],
    }


def _person(noise: Noise, resident: Resident, year: int) -> dict[str, Any]:
    own = Noise.of(noise.key, "person", resident.index)
    surname = _SURNAMES[own.bits(Channel.NAME, 0) % len(_SURNAMES)]
    given = _GIVEN[own.bits(Channel.NAME, 1) % len(_GIVEN)]
    if own.uniform(Channel.NAME, 2) < 0.7:
        given += _GIVEN[own.bits(Channel.NAME, 3) % len(_GIVEN)]
    floor, flat = 1 + own.bits(Channel.NAME, 4) % 18, 1 + own.bits(Channel.NAME, 5) % 4
    return {
        "id": resident.person,
        "name": surname + given,
        "birth_year": year - _age(own),
        "phone": f"000-{resident.index + 1:08d}",
        "address": f"{resident.building}-{floor}{flat:02d}",
        "flags": _flags(own),
    }


def _age(own: Noise) -> int:
    """Adults; one in twelve is 80 or older."""
    if own.uniform(Channel.NAME, 6) < 1 / 12:
        return int(own.between(Channel.NAME, 7, 81, 94))
    return int(own.between(Channel.NAME, 7, 19, 79))


def _flags(own: Noise) -> list[str]:
    shares = (("lives_alone", 0.08), ("disabled", 0.03), ("chronic", 0.15))
    return [
        flag
        for n, (flag, share) in enumerate(shares, start=8)
        if own.uniform(Channel.NAME, n) < share
    ]


def _device(resident: Resident, interval_s: int) -> dict[str, Any]:
    return {
        "id": resident.device,
        "model": "patch-a" if resident.site is Site.AXILLARY else "band-a",
        "site": resident.site.word,
        "interval_s": interval_s,
        "spot": False,
    }


def _episode(resident: Resident, from_text: str, to_text: str) -> dict[str, Any]:
    return {
        "id": resident.episode,
        "person": resident.person,
        "grid": resident.grid,
        "building": resident.building,
        "starts_at": from_text,
        "ends_at": to_text,
        "home": {
            "lat": resident.lat,
            "lon": resident.lon,
            "datum": "wgs84",
            "radius_m": RADIUS_M,
        },
    }
