"""Whether somebody is at home, as far as anybody can tell: a state, not a verdict.

Pure. *Away* only while a finding says so; *home* only as long as the newest usable fix is fresh and
was inside the fence, by the figures of `rules.left_home`, or the home beacon was heard; all else is
*unknown*, which is not away: offline is never "left home". No position leaves here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np

from domain.geo import to_wgs84
from domain.instant import MINUTE_US, SECOND_US, format_rfc3339
from domain.people import Home, LeaveWindow
from domain.reading import Datum
from rules.homes import Homes
from rules.rulebook import LeftHome

FRESH_US: Final = 20 * MINUTE_US
"""A fix says where somebody is for three intervals of the device, at least so long: as long as a
run of fixes may have a gap (contract section 5)."""
INTERVALS: Final = 3


class Presence(StrEnum):
    """Where somebody is."""

    HOME = "home"
    AWAY = "away"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Fix:
    """The newest reading that says where somebody is."""

    at: int
    near_home: bool
    """The home beacon was heard then, or so shortly before that it counts."""
    lat: float | None = None
    """Degrees in `datum`; None where only the beacon was heard."""
    lon: float | None = None
    datum: Datum = Datum.WGS84
    accuracy_dm: int | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known of one episode. Instants in microseconds."""

    home: Home | None
    fix: Fix | None
    away_since: int | None
    """The onset of the `left_home` that stands."""
    wrong_datum: bool
    """Whether it stands that the home's pin seems to be in another datum."""
    silent: bool
    interval_s: int
    """The longest of the devices'."""
    leave: Sequence[LeaveWindow]


def document(sight: Sight, figures: LeftHome, now: int) -> dict[str, Any]:
    """As JSON values: `presence`, since when or as of when, and whether leave is given now."""
    on_leave = any(window.from_at <= now < window.to_at for window in sight.leave)
    # Whoever may be away is looked for by nobody, so that nothing says that they are at home.
    presence = Presence.UNKNOWN if on_leave else _presence(sight, figures, now)
    fix_at = None if sight.fix is None else sight.fix.at
    at = {Presence.AWAY: sight.away_since}.get(presence, fix_at)
    return {
        "presence": presence.value,
        "presence_at": None if at is None else format_rfc3339(at),
        "on_leave": on_leave,
    }


def _presence(sight: Sight, figures: LeftHome, now: int) -> Presence:
    home, fix = sight.home, sight.fix
    if home is None or fix is None or sight.silent or sight.wrong_datum:
        return Presence.UNKNOWN
    fresh_us = max(FRESH_US, INTERVALS * sight.interval_s * SECOND_US)
    if now - fix.at > fresh_us:
        return Presence.UNKNOWN
    if sight.away_since is not None:
        return Presence.AWAY
    return Presence.HOME if inside(fix, home, figures) else Presence.UNKNOWN


def inside(fix: Fix, home: Home, figures: LeftHome) -> bool:
    """Whether a fix may be inside: the beacon says so, or distance - accuracy <= radius + buffer.

    That is where `rules.left_home` would not take it for outside; the accuracy is at least the
    floor, unknown is what the rulebook says, and worse than the limit says nothing.
    """
    if fix.near_home:
        return True
    given_dm = fix.accuracy_dm or figures.accuracy_unknown_dm
    if fix.lat is None or fix.lon is None or given_dm > figures.accuracy_limit_dm:
        return False
    lat, lon = to_wgs84(fix.lat, fix.lon, fix.datum)
    fence = Homes.of([home], 1)
    place = np.zeros(1, dtype=np.int64)
    distance_dm = int(fence.distance_dm(place, np.array([lat]), np.array([lon]))[0])
    at_least_dm = distance_dm - max(given_dm, figures.accuracy_floor_dm)
    return at_least_dm <= int(fence.radius_dm[0]) + figures.buffer_dm
