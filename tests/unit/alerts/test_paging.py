"""What is old goes on the list and calls nobody."""

from dataclasses import replace

import pytest

from alerts.document import document
from alerts.paging import notify, pages
from domain.instant import HOUR_US, MINUTE_US
from rules.finding import Rule, Severity
from tests.unit.alerts.cases import WHERE, alert


@pytest.mark.parametrize(
    ("severity", "minutes", "paged"),
    [
        (Severity.URGENT, 59, True),
        (Severity.URGENT, 60, False),
        (Severity.CRITICAL, 359, True),
        (Severity.CRITICAL, 360, False),
        (Severity.ROUTINE, 60, False),
    ],
)
def test_the_horizon(severity: Severity, minutes: int, *, paged: bool) -> None:
    case = alert(severity=severity)
    now = case.last_at + minutes * MINUTE_US
    assert pages(case, now) is paged
    assert notify(document(case, WHERE), now) is paged


def test_the_watch_never_pages() -> None:
    case = replace(alert(severity=Severity.ROUTINE), rule=Rule.WATCH)
    assert not pages(case, case.last_at)
    assert not pages(case, case.last_at - HOUR_US)
    assert not notify(document(case, WHERE), case.last_at)
