import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.robots import ELSEWHERE, KEPT_FOR_CRITICAL, LIMITS, Limit, limit_of, recent, wait_us
from domain.instant import MINUTE_US, SECOND_US

NOW = 1_000 * MINUTE_US
ALL = [*LIMITS.values(), ELSEWHERE]


def test_robots_have_their_own_limits_and_others_the_strictest() -> None:
    assert limit_of("wecombot").per_minute == 20
    assert limit_of("dingtalk").per_minute == 20
    assert (limit_of("feishu"), limit_of("lark")) == (Limit(100, 5), Limit(100, 5))
    assert limit_of("mailto").per_minute == min(each.per_minute for each in ALL)


def test_the_last_of_a_minute_are_for_what_is_critical() -> None:
    limit = Limit(20, 20)
    sent = [NOW - 40 * SECOND_US] * (20 - KEPT_FOR_CRITICAL)
    assert wait_us(sent, NOW, limit, critical=False) == 20 * SECOND_US
    assert wait_us(sent, NOW, limit, critical=True) == 0
    full = [NOW - 40 * SECOND_US] * 20
    assert wait_us(full, NOW, limit, critical=True) == 20 * SECOND_US


def test_a_second_has_its_limit_too() -> None:
    assert wait_us([NOW - 1] * 5, NOW, Limit(100, 5), critical=True) == SECOND_US - 1


def test_what_is_a_minute_old_or_yet_to_come_does_not_count() -> None:
    old, here, to_come = NOW - MINUTE_US, NOW - MINUTE_US + 1, NOW + 1
    assert recent([old, here, NOW, to_come], NOW) == [here, NOW]


@pytest.mark.parametrize("limit", ALL)
@given(gaps=st.lists(st.tuples(st.integers(0, 5 * SECOND_US), st.booleans()), max_size=300))
def test_no_minute_has_more_than_its_limit(limit: Limit, gaps: list[tuple[int, bool]]) -> None:
    now, sent = NOW, list[int]()
    for gap, critical in gaps:
        now += gap
        now += wait_us(recent(sent, now), now, limit, critical=critical)
        sent.append(now)
    for at in sent:
        assert sum(at <= each < at + MINUTE_US for each in sent) <= limit.per_minute
        assert sum(at <= each < at + SECOND_US for each in sent) <= limit.per_second
