"""The people of a simulated world, and their alerts: real triage and lifecycle, in memory."""

from collections.abc import Iterable
from itertools import count

from alerts.caseload import Caseload
from alerts.evidence import Surroundings, Worn
from alerts.vitals import NOTHING_KNOWN
from domain.instant import DAY_US
from domain.people import Assignment, Device, Episode, Home, Roster
from domain.reading import Datum, Site

WEARERS = 4
SPARE = 1
"""So many more people, and bands that nobody wears at first."""


def roster(starts_at: int) -> Roster:
    """Device n is worn in episode n, from a day before."""
    every = range(1, WEARERS + SPARE + 1)
    devices = {
        f"w-{n - 1}": Device(n, f"w-{n - 1}", "band-a", Site.AXILLARY, 60, spot=False)
        for n in every
    }
    episodes = {
        n: Episode(
            no=n,
            id=f"e-{n - 1}",
            starts_at=starts_at - DAY_US,
            ends_at=starts_at + 14 * DAY_US,
            home=Home(Datum.WGS84, 32.0603, 118.7969, 50.0),
            birth_year=1970,
        )
        for n in every
    }
    assignments = {n: (Assignment(n, n, starts_at - DAY_US, None),) for n in range(1, WEARERS + 1)}
    return Roster(1, devices, episodes, assignments)


def caseload(episodes: Iterable[int], devices: Iterable[Device]) -> Caseload:
    """Of these episodes; any of the devices may be worn in any of them."""
    worn = {device.no: Worn(device.id, device.interval_s) for device in devices}
    where = {
        n: Surroundings(f"e-{n}", f"p-{n}", "g", "3", "Asia/Shanghai", 50.0, worn) for n in episodes
    }
    ids = count(1)
    return Caseload(where, lambda: f"a-{next(ids)}", lambda _, __: NOTHING_KNOWN)
