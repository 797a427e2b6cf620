"""Which alert comes first: one total order for lists, pages and everybody who asks.

Pure. Urgency, then vulnerability, then waiting. `severity` itself is what the rules say (contract
section 5) and is not touched here: vulnerability moves an alert within its severity. The order has
no clock in it, so that a cursor stays good while time passes. `store.alertread` spells the same in
SQL; a test holds the one against the other.
"""

from typing import Final

from alerts.alert import Alert, Condition, Response
from alerts.surroundings import Surroundings
from domain.instant import to_datetime
from rules.finding import Severity

AGED: Final = 80
"""Years; as for `silent` (contract section 5): from here on a fever is often mild or absent."""
FRAGILE_FLAGS: Final = ("lives_alone", "chronic")
"""Of the roster (contract section 4): nobody else is there to notice, or less is needed to be ill.

`disabled` is not among them: it says how to come to a door, not how soon.
"""


def vulnerable(where: Surroundings, at: int) -> bool:
    """Whether the person lives alone, is chronically ill, or turns 80 or older in that year."""
    if any(flag in where.flags for flag in FRAGILE_FLAGS):
        return True
    return where.birth_year is not None and to_datetime(at).year - where.birth_year >= AGED


def rank(alert: Alert, *, vulnerable: bool) -> int:
    """Less is sooner: not closed, severity, nobody on it yet, still so, vulnerable."""
    return (
        (alert.response is Response.CLOSED) * 1_000
        + (Severity.CRITICAL - alert.severity) * 100
        + (alert.response is not Response.OPEN) * 4
        + (alert.condition is not Condition.ACTIVE) * 2
        + (not vulnerable)
    )


def order(alert: Alert, where: Surroundings) -> tuple[int, int, str]:
    """What lists are sorted by: rank, then the longest wait; the id, so that no two are equal."""
    mark = vulnerable(where, alert.raised_at)
    return rank(alert, vulnerable=mark), alert.raised_at, alert.id
