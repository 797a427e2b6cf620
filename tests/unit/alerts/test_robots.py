import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.robots import (
    ELSEWHERE,
    KEPT,
    LIMITS,
    LONGEST_REST_US,
    Answered,
    Limit,
    Use,
    admitted,
    answered,
    limit_of,
)
from domain.instant import MINUTE_US, SECOND_US
from rules.finding import Severity

NOW = 1_000 * MINUTE_US
CRITICAL, URGENT, ROUTINE = Severity.CRITICAL, Severity.URGENT, Severity.ROUTINE
SCHEMES = [*LIMITS, "mailto"]


def use(*sent: int, scheme: str = "wecombot", rest_until: int | None = None) -> Use:
    return Use(scheme, sent, rest_until)


def test_robots_have_their_own_limits_and_others_the_strictest() -> None:
    assert limit_of("wecombot").per_minute == 20
    assert limit_of("dingtalk").per_minute == 20
    assert (limit_of("feishu"), limit_of("lark")) == (Limit(100, 5), Limit(100, 5))
    everywhere = (*LIMITS.values(), ELSEWHERE)
    assert limit_of("mailto").per_minute == min(each.per_minute for each in everywhere)


@pytest.mark.parametrize(
    ("messages", "waits"),
    [
        (4, (0, 0, 0)),
        (5, (0, 0, 20)),
        (14, (0, 0, 20)),
        (15, (0, 20, 20)),
        (19, (0, 20, 20)),
        (20, (20, 20, 20)),
    ],
)
def test_what_is_worse_has_a_share_that_nothing_else_takes(
    messages: int, waits: tuple[int, int, int]
) -> None:
    here = use(*[NOW - 40 * SECOND_US] * messages)
    assert [here.wait_us(NOW, each) // SECOND_US for each in (CRITICAL, URGENT, ROUTINE)] == [
        *waits
    ]


def test_a_second_has_its_limit_too() -> None:
    here = use(*[NOW - 1] * 5, scheme="feishu")
    assert here.wait_us(NOW, CRITICAL) == SECOND_US - 1
    assert here.wait_us(NOW + SECOND_US, CRITICAL) == 0


def test_what_is_routine_goes_one_a_second_where_seconds_are_few() -> None:
    here = use(NOW - 1, scheme="feishu")
    assert (here.wait_us(NOW, ROUTINE), here.wait_us(NOW, CRITICAL)) == (SECOND_US - 1, 0)


def test_what_is_a_minute_old_does_not_count() -> None:
    old, here = NOW - MINUTE_US, NOW - MINUTE_US + 1
    assert use(old, here, NOW).at(NOW).sent == (here, NOW)


def test_a_clock_that_is_set_back_silences_nobody_for_long() -> None:
    """Another process may be a moment ahead of us; a minute ahead is another clock."""
    ahead, far = NOW + SECOND_US, NOW + MINUTE_US
    assert use(ahead, far).at(NOW).sent == (ahead,)
    resting = use(rest_until=NOW + LONGEST_REST_US + 1)
    assert resting.at(NOW).rest_until is None


def test_who_rests_is_left_out_and_no_reason_to_wait() -> None:
    uses = {"a": use(rest_until=NOW + SECOND_US), "b": use()}
    granted = admitted(uses, URGENT, NOW)
    assert (granted.granted, granted.resting) == (True, {"a": SECOND_US})
    assert not admitted(uses, URGENT, NOW + SECOND_US).resting


def test_one_that_is_used_up_holds_all_back_so_that_all_hear_the_same() -> None:
    uses = {"a": use(*[NOW] * 20), "b": use()}
    refused = admitted(uses, CRITICAL, NOW)
    assert (refused.granted, refused.waits) == (False, {"a": MINUTE_US})


def test_a_message_is_one_more() -> None:
    after = use(NOW - MINUTE_US, NOW - 5).written_to(NOW)
    assert after.sent == (NOW - 5, NOW)


@pytest.mark.parametrize("scheme", SCHEMES)
@given(
    gaps=st.lists(
        st.tuples(st.integers(0, 5 * SECOND_US), st.sampled_from([*Severity])), max_size=300
    )
)
def test_no_minute_has_more_than_its_limit(scheme: str, gaps: list[tuple[int, Severity]]) -> None:
    now, here, sent, limit = NOW, Use(scheme), list[int](), limit_of(scheme)
    for gap, severity in gaps:
        now += gap
        now += here.wait_us(now, severity)
        here = here.written_to(now)
        sent.append(now)
    for at in sent:
        assert sum(at <= each < at + MINUTE_US for each in sent) <= limit.per_minute
        assert sum(at <= each < at + SECOND_US for each in sent) <= limit.per_second


@pytest.mark.parametrize("scheme", SCHEMES)
@given(gaps=st.lists(st.integers(0, 5 * SECOND_US), max_size=60))
def test_what_is_routine_never_uses_up_what_calls(scheme: str, gaps: list[int]) -> None:
    """However many routine messages go, most of the minute is left to urgent ones."""
    now, here = NOW, Use(scheme)
    for gap in gaps:
        now += gap + here.wait_us(now, ROUTINE)
        here = here.written_to(now)
        used = len(here.at(now).sent)
        assert used + KEPT[ROUTINE] <= limit_of(scheme).per_minute
        assert here.wait_us(now, URGENT) == 0


@pytest.mark.parametrize(
    ("scheme", "status", "body", "said"),
    [
        ("wecombot", 200, {"errcode": 0, "errmsg": "ok"}, Answered(taken=True)),
        ("dingtalk", 200, {"errcode": 0}, Answered(taken=True)),
        ("wecombot", 200, {"errcode": 93000}, Answered(taken=False)),
        ("dingtalk", 200, {"errcode": 310000}, Answered(taken=False)),
        ("wecombot", 200, {"errcode": 45009}, Answered(taken=False, rest_us=MINUTE_US)),
        ("wecombot", 200, {"errcode": 45033}, Answered(taken=False, rest_us=MINUTE_US)),
        ("dingtalk", 200, {"errcode": 130101}, Answered(taken=False, rest_us=10 * MINUTE_US)),
        ("dingtalk", 302, {}, Answered(taken=False, rest_us=10 * MINUTE_US)),
        ("wecombot", 302, {}, Answered(taken=False)),
        ("wecombot", 429, {}, Answered(taken=False, rest_us=MINUTE_US)),
        ("wecombot", 500, {"errcode": 0}, Answered(taken=False)),
        # No robot's answers.
        ("wecombot", 200, {"errcode": False}, Answered(taken=False)),
        ("wecombot", 200, {"errcode": "0"}, Answered(taken=False)),
        ("wecombot", 200, [], Answered(taken=False)),
        ("dingtalk", 200, {}, Answered(taken=False)),
    ],
)
def test_a_200_is_not_yet_a_message(scheme: str, status: int, body: object, said: Answered) -> None:
    assert answered(scheme, status, json.dumps(body).encode()) == said


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[" * 60_000])
def test_what_is_no_json_is_no_robots(body: bytes) -> None:
    assert answered("wecombot", 200, body) == Answered(taken=False)
