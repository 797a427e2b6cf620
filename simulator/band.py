"""A band: what it measures of its wearer, when, and when it gets rid of it.

Theory of operation. A band measures at fixed ticks, `anchor_at + k x interval`. Its state is the
next tick and the next sequence number, nothing else: a sample is a function of the tick, so what an
offline band would have to store is made when it is uploaded. `wake_at` says when the next upload is
due, `step` makes it. A dead band measures nothing and counts nothing; an offline one measures on
and uploads in order when the network is back; its memory holds a day, then it forgets the oldest,
which leaves a hole in `seq`, as in life.
"""

from dataclasses import dataclass
from math import cos, hypot, radians, sqrt
from typing import Final

from domain.instant import DAY_US, HOUR_US, MINUTE_US
from domain.reading import Site
from simulator import wearer as person
from simulator.encoder import Sample
from simulator.incident import Incident, Kind, current
from simulator.noise import Channel, Noise

MEMORY_US: Final = DAY_US
UPLOAD_LIMIT: Final = 100  # samples in a message: about 30 KB, half of what the contract allows

_METRES_PER_DEGREE: Final = 111_320.0  # of latitude
_BEACON_M: Final = 30.0  # how far a home beacon is heard
_RECHARGE_US: Final = 2 * HOUR_US
_CHARGE_PERIOD_US: Final = 30 * HOUR_US
_CHARGED, _USED = 97.0, 45.0  # percent: full, and spent between two chargings
_CHARGING_SHARE: Final = 0.05  # of the period


@dataclass(frozen=True, slots=True)
class Band:
    """One band on one wearer in one home. Bands charge on the wrist, from a clip-on pack."""

    device: str
    boot: str
    site: Site
    """`AXILLARY` (a patch under the arm) or `WRIST`."""
    anchor_at: int
    interval_us: int
    home: tuple[float, float]
    """WGS-84 degrees."""
    beacon: bool
    """Whether there is a home beacon it can hear."""
    wearer: person.Wearer

    def tick_at(self, tick: int) -> int:
        """When the tick is, in whole milliseconds."""
        return (self.anchor_at + tick * self.interval_us) // 1000 * 1000

    def tick_from(self, at: int) -> int:
        """The first tick at or after the instant."""
        tick = -((self.anchor_at - at) // self.interval_us)
        return tick if self.tick_at(tick) >= at else tick + 1


@dataclass(frozen=True, slots=True)
class BandState:
    """The next sample's tick and sequence number."""

    tick: int
    seq: int


def switch_on(band: Band, at: int) -> BandState:
    """A band that starts counting with this instant."""
    return BandState(tick=band.tick_from(at), seq=1)


def wake_at(band: Band, state: BandState) -> int | None:
    """When the next upload is due; None: never again."""
    tick_at = band.tick_at(state.tick)
    outage = _outage(band, tick_at)
    return tick_at if outage is None else outage.to_at


def step(band: Band, state: BandState, now: int) -> tuple[BandState, tuple[Sample, ...]]:
    """Uploads what is due at `now`, oldest first, at most `UPLOAD_LIMIT`; the rest stays due."""
    tick, seq = state.tick, state.seq
    oldest = band.tick_from(now - MEMORY_US)
    if tick < oldest:
        tick, seq = oldest, seq + oldest - tick
    samples: list[Sample] = []
    while len(samples) < UPLOAD_LIMIT and band.tick_at(tick) <= now:
        outage = _outage(band, band.tick_at(tick))
        if outage is None or (outage.kind is Kind.OFFLINE and _over(outage, now)):
            samples.append(measure(band, band.tick_at(tick), seq))
            tick, seq = tick + 1, seq + 1
        elif outage.kind is Kind.OFFLINE or outage.to_at is None:
            break
        else:
            tick = band.tick_from(outage.to_at)
    return BandState(tick, seq), tuple(samples)


def _over(outage: Incident, now: int) -> bool:
    return outage.to_at is not None and outage.to_at <= now


def _outage(band: Band, at: int) -> Incident | None:
    incident = current(band.wearer.incidents, at)
    if incident is None:
        return None
    if incident.kind is Kind.OFFLINE:
        return incident
    blank = incident.kind in (Kind.DEAD, Kind.FLAT) and at >= incident.blank_at
    return incident if blank else None


def measure(band: Band, at: int, seq: int) -> Sample:
    """What the band makes of its wearer at the instant."""
    wearer, noise = band.wearer, band.wearer.noise
    off = _off(wearer, at)
    lat, lon, accuracy_m = _fix(band, at)
    near = person.whereabouts(wearer, at).distance_m <= _BEACON_M
    return Sample(
        measured_at=at,
        boot=band.boot,
        seq=seq,
        temperature_c=round(_ambient_c(noise, at) if off else skin_c(band, at), 2),
        site=band.site,
        pulse_bpm=0
        if off
        else person.pulse_bpm(wearer, at) + round(noise.bell(Channel.SENSOR, at)),
        spo2_pct=None if off else min(99, round(person.spo2_pct(wearer, at))),
        steps=0 if off else round(person.cadence(wearer, at) * band.interval_us / MINUTE_US),
        lat=lat,
        lon=lon,
        accuracy_m=accuracy_m,
        near_home=near if band.beacon else None,
        battery_pct=int(battery_pct(wearer, at)),
        charging=charging(wearer, at),
        worn=not off,
    )


def skin_c(band: Band, at: int) -> float:
    """What the sensor reads on skin: near the core under the arm, far from it on the wrist."""
    noise = band.wearer.noise
    if band.site is Site.AXILLARY:
        # Axillary reads about half a degree below oral; how well a patch sits differs a little.
        fit = noise.between(Channel.PERSON, 2, -0.55, -0.45)
        return person.core_c(band.wearer, at) + fit + 0.04 * noise.bell(Channel.SENSOR, at + 1)
    # About 34, warmest at night when the vessels open; Empatica E4 of a healthy wearer: 34.7.
    own = noise.between(Channel.PERSON, 2, 33.5, 34.3)
    slow = 0.3 * noise.smooth(Channel.SKIN, at / (2 * HOUR_US))
    warm = 0.35 * person.daily(at, peak_h=3.0) + 0.8 * person.fever_c(band.wearer, at)
    return own + slow + warm + 0.06 * noise.bell(Channel.SENSOR, at + 1)


def _ambient_c(noise: Noise, at: int) -> float:
    return (
        24.0
        + 1.5 * noise.smooth(Channel.SKIN, at / (2 * HOUR_US))
        + 0.05 * noise.bell(Channel.SENSOR, at)
    )


def _off(wearer: person.Wearer, at: int) -> bool:
    incident = current(wearer.incidents, at)
    return incident is not None and incident.kind is Kind.OFF


def _fix(band: Band, at: int) -> tuple[float | None, float | None, float | None]:
    noise = band.wearer.noise
    place = person.whereabouts(band.wearer, at)
    indoors = place.distance_m <= _BEACON_M
    chance = noise.uniform(Channel.FIX, at)
    if indoors and chance < 0.1:
        return None, None, None
    accuracy_m = (
        _accuracy_m(noise, at, chance) if indoors else noise.between(Channel.ACCURACY, at, 5, 12)
    )
    # Accuracy is the 68 % radius, 1.51 standard deviations of a round two-dimensional bell.
    spread_m = accuracy_m / 1.51
    east_m = spread_m * noise.bell(Channel.EAST, at)
    north_m = spread_m * noise.bell(Channel.NORTH, at)
    # An honest receiver errs, but never by far more than it says.
    limit_m = min(2.5 * accuracy_m, accuracy_m + 40.0)
    shrink = min(1.0, limit_m / (hypot(east_m, north_m) or limit_m))
    lat = band.home[0] + (place.north_m + shrink * north_m) / _METRES_PER_DEGREE
    across = _METRES_PER_DEGREE * cos(radians(band.home[0]))
    lon = band.home[1] + (place.east_m + shrink * east_m) / across
    return round(lat, 6), round(lon, 6), round(accuracy_m, 1)


def _accuracy_m(noise: Noise, at: int, chance: float) -> float:
    """Indoors: 10 to 35 m, and now and then far worse, honestly said."""
    if chance < 0.12:
        return noise.between(Channel.ACCURACY, at, 80.0, 300.0)
    return 10.0 + 25.0 * sqrt(noise.uniform(Channel.ACCURACY, at)) ** 3


def battery_pct(wearer: person.Wearer, at: int) -> float:
    """The charge left: a saw-tooth of 30 hours, unless nobody charges it."""
    flat = _flat(wearer, at)
    if flat is None:
        return _routine_pct(wearer, at)
    if flat.to_at is not None and at >= flat.to_at:
        share = (at - flat.to_at) / _RECHARGE_US
        return 5.0 + share * (_routine_pct(wearer, at) - 5.0)
    share = (at - flat.from_at) / (flat.blank_at - flat.from_at)
    return max(0.0, 1.0 - share) * _routine_pct(wearer, flat.from_at)


def charging(wearer: person.Wearer, at: int) -> bool:
    """Whether it is being charged."""
    flat = _flat(wearer, at)
    if flat is None:
        return _charge_phase(wearer, at) >= 1.0 - _CHARGING_SHARE
    return flat.to_at is not None and at >= flat.to_at


def _flat(wearer: person.Wearer, at: int) -> Incident | None:
    """A `flat` incident that covers the instant, or ended while the band still recharges."""
    incident = current(wearer.incidents, at) or current(wearer.incidents, at - _RECHARGE_US)
    return incident if incident is not None and incident.kind is Kind.FLAT else None


def _routine_pct(wearer: person.Wearer, at: int) -> float:
    phase = _charge_phase(wearer, at)
    if phase < 1.0 - _CHARGING_SHARE:
        return _CHARGED - _USED * phase / (1.0 - _CHARGING_SHARE)
    return _CHARGED - _USED * (1.0 - phase) / _CHARGING_SHARE


def _charge_phase(wearer: person.Wearer, at: int) -> float:
    """0 just charged .. 1 charged again."""
    begin = wearer.noise.uniform(Channel.BATTERY, 0)
    return (at / _CHARGE_PERIOD_US + begin) % 1.0
