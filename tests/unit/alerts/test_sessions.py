from alerts.sessions import DEFAULT, USED_EVERY_US, Limits
from domain.instant import HOUR_US, MINUTE_US

NOW = 1_770_000_000_000_000


def test_a_night_without_a_use_is_no_end_and_a_day_is() -> None:
    assert (DEFAULT.idle_us, DEFAULT.lasts_us) == (8 * HOUR_US, 24 * HOUR_US)
    assert DEFAULT.idle_since(NOW) == NOW - 8 * HOUR_US


def test_what_is_written_down_once_a_minute_is_far_finer_than_what_ends_by_it() -> None:
    assert Limits(idle_us=5 * MINUTE_US).idle_since(NOW) < NOW - 4 * USED_EVERY_US
