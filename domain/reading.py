"""One reading: what a device measured at one instant, in whole units.

The columns of many readings are in `domain.batch`; this is the vocabulary both share.
Units are integers so that a vectorised rule and a scalar one are equal, not merely close.
"""

from enum import IntEnum
from math import floor
from typing import Final


class Site(IntEnum):
    """Where a temperature was measured: the words of Open mHealth body-temperature-4.0.

    The numbers are stored; never renumber. `NOT_GIVEN` means the reading named no site (its device
    does); `UNKNOWN` means it named one we do not know, which counts as skin.
    """

    NOT_GIVEN = 0
    UNKNOWN = 1
    AXILLARY = 2
    FINGER = 3
    FOREHEAD = 4
    ORAL = 5
    RECTAL = 6
    TEMPORAL_ARTERY = 7
    TOE = 8
    TYMPANIC = 9
    WRIST = 10
    VAGINA = 11

    @classmethod
    def of(cls, word: str) -> "Site":
        """The site a word names, spaces as underscores; `UNKNOWN` for any other text."""
        return _SITE_BY_WORD.get(word.strip().lower().replace(" ", "_"), cls.UNKNOWN)

    @property
    def word(self) -> str:
        """The word used on the wire and on the page."""
        return self.name.lower()


_SITE_BY_WORD: Final = {site.name.lower(): site for site in Site if site is not Site.NOT_GIVEN}

CORE_LIKE: Final = (Site.AXILLARY, Site.FOREHEAD, Site.ORAL, Site.TYMPANIC, Site.RECTAL)
"""Sites with an absolute fever threshold (contract section 5). All others are judged as skin."""


class Datum(IntEnum):
    """The geodetic datum a position was given in. The numbers are stored; never renumber."""

    WGS84 = 0
    GCJ02 = 1
    BD09 = 2

    @property
    def word(self) -> str:
        """The word used on the wire."""
        return self.name.lower()


DATUM_BY_WORD: Final = {datum.word: datum for datum in Datum}

# Hard ranges, contract section 3. A quantity outside is dropped and recorded; the rest is kept.
TEMPERATURE_C_RANGE: Final = (20.0, 45.0)
PULSE_BPM_RANGE: Final = (20.0, 300.0)
SPO2_PCT_RANGE: Final = (50.0, 100.0)
BATTERY_PCT_RANGE: Final = (0.0, 100.0)
LATITUDE_RANGE: Final = (-90.0, 90.0)
LONGITUDE_RANGE: Final = (-180.0, 180.0)


def centi(value_c: float) -> int:
    """Centi-degrees: floor(value x 100 + 0.5), contract section 5."""
    return floor(value_c * 100 + 0.5)


def half_up(value: float) -> int:
    """The nearest whole unit, halves up."""
    return floor(value + 0.5)
