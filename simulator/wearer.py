"""A person in home quarantine: what is true of body and whereabouts at any instant.

Everything is closed-form in (noise of the person, incidents, instant), so that a restarted
simulator finds the person where the last one left it. What a band makes of this is `band`'s task.
Figures are bounded, not merely likely: a healthy wearer is healthy on every seed.
"""

from dataclasses import dataclass
from math import cos, hypot, pi, radians, sin
from typing import Final

from domain.instant import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from simulator.incident import Incident, Kind, current
from simulator.noise import Channel, Noise, smoothstep

LOCAL_OFFSET_US: Final = 8 * HOUR_US  # bodies keep the time of their place: UTC+8, no summer time
WALK_M_PER_S: Final = 1.3  # an unhurried adult
AT_HOME_M: Final = 4.0  # people are somewhere in their flat
PULSE_PER_DEGREE_BPM: Final = 9.0  # Daymont 2015: about 10 bpm per degree of fever
RESTING_LIMIT_BPM: Final = (
    108  # below the 111 of NEWS2, so that fever alone never adds a pulse alert
)


@dataclass(frozen=True, slots=True)
class Wearer:
    """One person, with everything that will happen to them, in order of time."""

    noise: Noise
    incidents: tuple[Incident, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Metres from the home's centre."""

    east_m: float
    north_m: float

    @property
    def distance_m(self) -> float:
        """From the home's centre."""
        return hypot(self.east_m, self.north_m)


def local_hour(at: int) -> float:
    """Hour of the local day, 0 <= h < 24."""
    return (at + LOCAL_OFFSET_US) % DAY_US / HOUR_US


def daily(at: int, peak_h: float) -> float:
    """A daily wave within [-1, 1], highest at `peak_h` local time."""
    return cos(2.0 * pi * (local_hour(at) - peak_h) / 24.0)


def fever_c(wearer: Wearer, at: int) -> float:
    """Degrees above the person's own; 0 for the healthy."""
    incident = current(wearer.incidents, at)
    if incident is None or incident.kind is not Kind.FEVER:
        return 0.0
    risen = smoothstep((at - incident.from_at) / (incident.onset_s * SECOND_US))
    if incident.to_at is not None:
        risen *= smoothstep((incident.to_at - at) / (incident.fall_s * SECOND_US))
    waver = 1.0 + 0.1 * wearer.noise.smooth(Channel.FEVER, at / (3 * HOUR_US))
    return incident.size * risen * waver


def core_c(wearer: Wearer, at: int) -> float:
    """True core temperature, degrees Celsius: 36.5 to 37.2 in the healthy, highest at six pm."""
    own = wearer.noise.between(Channel.PERSON, 0, 36.8, 36.9)
    slow = 0.06 * wearer.noise.smooth(Channel.CORE, at / (6 * HOUR_US))
    return own + 0.2 * daily(at, peak_h=18.0) + slow + fever_c(wearer, at)


def whereabouts(wearer: Wearer, at: int) -> Place:
    """Where the person really is."""
    incident = current(wearer.incidents, at)
    if incident is None or incident.kind is not Kind.OUT:
        turn = pi * wearer.noise.smooth(Channel.PERSON, at / HOUR_US)
        return Place(AT_HOME_M * cos(turn), AT_HOME_M * sin(turn))
    walked_m = _walked_m(incident, at)
    # Streets bend: the bearing swings a little on the way and swings back on the return.
    bearing = radians(incident.bearing_deg) + 0.3 * sin(walked_m / 80.0)
    return Place(walked_m * sin(bearing), walked_m * cos(bearing))


def _walked_m(incident: Incident, at: int) -> float:
    out_m = (at - incident.from_at) / SECOND_US * WALK_M_PER_S
    if incident.to_at is None:
        return min(incident.size, out_m)
    back_m = (incident.to_at - at) / SECOND_US * WALK_M_PER_S
    return min(incident.size, out_m, back_m)


def cadence(wearer: Wearer, at: int) -> float:
    """Steps a minute: a walk when out, pottering about now and then by day, else 0."""
    incident = current(wearer.incidents, at)
    if incident is not None and incident.kind is Kind.OUT:
        return 105.0 if _walked_m(incident, at) < incident.size else 0.0
    spell = at // (10 * MINUTE_US)
    awake = 7.0 <= local_hour(at) < 22.5
    if not awake or wearer.noise.uniform(Channel.ACTIVITY, spell) > 0.2:
        return 0.0
    return wearer.noise.between(Channel.CADENCE, spell, 15.0, 60.0)


def pulse_bpm(wearer: Wearer, at: int) -> int:
    """True pulse: the person's own at rest, more by day, with fever and with every step."""
    own = wearer.noise.between(Channel.PERSON, 1, 58.0, 72.0)
    drift = wearer.noise.smooth(Channel.PULSE_DRIFT, at / DAY_US)
    sway = 2.0 * wearer.noise.smooth(Channel.PULSE, at / (20 * MINUTE_US))
    rest = own + 3.0 * daily(at, peak_h=15.0) + drift + sway
    rest += PULSE_PER_DEGREE_BPM * fever_c(wearer, at)
    return round(min(rest, RESTING_LIMIT_BPM) + 0.35 * cadence(wearer, at))


def spo2_pct(wearer: Wearer, at: int) -> float:
    """True oxygen saturation, percent: 96 to 98, a point less in a high fever."""
    slow = wearer.noise.smooth(Channel.OXYGEN, at / HOUR_US)
    return 97.2 + 0.8 * slow - 0.4 * min(fever_c(wearer, at), 2.5)
