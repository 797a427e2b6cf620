"""Days by the clocks of a place."""

from datetime import date

import pytest

from alerts.day import date_at, day
from domain.instant import HOUR_US, format_rfc3339, parse_rfc3339


@pytest.mark.parametrize(
    ("on", "timezone", "begins", "hours"),
    [
        (date(2026, 2, 3), "Asia/Shanghai", "2026-02-02T16:00:00Z", 24),
        (date(2026, 2, 3), "Asia/Kathmandu", "2026-02-02T18:15:00Z", 24),
        (date(2026, 3, 29), "Europe/Berlin", "2026-03-28T23:00:00Z", 23),
        (date(2026, 10, 25), "Europe/Berlin", "2026-10-24T22:00:00Z", 25),
        # Half an hour, and at midnight itself.
        (date(2026, 4, 5), "Australia/Lord_Howe", "2026-04-04T13:00:00Z", 24.5),
        (date(2018, 11, 4), "America/Sao_Paulo", "2018-11-04T03:00:00Z", 23),
        (date(2018, 2, 17), "America/Sao_Paulo", "2018-02-17T02:00:00Z", 25),
        # Midnight twice: Havana's clocks go from one o'clock back to it.
        (date(2026, 11, 1), "America/Havana", "2026-11-01T04:00:00Z", 25),
        # Samoa went over the date line and had no 30 December.
        (date(2011, 12, 30), "Pacific/Apia", "2011-12-30T10:00:00Z", 0),
    ],
)
def test_a_day(on: date, timezone: str, begins: str, hours: float) -> None:
    found = day(on, timezone)
    assert format_rfc3339(found.from_at) == begins
    assert found.to_at - found.from_at == hours * HOUR_US


@pytest.mark.parametrize("timezone", ["Asia/Shanghai", "Europe/Berlin", "America/Sao_Paulo"])
def test_days_follow_each_other_without_a_gap(timezone: str) -> None:
    for ordinal in range(date(2018, 1, 1).toordinal(), date(2018, 12, 31).toordinal()):
        here, next_ = (day(date.fromordinal(ordinal + n), timezone) for n in (0, 1))
        assert here.to_at == next_.from_at
        assert date_at(here.from_at, timezone) == date.fromordinal(ordinal)
        assert date_at(here.to_at - 1, timezone) == date.fromordinal(ordinal)


def test_which_day_it_is_depends_on_where() -> None:
    at = parse_rfc3339("2026-02-02T17:00:00Z")
    assert date_at(at, "Asia/Shanghai") == date(2026, 2, 3)
    assert date_at(at, "Europe/Berlin") == date(2026, 2, 2)
