"""Chance that can be asked about any instant: the n-th draw without the n - 1 before it.

A restarted simulator must find its wearers in the middle of their lives, so nothing here has a
state: every draw is a pure function of (seed, channel, n). That is why it is a counter-based
generator and not a `random.Random`, whose draws depend on all draws before.
The mixing function is splitmix64 (Steele, Lea, Flood 2014): good for noise, never for secrets.
"""

from dataclasses import dataclass
from enum import IntEnum, auto
from hashlib import blake2b
from math import floor, sqrt
from typing import Final

_MASK: Final = (1 << 64) - 1
_GOLDEN: Final = 0x9E3779B97F4A7C15
_CHANNEL: Final = 0xD1B54A32D192ED03  # odd, so that channels never coincide
_UNIT: Final = 2.0**-64
_SQRT3: Final = sqrt(3.0)


class Channel(IntEnum):
    """What a draw is for; channels of one `Noise` are independent. Append only: order is bytes."""

    PERSON = auto()
    CORE = auto()
    SKIN = auto()
    SENSOR = auto()
    PULSE = auto()
    PULSE_DRIFT = auto()
    ACTIVITY = auto()
    CADENCE = auto()
    OXYGEN = auto()
    FIX = auto()
    ACCURACY = auto()
    EAST = auto()
    NORTH = auto()
    BATTERY = auto()
    INCIDENT = auto()
    FEVER = auto()
    NAME = auto()
    BACKOFF = auto()


@dataclass(frozen=True, slots=True)
class Noise:
    """A source of draws named by a 64-bit key."""

    key: int

    @classmethod
    def of(cls, *words: object) -> "Noise":
        """The source these words name, on every machine and under every hash seed."""
        text = "\x1f".join(str(word) for word in words)
        return cls(int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big"))

    def bits(self, channel: Channel, n: int) -> int:
        """64 bits: the `n`-th draw (any integer) of the channel."""
        z = (self.key + channel * _CHANNEL + n * _GOLDEN) & _MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def uniform(self, channel: Channel, n: int) -> float:
        """In [0, 1)."""
        return (self.bits(channel, n) >> 11) * 2.0**-53

    def between(self, channel: Channel, n: int, low: float, high: float) -> float:
        """Uniform in [low, high)."""
        return low + (high - low) * self.uniform(channel, n)

    def bell(self, channel: Channel, n: int) -> float:
        """Bell-shaped, mean 0, standard deviation 1, and never beyond 3.47: a sum of four uniforms.

        The bound is the point: a healthy wearer must stay healthy on every seed, not on most.
        """
        z = self.bits(channel, n)
        total = (z & 0xFFFF) + (z >> 16 & 0xFFFF) + (z >> 32 & 0xFFFF) + (z >> 48)
        return (total / 65536.0 - 2.0) * _SQRT3

    def smooth(self, channel: Channel, x: float) -> float:
        """A smooth curve through random heights at the whole numbers, within [-1, 1]."""
        knot = floor(x)
        left = self.bits(channel, knot) * _UNIT
        right = self.bits(channel, knot + 1) * _UNIT
        return 2.0 * (left + (right - left) * smoothstep(x - knot)) - 1.0


def smoothstep(x: float) -> float:
    """0 up to x = 0, 1 from x = 1 on, and a rise without corners between."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    return x * x * (3.0 - 2.0 * x)
