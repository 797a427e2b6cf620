"""Marks begin with what every rule needs."""

import numpy as np

from rules.marks import Batch
from rules.rulebook import DEFAULT
from rules.touched import Touched
from rules.wearers import Wearers
from tests.unit.rules.making import Worn, minutes, reading, roster_of, rows_of, seconds


def batch_of(*worn: Worn) -> Batch:
    """A reading of each of them."""
    rows = rows_of([reading(minutes(0), slot) for slot in range(len(worn))])
    slots = rows["slot"].astype(np.int64)
    nobody = np.zeros(len(worn), dtype=np.bool_)
    wearers = Wearers.of(roster_of(*worn), DEFAULT)
    return Batch(rows, slots, slots, Touched.fresh(len(worn)), wearers, DEFAULT, nobody)


def test_of_a_device_that_uploads_seldom_two_in_a_row_suffice() -> None:
    batch = batch_of(Worn(interval_s=60), Worn(interval_s=3600))
    marks = batch.marks(np.array([0, 1]))
    batch.hold(marks, 600, 3, 1800)
    held = ("hold_us", "need", "clear_us", "clear_need")
    assert [marks[name].tolist() for name in held] == [
        [seconds(600), 0],
        [3, 2],
        [seconds(1800), 0],
        [1, 2],
    ]
    assert marks["gap_us"].tolist() == batch.wearers.gap_us.tolist()


def test_marks_know_their_row_their_wearer_and_their_time() -> None:
    rows = rows_of([reading(minutes(m), slot) for m, slot in ((0, 0), (1, 0), (5, 1))])
    wearers = Wearers.of(roster_of(Worn(), Worn()), DEFAULT)
    group = np.array([0, 0, 1])
    nobody = np.zeros(3, dtype=np.bool_)
    states = Touched.fresh(2)
    batch = Batch(rows, rows["slot"].astype(np.int64), group, states, wearers, DEFAULT, nobody)
    marks = batch.marks(np.array([0, 2]))
    assert marks["row"].tolist() == [0, 2]
    assert marks["group"].tolist() == [0, 1]
    assert marks["at"].tolist() == [minutes(0), minutes(5)]
    assert not marks["kind"].any()
    second = np.array([False, False, True])
    assert batch.worth("pulse", ~second, second).tolist() == []
    assert batch.worth("pulse", ~second, np.array([True, False, False])).tolist() == [0, 1]
    states["pulse"]["first_at"][1] = 1
    assert batch.worth("pulse", second, ~second & second).tolist() == [2]
