"""How long a session of the console stands: since it began, and since anybody used it.

Pure: `now` is given.
"""

from dataclasses import dataclass
from typing import Final

from domain.instant import HOUR_US, MINUTE_US

USED_EVERY_US: Final = MINUTE_US
"""How exactly it is written down when a session or token was last used: one write a minute."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Microseconds.

    NIST SP 800-63B: 30 days at the most for who comes with a password alone (AAL1, 4.1.3), which
    these are within. With a second factor (AAL2, 4.2.3), which there is none of here, 12 hours and
    30 minutes without a use; OWASP ASVS 5.0 (7.1.1) asks for the reasons of who is laxer. Ours:
    somebody on call sleeps, is called at four in the morning, follows the link of a notification
    and must see at once whom it is about. A night is eight hours; two shifts are within a day.
    """

    idle_us: int = 8 * HOUR_US
    """After so long without a request it is over. An open page asks once a minute by itself."""
    lasts_us: int = 24 * HOUR_US
    """After so long it is over, used or not."""

    def idle_since(self, now: int) -> int:
        """What was last used then or before is over."""
        return now - self.idle_us


DEFAULT: Final = Limits()
