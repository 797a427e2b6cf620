"""Who is to be called now, and what can wait for the next round: the paging horizon.

Contract section 5: a notification is sent if the newest reading that supports a case is younger
than an hour, of a critical one six; what is older goes on the visit list only. `watch` never pages.
"""

from collections.abc import Mapping
from typing import Final

from alerts.alert import Alert
from domain.instant import HOUR_US
from rules.finding import Rule, Severity

HORIZON_US: Final[Mapping[Severity, int]] = {
    Severity.CRITICAL: 6 * HOUR_US,
    Severity.URGENT: HOUR_US,
    Severity.ROUTINE: HOUR_US,
}


def pages(alert: Alert, now: int) -> bool:
    """Whether a notification of what the alert says may be sent at `now`."""
    return alert.rule is not Rule.WATCH and now - alert.last_at < HORIZON_US[alert.severity]
