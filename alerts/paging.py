"""Who is to be called now, and what can wait for the next round: the paging horizon.

Contract section 5: a notification is sent if the newest reading that supports a case is younger
than an hour, of a critical one six; what is older goes on the visit list only. `watch` never pages.
"""

from collections.abc import Mapping
from typing import Any, Final

from alerts.alert import Alert
from domain.instant import HOUR_US, parse_rfc3339
from rules.finding import Rule, Severity

HORIZON_US: Final[Mapping[Severity, int]] = {
    Severity.CRITICAL: 6 * HOUR_US,
    Severity.URGENT: HOUR_US,
    Severity.ROUTINE: HOUR_US,
}


def pages(alert: Alert, now: int) -> bool:
    """Whether a notification of what the alert says may be sent at `now`."""
    return _pages(alert.rule, alert.severity, alert.last_at, now)


def notify(said: Mapping[str, Any], now: int) -> bool:
    """The same of an alert's document (`alerts.document`): the `notify` of an answer."""
    severity = Severity[said["severity"].upper()]
    return _pages(Rule(said["rule"]), severity, parse_rfc3339(said["last_at"]), now)


def _pages(rule: Rule, severity: Severity, last_at: int, now: int) -> bool:
    return rule is not Rule.WATCH and now - last_at < HORIZON_US[severity]
