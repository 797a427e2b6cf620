"""Whether somebody is at home, as far as anybody can tell: a state, not a verdict.

Pure. *Away* only while a finding says so; *home* only as long as the newest usable fix is fresh;
all else is *unknown*, which is not away: offline is never "left home". Holds no position.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from domain.instant import MINUTE_US, SECOND_US, format_rfc3339
from domain.people import LeaveWindow

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
class Sight:
    """What is known of one episode. Instants in microseconds."""

    has_home: bool
    fix_at: int | None
    """The newest usable fix, or the newest time the beacon was heard."""
    away_since: int | None
    """The onset of the `left_home` that stands."""
    silent: bool
    interval_s: int
    """The longest of the devices'."""
    leave: Sequence[LeaveWindow]


def document(sight: Sight, now: int) -> dict[str, Any]:
    """As JSON values: `presence`, since when or as of when, and whether leave is given now."""
    on_leave = any(window.from_at <= now < window.to_at for window in sight.leave)
    # Whoever may be away is looked for by nobody, so that nothing says that they are at home.
    presence = Presence.UNKNOWN if on_leave else _presence(sight, now)
    at = {Presence.AWAY: sight.away_since}.get(presence, sight.fix_at)
    return {
        "presence": presence.value,
        "presence_at": None if at is None else format_rfc3339(at),
        "on_leave": on_leave,
    }


def _presence(sight: Sight, now: int) -> Presence:
    if not sight.has_home or sight.silent or sight.fix_at is None:
        return Presence.UNKNOWN
    fresh_us = max(FRESH_US, INTERVALS * sight.interval_s * SECOND_US)
    if now - sight.fix_at > fresh_us:
        return Presence.UNKNOWN
    return Presence.HOME if sight.away_since is None else Presence.AWAY
