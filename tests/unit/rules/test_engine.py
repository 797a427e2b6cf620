"""Batches in, evaluations out; late readings, taking over, and judging anew."""

import numpy as np
import pytest

from rules.engine import Evaluation, apply, evaluate, merge_replayed, tick
from rules.finding import Change
from rules.rulebook import DEFAULT
from rules.state import fresh
from rules.touched import Touched
from rules.wearers import Wearers
from tests.unit.rules.making import (
    T0,
    Service,
    Worn,
    by_event_time,
    findings,
    minutes,
    reading,
    roster_of,
    rows_of,
    seconds,
)

HOT = [reading(minutes(m), temperature_c=38.5) for m in (0, 5, 10)]


def test_nothing_in_nothing_out() -> None:
    wearers = Wearers.of(roster_of(), DEFAULT)
    done = evaluate(fresh(0), rows_of([]), wearers, DEFAULT, T0, 0)
    assert (len(done.slots), len(done.rows), done.changes, done.late) == (0, 0, (), ())
    assert len(tick(fresh(0), wearers, DEFAULT, T0, 0).slots) == 0


def test_only_wearers_in_the_batch_are_touched() -> None:
    service = Service(*[Worn()] * 5)
    done = service.receive([reading(T0, slot, temperature_c=36) for slot in (3, 1, 3)])
    assert done.slots.tolist() == [1, 3]
    assert done.rows["watermark_at"].tolist() == [T0, T0]
    assert len(service.state) == 4


def test_a_state_that_is_too_short_is_as_good_as_fresh() -> None:
    wearers = Wearers.of(roster_of(*[Worn()] * 3), DEFAULT)
    rows = rows_of([reading(T0, 2, temperature_c=39.5)])
    short = evaluate(fresh(1), rows, wearers, DEFAULT, T0, 7)
    full = evaluate(fresh(3), rows, wearers, DEFAULT, T0, 7)
    assert short.rows.tobytes() == full.rows.tobytes()
    assert tick(fresh(1), wearers, DEFAULT, T0, 7).slots.tolist() == [0, 1, 2]


def test_rows_of_wearers_nobody_knows_are_a_mistake_of_ours() -> None:
    wearers = Wearers.of(roster_of(Worn()), DEFAULT)
    for slot in (-1, 1):
        with pytest.raises(AssertionError):
            evaluate(fresh(1), rows_of([reading(T0, slot)]), wearers, DEFAULT, T0, 0)


def test_what_was_measured_outside_of_a_spell_is_nobodys() -> None:
    assert Service(Worn()).receive(HOT).changes
    over = Worn(spells=((minutes(-60), minutes(7)), (minutes(60), None)))
    assert not Service(over).receive(HOT).changes


def test_readings_not_after_the_newest_are_late() -> None:
    service = Service(Worn(), Worn())
    service.receive([reading(minutes(5), temperature_c=36)])
    done = service.receive(
        [
            reading(minutes(4), temperature_c=36),
            reading(minutes(5), temperature_c=37),
            reading(minutes(6), temperature_c=36),
            reading(minutes(1), 1, temperature_c=36),
        ]
    )
    assert done.late == [(0, minutes(4)), (0, minutes(5))]
    assert service.state["watermark_at"].tolist() == [minutes(6), minutes(1)]


def test_a_batch_may_be_all_late() -> None:
    service = Service(Worn())
    service.receive([reading(minutes(5), temperature_c=36)])
    service.clock_us = seconds(9)
    done = service.receive([reading(minutes(4), temperature_c=36)])
    assert not done.changes
    assert done.rows["heard_rc"].tolist() == [seconds(9)], "heard all the same"


def test_readings_of_one_instant_are_taken_in_the_order_of_their_content() -> None:
    """Whichever came first: a fever at the armpit and none, at the same time, thrice."""
    pairs = [
        [reading(minutes(m), temperature_c=38.5), reading(minutes(m), temperature_c=36.0)]
        for m in (0, 5, 10)
    ]
    one_way = findings([each for pair in pairs for each in pair])
    the_other = findings([each for pair in pairs for each in reversed(pair)])
    assert one_way == the_other


def test_late_readings_complete_what_was_pending() -> None:
    service = Service(Worn())
    service.receive([HOT[0], HOT[2]])
    assert not service.book.of(0)
    service.receive([HOT[1]])
    (change,) = service.settle()
    assert (change.change, change.late) == (Change.BEGAN, True)
    assert change.finding.onset_at == minutes(0)


def test_late_readings_take_back_what_was_too_hasty() -> None:
    service = Service(Worn())
    service.receive(HOT)
    assert len(service.book.of(0)) == 1
    service.receive([reading(minutes(7), temperature_c=36.0)])
    (change,) = service.settle()
    assert (change.change, change.late) == (Change.WITHDRAWN, True)
    assert not service.book.of(0)


def test_the_state_after_late_work_is_that_of_the_whole_history() -> None:
    late, early = Service(Worn()), Service(Worn())
    for service, order in ((early, (0, 1, 2)), (late, (2, 0, 1))):
        for nth in order:
            service.receive([HOT[nth]])
        service.settle()
    assert by_event_time(late.state) == by_event_time(early.state)


def test_what_depends_on_arrival_survives_a_replay() -> None:
    current, replayed = Touched.fresh(1), Touched.fresh(1)
    current["heard_at"][0], current["watermark_at"][0] = 5, 9
    current["silence"]["began_at"] = 6
    replayed["near_at"][0], replayed["watermark_at"][0] = 7, 8
    merged = merge_replayed(current, replayed)
    assert (merged["heard_at"][0], merged["silence"]["began_at"][0]) == (5, 6)
    assert (merged["near_at"][0], merged["watermark_at"][0]) == (7, 9)
    assert replayed["heard_at"].tolist() == [0], "untouched"


def test_taking_over_writes_the_rows_and_grows_as_needed() -> None:
    rows = Touched.fresh(2)
    rows["near_at"][:] = [3, 4]
    state = apply(fresh(1), Evaluation(np.array([0, 4]), rows, (), ()))
    assert state["near_at"].tolist() == [3, 0, 0, 0, 4]
    same = apply(state, Evaluation(np.empty(0, dtype=np.int64), Touched.fresh(0), (), ()))
    assert same is state


def test_many_wearers_at_once_are_judged_as_each_alone() -> None:
    many = Service(*[Worn()] * 200)
    many.receive([each | {"slot": n, "device_no": n + 1} for n in range(200) for each in HOT])
    (alone,) = findings(HOT)
    for n in range(200):
        (finding,) = many.book.of(n)
        assert (finding.onset_at, finding.peak) == (alone.onset_at, alone.peak)
