"""Late work has its turn, and takes as much as the others can wait for."""

import pytest

from ingest.judging import nothing
from ingest.late_planning import READINGS, WEARERS, WEARERS_MOST, LatePlan
from ingest.work import Result


def _judged(wearers: int, readings: int, *, left: bool) -> Result:
    return Result(1, nothing(), late_wearers=wearers, late_readings=readings, late_left=left)


def test_without_late_work_it_is_nobodys_turn() -> None:
    plan = LatePlan(left=False)
    plan.tick()
    assert not plan.before_a_batch()
    assert not plan.without_a_batch()


def test_a_step_a_tick_and_never_two() -> None:
    plan = LatePlan(left=True)
    assert not plan.before_a_batch()
    plan.tick()
    assert plan.before_a_batch()
    assert not plan.before_a_batch()
    plan.judged(_judged(3, 30, left=True))
    plan.batch_begins()
    assert not plan.before_a_batch()
    assert not plan.without_a_batch()


def test_what_filled_a_step_is_followed_by_another_after_a_batch_or_at_once() -> None:
    plan = LatePlan(left=True)
    plan.judged(_judged(WEARERS, 500, left=True))
    assert plan.without_a_batch()
    assert not plan.before_a_batch()
    plan.batch_begins()
    assert plan.before_a_batch()
    plan.judged(_judged(plan.limit - 1, 500, left=False))
    plan.stored(_judged(0, 0, left=False))
    assert not plan.without_a_batch()


@pytest.mark.parametrize(
    ("readings_each", "limit"),
    [(1, WEARERS_MOST), (1_000, READINGS // 1_000), (20_000, 5), (10 * READINGS, 1)],
)
def test_it_learns_how_much_wearers_have(readings_each: int, limit: int) -> None:
    plan = LatePlan(left=True)
    plan.judged(_judged(10, 10 * readings_each, left=True))
    assert plan.limit == limit
    plan.judged(_judged(0, 0, left=True))
    assert plan.limit == limit


def test_after_a_new_roster_the_ledger_is_asked() -> None:
    plan = LatePlan(left=False)
    plan.tick()
    plan.roster_changed()
    assert not plan.before_a_batch()
    plan.tick()
    assert plan.before_a_batch()
    result = _judged(0, 0, left=False)
    plan.stored(result)
    plan.judged(result)
    plan.tick()
    assert not plan.before_a_batch()
